"""js.free: a number, or a series of them, that an optimisation is to choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.dosing.units import hours
from jaxsim.errors import ScheduleError
from jaxsim.network import Network
from jaxsim.optimise.coordinates import (
    Box,
    Budget,
    Coordinate,
    Fixed,
    OrderedTimes,
    Windows,
    length,
    merged_coordinates,
)
from jaxsim.optimise.regimen import Decoder, Place, Regimen

_SLACK = 1e-9  # relative: by how much rounding may take a start out of its bounds


@dataclass(frozen=True, eq=False)
class Unknown:
    """Stand in a schedule for numbers that are to be chosen; made by :func:`jaxsim.free`.

    Everywhere else it stands for its start.

    Examples
    --------
    >>> Unknown(0.0, 2.0, np.array(1.0)).initial.item()
    1.0
    """

    low: float
    high: float
    start: np.ndarray
    """[n], or a scalar for one number that all doses share."""
    spacing: float = 0.0
    in_a_row: int | None = None
    pause: float = 0.0
    forbidden: tuple[tuple[float, float], ...] = ()
    total: float | None = None
    spend_all: bool = True
    """Whether all of `total` is given, and not at most that."""
    after: float | None = None
    pattern: np.ndarray | None = None
    over: Any = None
    """Durations: the numbers are then rates, and amounts are rates times durations."""

    @property
    def initial(self) -> np.ndarray:
        """What it stands for: doses' times, amounts or durations at the start."""
        if self.after is not None:
            return np.asarray(self.after + np.cumsum(self.start))
        if self.pattern is not None:
            return np.asarray(self.start + self.pattern)
        if self.over is not None:
            return np.asarray(self.start * np.asarray(getattr(self.over, "initial", self.over), np.float64))
        return self.start

    def __repr__(self) -> str:
        start = f"{self.start:g}" if self.start.ndim == 0 else "[" + ", ".join(f"{x:g}" for x in self.start) + "]"
        return f"free({self.low:g}, {self.high:g}, start={start})"


def free(
    low: float,
    high: float,
    *,
    start: float | Sequence[float],
    spacing: float = 0.0,
    in_a_row: int | None = None,
    pause: float = 0.0,
    forbidden: Sequence[tuple[float, float]] = (),
    total: float | None = None,
    at_most: float | None = None,
    after: float | None = None,
    pattern: Sequence[float] | None = None,
    over: float | None = None,
) -> Unknown:
    """Leave a number of a schedule to :func:`jaxsim.optimise`: times, amounts, durations or infusion rates of doses.

    It stands in a :class:`jaxsim.Dose` where a number would, in the unit of that field.

    Parameters
    ----------
    low, high : float
        Bounds of each number.
    start : float or sequence of float
        Where the search begins, and what the number stands for elsewhere; as many as there are doses, or one that all
        doses share.
    spacing : float
        Of times: least distance of neighbours. Times stay in order.
    in_a_row, pause : int, float
        Of times: after every `in_a_row` doses at least `pause` more than the spacing.
    forbidden : sequence of (float, float)
        Of times: windows in which no dose may begin.
    total, at_most : float
        Of amounts: what all of them add up to, or may add up to.
    after : float
        The numbers are gaps, and the doses are given at `after` plus their running sum.
    pattern : sequence of float
        One number moves a whole pattern: the doses are given at it plus these.
    over : Unknown or float
        The numbers are infusion rates: the amounts are these times the durations, which are given here again.

    Returns
    -------
    Unknown
        Of float64 numbers.

    Raises
    ------
    ScheduleError
        If the bounds leave no room, or the start is not within them.

    Examples
    --------
    >>> import jaxsim as js
    >>> js.Dose(js.free(1, 15, start=[10, 10], total=20), at=js.free(0, 27, start=[3, 9], spacing=1))
    Dose(free(1, 15, start=[10, 10]), at=free(0, 27, start=[3, 9]))
    >>> js.free(0.0, 24.0, start=30.0)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: the start 30 of a free number is not between 0 and 24
    """
    given = np.array(start, np.float64)
    made = Unknown(
        *(float(low), float(high), given, float(spacing), in_a_row, float(pause)),
        tuple((float(a), float(b)) for a, b in forbidden),
        total=_first(total, at_most),
        spend_all=total is not None,
        after=None if after is None else float(after),
        pattern=None if pattern is None else np.array(pattern, np.float64),
        over=over,
    )
    _check(made, both=total is not None and at_most is not None)
    return made


def _first(*given: Any) -> float | None:
    return next((float(value) for value in given if value is not None), None)


def _check(made: Unknown, both: bool) -> None:
    """Refuse what leaves nothing to choose, or contradicts itself."""
    if both:
        raise ScheduleError("free is given total= and at_most=; give the one that is meant")
    fixed_rate = made.over is not None and made.low == made.high
    if not (np.isfinite(made.low) and np.isfinite(made.high) and (made.low < made.high or fixed_rate)):
        raise ScheduleError(f"a free number lies between {made.low:g} and {made.high:g}; give two bounds in order")
    if made.start.ndim > 1 or made.start.size == 0 or not np.all(np.isfinite(made.start)):
        raise ScheduleError("the start of a free number is a finite number or a list of them")
    reach = _SLACK * (1.0 + max(abs(made.low), abs(made.high)))
    for value in np.atleast_1d(made.start):
        if not made.low - reach <= value <= made.high + reach:
            raise ScheduleError(f"the start {value:g} of a free number is not between {made.low:g} and {made.high:g}")
    if made.total is not None:
        _check_budget(made)
    if made.spacing < 0 or made.pause < 0 or (made.in_a_row is not None and made.in_a_row < 1):
        raise ScheduleError("spacing, pause and in_a_row of free times are from 0, from 0 and from 1")
    if (made.in_a_row is None) != (made.pause == 0.0):
        raise ScheduleError("in_a_row= and pause= of free times go together; give both or none")
    if made.pattern is not None and (made.start.ndim or made.after is not None):
        raise ScheduleError("a pattern is moved by one number; give start= one number, and no after=")
    if made.after is not None and made.start.ndim == 0:
        raise ScheduleError("gaps are a list; give start= one number for each dose")


def _check_budget(made: Unknown) -> None:
    assert made.total is not None
    number, spent = made.start.size, float(made.start.sum())
    what = f"{number} amounts from {made.low:g} to {made.high:g}"
    if made.start.ndim == 0:
        raise ScheduleError("a budget is shared by several amounts; give start= a list")
    if number * made.low >= made.total or (made.spend_all and number * made.high <= made.total):
        raise ScheduleError(f"{what} cannot share a total of {made.total:g} in more than one way; change the bounds")
    if made.spend_all and not np.isclose(spent, made.total, rtol=1e-6):
        raise ScheduleError(f"the amounts at the start add up to {spent:g} and not to the total of {made.total:g}")
    if spent > made.total * (1 + 1e-6):
        raise ScheduleError(f"the amounts at the start add up to {spent:g}, more than {made.total:g}")


# Find what is free in a schedule, and refuse what cannot be searched, before anything is run.


def read_regimen(network: Network, schedule: Schedule, start: float, end: float) -> Regimen:
    """Return a schedule with free numbers as a function of coordinates.

    Raises
    ------
    ScheduleError
        If nothing is free, a time may leave the horizon, or times do not fit between their bounds.
    """
    if not isinstance(schedule, Schedule):
        raise ScheduleError(f"optimise takes a js.Schedule with free numbers, not a {type(schedule).__name__}")
    with_path, structure = jax.tree_util.tree_flatten_with_path(schedule)
    found = {index: leaf for index, (_, leaf) in enumerate(with_path) if isinstance(leaf, Unknown)}
    if not found:
        raise ScheduleError(
            "nothing in the schedule is free; put js.free(low, high, start=...) in place of a time, an amount or a "
            "duration"
        )
    labels = {index: _label(schedule, with_path[index][0]) for index in found}
    order = sorted(found, key=lambda index: labels[index][0])
    places: list[Place] = []
    taken, starts = 0, []
    for index in order:
        name, entry = labels[index]
        place, z = _place(name, index, taken, found[index], entry, (start, end), [found[i] for i in order])
        places.append(place)
        starts.append(z)
        taken += z.size
    leaves = tuple(leaf.initial if isinstance(leaf, Unknown) else leaf for _, leaf in with_path)
    return Regimen(Decoder(tuple(places), structure), (network, leaves), np.concatenate(starts))


def _label(schedule: Schedule, path: tuple[Any, ...]) -> tuple[str, Any]:
    """Return the name of a leaf, such as ``drug.at``, and its entry."""
    _, agent, number, field = path
    entries = schedule.entries[agent.idx]
    several = f"[{number.idx}]" if len(entries) > 1 else ""
    return f"{schedule.names[agent.idx]}{several}.{field.name}", entries[number.idx]


def _place(
    name: str, leaf: int, first: int, unknown: Unknown, entry: Dose, span: tuple[float, float], order: list[Unknown]
) -> tuple[Place, np.ndarray]:
    """Return where an unknown stands, and the coordinates of its start."""
    field = name.rpartition(".")[2]
    _refuse_misplaced(name, field, unknown, entry)
    windows: Windows = ()
    if field == "at":
        _refuse_outside(name, unknown, hours(entry.time_unit), span)
        windows = merged_coordinates(unknown.forbidden, unknown.low, unknown.high)
    values = np.atleast_1d(unknown.start)
    coordinate = _coordinate(name, field, unknown, windows)
    over, lasting = -1, None
    if unknown.over is not None:
        if isinstance(unknown.over, Unknown):
            over = next((i for i, other in enumerate(order) if other is unknown.over), -1)
            if over < 0:
                raise ScheduleError(f"the rates '{name}' are over durations that stand nowhere in the schedule")
        else:
            lasting = tuple(float(value) for value in np.atleast_1d(np.asarray(unknown.over, np.float64)))
    place = Place(
        *(name, leaf, first, coordinate, unknown.start.ndim == 0 and field != "at", unknown.after),
        None if unknown.pattern is None else tuple(unknown.pattern.tolist()),
        over,
        lasting,
    )
    return place, coordinate.encode(values)


def _coordinate(name: str, field: str, unknown: Unknown, windows: Windows) -> Coordinate:
    number = max(1, unknown.start.size)
    if unknown.low == unknown.high:
        return Fixed(unknown.low, number)
    if unknown.total is not None:
        return Budget(unknown.low, unknown.high, number, unknown.total, unknown.spend_all)
    if any(left < time < right for time in np.atleast_1d(unknown.initial) for left, right in windows):
        raise ScheduleError(f"at the start '{name}' has a time in a forbidden window; move it")
    if length(windows) >= unknown.high - unknown.low:
        raise ScheduleError(f"the forbidden windows leave '{name}' no time between its bounds; give it some")
    if field != "at" or unknown.after is not None or number == 1:
        return Box(unknown.low, unknown.high, number, windows)
    made = OrderedTimes(*(unknown.low, unknown.high, number, unknown.spacing, unknown.in_a_row, unknown.pause, windows))
    if made.room <= 0.0:
        raise ScheduleError(
            f"the {number} times of '{name}' with their spacing, pauses and forbidden windows do not fit between "
            f"{unknown.low:g} and {unknown.high:g}; widen the bounds or ask for less"
        )
    if np.any(np.diff(unknown.start) < np.diff(made.least) - 1e-9):
        raise ScheduleError(f"at the start the times of '{name}' are nearer than spacing and pauses allow; move them")
    return made


def _refuse_misplaced(name: str, field: str, unknown: Unknown, entry: Dose) -> None:
    """Refuse a wish that has no meaning for the field, or a schedule that the start already breaks."""
    timed = unknown.spacing or unknown.in_a_row or unknown.forbidden or unknown.pattern is not None
    if field != "at" and (timed or unknown.after is not None):
        raise ScheduleError(f"'{name}' is no time; spacing, pauses, windows, gaps and patterns belong to at=")
    if field == "at" and (unknown.total is not None or unknown.over is not None):
        raise ScheduleError(f"'{name}' is a time; totals and rates belong to amount=")
    if unknown.over is not None and (field != "amount" or not isinstance(entry, Dose)):
        raise ScheduleError(f"'{name}' is no amount of a Dose; rates belong to amount=")
    if unknown.forbidden and (unknown.after is not None or unknown.pattern is not None):
        raise ScheduleError(f"the windows of '{name}' forbid times, but its numbers are gaps or move a pattern")
    if unknown.low < 0.0 and field != "at":
        raise ScheduleError(f"'{name}' may become {unknown.low:g}; give a lower bound from 0 on")


def _refuse_outside(name: str, unknown: Unknown, unit: float, span: tuple[float, float]) -> None:
    """Refuse a time that may leave the simulated span."""
    first, last = unknown.low, unknown.high
    if unknown.after is not None:
        first, last = unknown.after + first, unknown.after + last * unknown.start.size
        if unknown.low < 0.0:
            raise ScheduleError(f"the gaps of '{name}' may become negative; give a lower bound from 0 on")
    if unknown.pattern is not None:
        first, last = first + float(unknown.pattern.min()), last + float(unknown.pattern.max())
    if first * unit < span[0] - 1e-9 or last * unit > span[1] + 1e-9:
        raise ScheduleError(
            f"the free times '{name}' may lie from {first * unit:g} to {last * unit:g}, outside the horizon from "
            f"{span[0]:g} to {span[1]:g}; narrow their bounds or move the end"
        )
