"""Find what is free in a schedule, and refuse what cannot be searched, before anything is run."""

from typing import Any

import jax
import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.dosing.units import hours
from jaxsim.errors import ScheduleError
from jaxsim.network import Network
from jaxsim.optimise.coordinates import Box, Budget, Coordinate, Fixed, OrderedTimes
from jaxsim.optimise.regimen import Decoder, Place, Regimen
from jaxsim.optimise.unknown import Unknown
from jaxsim.optimise.windows import Windows, length, merged


def read_regimen(network: Network, schedule: Any, start: float, end: float) -> Regimen:
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


def _label(schedule: Schedule, path: Any) -> tuple[str, Any]:
    """Return the name of a leaf, such as ``drug.at``, and its entry."""
    _, agent, number, field = path
    entries = schedule.entries[agent.idx]
    several = f"[{number.idx}]" if len(entries) > 1 else ""
    return f"{schedule.names[agent.idx]}{several}.{field.name}", entries[number.idx]


def _place(
    name: str, leaf: int, first: int, unknown: Unknown, entry: Any, span: tuple[float, float], order: list[Unknown]
) -> tuple[Place, np.ndarray]:
    """Return where an unknown stands, and the coordinates of its start."""
    field = name.rpartition(".")[2]
    _refuse_misplaced(name, field, unknown, entry)
    windows: Windows = ()
    if field == "at":
        _refuse_outside(name, unknown, hours(entry.time_unit), span)
        windows = merged(unknown.forbidden, unknown.low, unknown.high)
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


def _refuse_misplaced(name: str, field: str, unknown: Unknown, entry: Any) -> None:
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
