"""Events: assignments that happen when a condition on the state or the time becomes true."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jaxsim.errors import NetworkError
from jaxsim.network.expression import names
from jaxsim.network.printer import to_string
from jaxsim.network.reaction import as_expression, assignments
from jaxsim.network.switching import Timed, split_time


@dataclass(frozen=True)
class Event:
    """An assignment that fires each time its trigger turns from false to true.

    Parameters
    ----------
    trigger
        A condition such as ``"A > 100"`` or ``"t >= 25 and A > 3"``. It may compare expressions that are linear
        in the time ``t``; the moment at which they switch is then met exactly. It is looked at there, where
        ``t >= 25`` and ``t == 25`` turn true, and just after, where ``t > 25`` does; what it does just after a
        moment belongs to the state at that moment. Doses at the same moment come first.
    set
        What each species or variable becomes, computed from the state just before: ``{"A": "A/2"}``. Counts are
        rounded down.
    name
        Optional label.
    priority
        Of events that fire together the one with the higher priority acts first; of equal ones, the first in the
        list.
    persistent
        Whether an event that has triggered acts even if another one, acting first, makes its trigger false again,
        and as many times as it has been triggered till then.
    at_start
        Whether it fires at the start if its trigger holds there. A trigger that turns true just after the start,
        such as ``t > 0``, fires in any case.
    once
        Whether a persistent event that has been triggered several times till then acts once all the same. So does one
        whose values are those at its trigger and that reads what it sets, since it would set the same each time.

    Raises
    ------
    NetworkError
        If it sets nothing, or the trigger reads ``t`` in a way whose moment of change is not known.

    Examples
    --------
    >>> print(Event("A >= 100", set={"A": "floor(A/2)"}, name="division"))
    division: when A >= 100 set A := floor(A/2)
    """

    trigger: Any
    set: Any
    name: str = ""
    priority: int = 0
    persistent: bool = False
    at_start: bool = False
    once: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "trigger", as_expression(self.trigger))
        object.__setattr__(self, "set", assignments(self.set))
        try:
            self.timed  # noqa: B018
        except NetworkError as error:
            raise NetworkError(f"event '{self}': {error}") from error
        if not self.set:
            raise NetworkError(f"event '{self}' sets nothing; give set={{species: expression}}")

    @cached_property
    def timed(self) -> Timed:
        """The trigger with its comparisons of the time taken out."""
        return split_time(self.trigger)

    @property
    def reads_what_it_sets(self) -> bool:
        """Whether acting again would set something else."""
        return any(names(value) & {target for target, _ in self.set} for _, value in self.set)

    def __str__(self) -> str:
        label = f"{self.name}: " if self.name else ""
        sets = ", ".join(f"{species} := {to_string(value)}" for species, value in self.set)
        return f"{label}when {to_string(self.trigger)} set {sets}"
