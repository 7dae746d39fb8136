"""A schedule: which agents are given when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jax.typing import ArrayLike

from jaxsim._html import block, html_table, line
from jaxsim.dosing.arrays import floats, namespace, register, traced
from jaxsim.dosing.disposition import Disposition
from jaxsim.dosing.entries import Dose, Set, numbers, refuse_negative
from jaxsim.errors import ScheduleError, closest


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
        return block(html_table("Schedule", ("agent", "entry"), rows) or line("Schedule without doses"))


register(Schedule, ("entries",), ("names",))


def _entries(agent: str, given: Any) -> tuple[Dose | Set, ...]:
    entries = tuple(given) if isinstance(given, list | tuple) else (given,)
    for entry in entries:
        if not isinstance(entry, Dose | Set):
            raise ScheduleError(f"'{agent}' is given {entry!r}; give it a Dose, a Set or a list of these.")
        check_entry(agent, entry)
    return entries


def check_entry(agent: str, entry: Dose | Set) -> None:
    """Refuse a dose or setting whose concrete numbers make no sense.

    Raises
    ------
    ScheduleError
        Naming the agent. Traced values are not checked, only their shapes.

    Examples
    --------
    >>> check_entry("drug", Dose(1, at=[3, 2]))
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


def _check_values(agent: str, label: str, value: ArrayLike, count: int) -> None:
    shape = np.shape(value) if not isinstance(value, list) else (len(value),)
    if shape not in ((), (count,)):
        raise ScheduleError(f"'{agent}' has {count} times but {label}s of shape {shape}; give one, or one per time.")
    refuse_negative(label, value, f"'{agent}'")


def _check_times(agent: str, at: np.ndarray, strictly: bool) -> None:
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


# What a schedule may ask of a network over a span of time.

_LARGEST = 2**31 - 1  # counts are int32


def check_span(t0: Any, t_end: Any, cells: int, variation: Any) -> None:
    """Refuse a span or a request for cells that makes no sense.

    Raises
    ------
    ScheduleError
        If the end is before the start, a number is not finite, or there are fewer than 0 cells.

    Examples
    --------
    >>> check_span(1.0, 0.0, 0, None)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: a timeline cannot run from 1 to 0 h; end it after its start.
    """
    if not traced(t0, t_end) and not (np.isfinite(t0) and np.isfinite(t_end) and t0 <= t_end):
        raise ScheduleError(f"a timeline cannot run from {float(t0):g} to {float(t_end):g} h; end it after its start.")
    if cells < 0:
        raise ScheduleError(f"the number of thinning cells cannot be {cells}; give 0 or more.")
    if variation is None:
        return
    if np.ndim(variation) != 1 or len(variation) == 0:
        raise ScheduleError(f"variation has shape {np.shape(variation)}; give one slope for each part of the span.")
    if not traced(variation) and not np.all(np.isfinite(floats(np, variation))):
        raise ScheduleError("variation holds a slope that is not finite; give finite slopes of the rates.")


def check_schedule(network: Any, schedule: Schedule, t0: Any) -> None:
    """Refuse a schedule that the network cannot take.

    Raises
    ------
    ScheduleError
        Naming the agent: unknown, given before the start, or given in a form that its species or input does not take.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> network = SimpleNamespace(structure=SimpleNamespace(species=("tumour",), inputs=()), inputs={})
    >>> check_schedule(network, Schedule(tumor=Dose(1)), 0.0)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: 'tumor' is neither a species nor an input of the network; did you mean 'tumour'?
    """
    species, inputs = network.structure.species, network.structure.inputs
    for name in inputs:
        _check_driven(name, network.inputs[name])
    for agent, entries in schedule.items():
        if agent in inputs:
            _check_input(agent, network.inputs[agent], entries)
        elif agent in species:
            _check_species(agent, entries)
        else:
            hint = closest(agent, (*species, *inputs)) or "; name one of these."
            raise ScheduleError(f"'{agent}' is neither a species nor an input of the network{hint}")
        for entry in entries:
            if not traced(entry.at, t0) and (first := entry.starts(np).min()) < t0:
                start = f"before the start at {float(t0):g} h"
                raise ScheduleError(f"'{agent}' is given at {first:g} h, {start}; start earlier or move it.")


def _check_driven(name: str, driven: Any) -> None:
    if isinstance(driven, Disposition) or traced(driven):
        return
    try:
        finite = np.ndim(driven) == 0 and np.isfinite(float(driven))
    except (TypeError, ValueError) as cause:
        raise ScheduleError(f"input '{name}' is {driven!r}; make it a number or a disposition.") from cause
    if not finite:
        raise ScheduleError(f"input '{name}' is {driven!r}; make it a finite number or a disposition.")


def _check_input(agent: str, driven: Any, entries: Sequence[Dose | Set]) -> None:
    if any(isinstance(entry, Set) for entry in entries):
        raise ScheduleError(f"'{agent}' is an input and cannot be set; give it a Dose.")
    if not isinstance(driven, Disposition):
        raise ScheduleError(f"'{agent}' is a constant input and cannot be dosed; give it a disposition.")


def _check_species(agent: str, entries: Sequence[Dose | Set]) -> None:
    for entry in entries:
        if isinstance(entry, Dose) and entry.unit not in ("", "molecules"):
            raise ScheduleError(f"'{agent}' is a species and takes molecules, not '{entry.unit}'; leave the unit out.")
        if isinstance(entry, Dose) and entry.duration is not None:
            raise ScheduleError(f"'{agent}' is a species and cannot be infused; write a reaction driven by an input.")
        amount = numbers(entry.amount if isinstance(entry, Dose) else entry.value)
        if traced(amount):
            continue
        for number in np.atleast_1d(floats(np, amount)):
            if number != np.round(number) or number > _LARGEST:
                whole = f"give a whole number up to {_LARGEST}"
                raise ScheduleError(f"'{agent}' is a species and cannot take {number:g} molecules; {whole}.")
