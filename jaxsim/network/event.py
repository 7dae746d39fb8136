"""Events: assignments that happen when a condition on the state becomes true."""

from dataclasses import dataclass
from typing import Any

from jaxsim.errors import NetworkError
from jaxsim.network.expression import names
from jaxsim.network.printer import to_string
from jaxsim.network.reaction import as_expression, assignments


@dataclass(frozen=True)
class Event:
    """An assignment that fires each time its trigger turns from false to true.

    Parameters
    ----------
    trigger
        A condition on the state, such as ``"A > 100"``; it may not read the time ``t``.
    set
        What each species becomes, computed from the state just before: ``{"A": "A/2"}``, rounded down.
    name
        Optional label.
    priority
        Of events that fire together the one with the higher priority acts first.

    Raises
    ------
    NetworkError
        If the trigger reads ``t``: at a known time use a dose schedule.

    Examples
    --------
    >>> print(Event("A >= 100", set={"A": "floor(A/2)"}, name="division"))
    division: when A >= 100 set A := floor(A/2)
    """

    trigger: Any
    set: Any
    name: str = ""
    priority: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "trigger", as_expression(self.trigger))
        object.__setattr__(self, "set", assignments(self.set))
        if "t" in names(self.trigger):
            raise NetworkError(f"event '{self}' is triggered by the time t; give a Schedule with Set or Dose instead")
        if not self.set:
            raise NetworkError(f"event '{self}' sets nothing; give set={{species: expression}}")

    def __str__(self) -> str:
        label = f"{self.name}: " if self.name else ""
        sets = ", ".join(f"{species} := {to_string(value)}" for species, value in self.set)
        return f"{label}when {to_string(self.trigger)} set {sets}"
