"""A schedule: which agents are given when."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from jaxsim._html import block, line, table

from ..errors import ScheduleError
from .dose import Dose
from .entry import numbers, refuse_negative
from .namespace import floats, namespace, traced
from .pytree import register
from .set import Set


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Schedule:
    """Collect the doses of each agent by name.

    A name is a species of the network, whose molecules are added or set, or an input of the network, whose
    concentration the doses drive. A schedule is a frozen pytree: its leaves are times, amounts and durations.

    Parameters
    ----------
    **agents : Dose, Set or sequence of these
        At one instant the entries of an agent act in the order in which they are listed.

    Raises
    ------
    ScheduleError
        Naming the agent: amounts or durations that are negative or not finite, times that are not finite or not
        ascending, numbers of amounts and times that differ. Traced values are not checked.

    Examples
    --------
    >>> plan = Schedule(gemcitabine=Dose(120, "mg/kg", at=[0, 168]), tumour=Set(100, at=24))
    >>> plan
    Schedule(
        gemcitabine=Dose(120, 'mg/kg', at=[0, 168]),
        tumour=Set(100, at=[24]),
    )
    >>> plan["tumour"]
    (Set(100, at=[24]),)
    """

    names: tuple[str, ...]
    entries: tuple[tuple[Dose | Set, ...], ...]

    def __init__(self, **agents: Any) -> None:
        entries = tuple(_entries(name, given) for name, given in agents.items())
        object.__setattr__(self, "names", tuple(agents))
        object.__setattr__(self, "entries", entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, agent: str) -> tuple[Dose | Set, ...]:
        return dict(zip(self.names, self.entries, strict=True))[agent]

    def items(self) -> Iterator[tuple[str, tuple[Dose | Set, ...]]]:
        """Iterate over agents and their entries.

        Examples
        --------
        >>> [name for name, entries in Schedule(drug=Dose(1)).items()]
        ['drug']
        """
        return zip(self.names, self.entries, strict=True)

    def __repr__(self) -> str:
        if not self.names:
            return "Schedule()"
        shown = [(name, repr(given[0]) if len(given) == 1 else repr(list(given))) for name, given in self.items()]
        return "Schedule(\n" + "".join(f"    {name}={text},\n" for name, text in shown) + ")"

    def _repr_html_(self) -> str:
        rows = [(name, repr(entry)) for name, entries in self.items() for entry in entries]
        return block(table("Schedule", ("agent", "entry"), rows) or line("Schedule without doses"))


register(Schedule, ("entries",), ("names",))


def _entries(agent: str, given: Any) -> tuple[Dose | Set, ...]:
    entries = tuple(given) if isinstance(given, list | tuple) else (given,)
    for entry in entries:
        if not isinstance(entry, Dose | Set):
            raise ScheduleError(f"'{agent}' is given {entry!r}; give it a Dose, a Set or a list of these.")
        check(agent, entry)
    return entries


def check(agent: str, entry: Dose | Set) -> None:
    """Refuse a dose or setting whose concrete numbers make no sense.

    Raises
    ------
    ScheduleError
        Naming the agent. Traced values are not checked, only their shapes.

    Examples
    --------
    >>> check("drug", Dose(1, at=[3, 2]))
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: the times of 'drug' are not ascending at 3, 2; sort them.
    """
    amount = entry.amount if isinstance(entry, Dose) else entry.value
    duration = entry.duration if isinstance(entry, Dose) else None
    at = numbers(entry.at)
    count = np.shape(at)[0] if np.ndim(at) else 1
    for label, field in (("amount", amount), ("duration", duration)):
        if field is not None:
            _check_values(agent, label, numbers(field), count)
    if not traced(at):
        _check_times(agent, np.atleast_1d(floats(np, at)), strictly=isinstance(entry, Set))


def _check_values(agent: str, label: str, value: Any, count: int) -> None:
    shape = np.shape(value) if not isinstance(value, list) else (len(value),)
    if shape not in ((), (count,)):
        raise ScheduleError(f"'{agent}' has {count} times but {label}s of shape {shape}; give one, or one per time.")
    refuse_negative(label, value, f"'{agent}'")


def _check_times(agent: str, at: Any, strictly: bool) -> None:
    if at.size == 0:
        raise ScheduleError(f"'{agent}' has no times; give at least one or leave the agent out.")
    if not np.all(np.isfinite(at)):
        raise ScheduleError(f"'{agent}' has the time {at[~np.isfinite(at)][0]:g}; give finite times.")
    for earlier, later in pairwise(at):
        if later < earlier:
            raise ScheduleError(f"the times of '{agent}' are not ascending at {earlier:g}, {later:g}; sort them.")
        if strictly and later == earlier:
            raise ScheduleError(f"'{agent}' is set twice at time {later:g}; set it once.")


def every(interval: Any, count: int, start: Any = 0.0) -> Any:
    """Return the times of `count` doses `interval` apart, from `start`.

    Returns
    -------
    float array of shape [count]
        In the unit of `interval` and `start`.

    Examples
    --------
    >>> every(168, 3, start=12).tolist()
    [12.0, 180.0, 348.0]
    """
    xp = namespace(interval, start)
    return floats(xp, start) + floats(xp, interval) * floats(xp, np.arange(count))
