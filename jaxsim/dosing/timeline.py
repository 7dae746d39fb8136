"""The timeline: cells of time over which every input is one sum of exponentials."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import ScheduleError, closest
from .bounds import bounds
from .disposition import Disposition
from .dose import Dose
from .namespace import floats, namespace, traced
from .schedule import Schedule
from .set import Set
from .species_changes import changes, check_species
from .superposition import Course, course, superpose
from .thinning_cells import place


class Timeline(NamedTuple):
    """Inputs and dose effects in the form a kernel reads: C cells, I inputs, M modes, S species.

    Cell c is ``edges[c] <= t < edges[c+1]``. Its changes of species act when it is entered, before anything is saved
    at ``edges[c]``. Several changes at one instant are composed in the first cell that begins there; cells of no
    width may precede the cell that covers the time after, and the last cells may begin at the end.
    """

    edges: Float[Any, " c+1"]
    """Hours, ascending; the first is the start, the last the end."""
    base: Float[Any, "c i"]
    """Constant part of each input in the cell."""
    amplitude: Float[Any, "c i m"]
    """Input i at ``s`` after the cell's start is ``base + sum_m amplitude exp(-rate s)``."""
    rate: Float[Any, "i m"]
    """1/h; 0, with amplitude 0, where an input has fewer modes than another."""
    lower: Float[Any, "c i"]
    """At most the input anywhere in the cell."""
    upper: Float[Any, "c i"]
    """At least the input anywhere in the cell."""
    multiply: Float[Any, "c s"]
    """On entering the cell, species become ``multiply * x + add``."""
    add: Float[Any, "c s"]
    """Molecules."""


def build_timeline(
    network: Any, schedule: Schedule | None, t0: Any, t_end: Any, cells: int = 0, variation: Any = None
) -> Timeline:
    """Turn a schedule into the timeline of a network from `t0` to `t_end`.

    Parameters
    ----------
    network : Network
        Its species, inputs and dispositions are read.
    schedule : Schedule or None
        None for no doses.
    t0, t_end : float
        Hours.
    cells : int
        Edges to add for thinning, where inputs vary. None are added while no input is dosed and `variation` is None.
    variation : float array of shape [g], optional
        Absolute slope of rates that read the time, over `g` equal parts of [t0, t_end], in any unit.

    Returns
    -------
    Timeline
        With one cell per distinct span between start, doses, ends of infusions, extra edges and end; their number
        depends on the structure of the schedule and `cells` alone. Doses after `t_end` do nothing. NumPy float64 for
        concrete arguments; JAX arrays, differentiable in times, amounts, durations and dispositions, otherwise.

    Raises
    ------
    ScheduleError
        In one sentence that names the agent: an agent that is neither species nor input, a dose before the start, a
        unit that the disposition does not convert, molecules that are not whole, an infusion of a species.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from jaxsim.dosing import OneCompartment
    >>> network = SimpleNamespace(structure=SimpleNamespace(species=("A",), inputs=("drug",)),
    ...                           inputs={"drug": OneCompartment(1.0, 2.0)})
    >>> timeline = build_timeline(network, Schedule(drug=Dose(4, at=1.0), A=Dose(10, at=2.0)), 0.0, 3.0)
    >>> timeline.edges.tolist()
    [0.0, 1.0, 2.0, 3.0]
    >>> timeline.amplitude[:, 0, 0].round(4).tolist(), timeline.add[:, 0].tolist()
    ([0.0, 2.0, 0.7358], [0.0, 0.0, 10.0])
    """
    schedule = Schedule() if schedule is None else schedule
    _check(network, schedule, t0, t_end, cells)
    xp = namespace(network.inputs, schedule, t0, t_end, variation)
    start, end = floats(xp, t0), floats(xp, t_end)
    courses = [_input_course(xp, network, schedule, name) for name in network.structure.inputs]
    marks = _marks(xp, schedule, start, end)
    edges = _with_cells(xp, marks, courses, cells, variation)
    multiply, add = changes(xp, network.structure.species, schedule, edges)
    return Timeline(edges, *_curves(xp, courses, edges), multiply, add)


def input_values(timeline: Timeline, times: Any) -> Float[Any, "t i"]:
    """Return the inputs at given times of a timeline.

    Parameters
    ----------
    timeline : Timeline
    times : float array of shape [t]
        Hours, within the timeline; at the time of a bolus the dose has been given.

    Returns
    -------
    float array of shape [t, inputs]

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> network = SimpleNamespace(structure=SimpleNamespace(species=(), inputs=("drug",)), inputs={"drug": 3.0})
    >>> input_values(build_timeline(network, None, 0.0, 1.0), [0.5]).tolist()
    [[3.0]]
    """
    xp = namespace(timeline, times)
    edges, base, amplitude, rate = (floats(xp, part) for part in timeline[:4])
    times = xp.atleast_1d(floats(xp, times))
    cell = xp.clip(xp.searchsorted(edges, times, side="right") - 1, 0, base.shape[0] - 1)
    decay = xp.exp(-rate[None, :, :] * (times - edges[cell])[:, None, None])
    return base[cell] + xp.sum(amplitude[cell] * decay, axis=2)


def _check(network: Any, schedule: Schedule, t0: Any, t_end: Any, cells: int) -> None:
    if not traced(t0, t_end) and not (np.isfinite(t0) and np.isfinite(t_end) and t0 <= t_end):
        raise ScheduleError(f"a timeline cannot run from {t0:g} to {t_end:g}; end it after its start.")
    if cells < 0:
        raise ScheduleError(f"the number of thinning cells cannot be {cells}; give 0 or more.")
    species, inputs = network.structure.species, network.structure.inputs
    for agent, entries in schedule.items():
        if agent in inputs:
            _check_input(agent, network.inputs[agent], entries)
        elif agent in species:
            check_species(agent, entries)
        else:
            known = (*species, *inputs)
            raise ScheduleError(f"'{agent}' is neither a species nor an input of the network{closest(agent, known)}.")
        for entry in entries:
            if not traced(entry, t0) and entry.starts(np)[0] < t0:
                raise ScheduleError(
                    f"'{agent}' is given at {entry.starts(np)[0]:g} h, before the start at {float(t0):g} h; start "
                    "earlier or move it."
                )


def _check_input(agent: str, driven: Any, entries: Sequence[Dose | Set]) -> None:
    for entry in entries:
        if isinstance(entry, Set):
            raise ScheduleError(f"'{agent}' is an input and cannot be set; give it a Dose.")
    if not isinstance(driven, Disposition):
        raise ScheduleError(f"'{agent}' is a constant input and cannot be dosed; give it a disposition.")


def _input_course(xp: ModuleType, network: Any, schedule: Schedule, name: str) -> Course | Any:
    """Return the course of a dosed input, or its constant value."""
    driven = network.inputs[name]
    if name in schedule.names:
        return course(xp, driven, schedule[name], name)  # type: ignore[arg-type]
    return floats(xp, 0.0 if isinstance(driven, Disposition) else driven)


def _marks(xp: ModuleType, schedule: Schedule, start: Any, end: Any) -> Float[Any, " k"]:
    """Return start, every dose edge and end in order; edges outside are moved to the nearer of the two."""
    parts = [start[None], end[None]]
    for entries in schedule.entries:
        for entry in entries:
            parts.append(entry.starts(xp))
            if isinstance(entry, Dose) and entry.duration is not None:
                parts.append(entry.stops(xp))
    return xp.sort(xp.clip(xp.concatenate(parts), start, end))


def _with_cells(xp: ModuleType, marks: Any, courses: list[Any], cells: int, variation: Any) -> Float[Any, " c+1"]:
    dosed = [given for given in courses if isinstance(given, Course)]
    if cells == 0 or not (dosed or variation is not None):
        return marks
    slopes = [lambda times, given=given: _slope(xp, given, times) for given in dosed]
    return xp.sort(xp.concatenate([marks, place(xp, marks, slopes, cells, variation)]))


def _slope(xp: ModuleType, given: Course, times: Float[Any, " n"]) -> Float[Any, " n"]:
    _, amplitude = superpose(xp, given, times)
    return xp.abs(xp.sum(amplitude * given.rates[None, :], axis=1))


def _curves(xp: ModuleType, courses: list[Any], edges: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return base, amplitude, rate, lower and upper of all inputs."""
    width, count = edges[1:] - edges[:-1], edges.shape[0] - 1
    modes = max((given.rates.shape[0] for given in courses if isinstance(given, Course)), default=0)
    columns = []
    for given in courses:
        if not isinstance(given, Course):
            constant = xp.broadcast_to(given, (count,))
            still = floats(xp, np.zeros((count, modes))), floats(xp, np.zeros(modes))
            columns.append((constant, *still, constant, constant))
            continue
        base, amplitude = superpose(xp, given, edges[:-1])
        lower, upper = bounds(xp, base, amplitude, given.rates, width)
        missing = modes - given.rates.shape[0]
        padded = xp.pad(amplitude, ((0, 0), (0, missing))), xp.pad(given.rates, (0, missing))
        columns.append((base, *padded, lower, upper))
    if not columns:
        nothing = floats(xp, np.zeros((count, 0)))
        return nothing, nothing[:, :, None][:, :, :0], nothing[:0].reshape(0, 0), nothing, nothing
    base, amplitude, rate, lower, upper = zip(*columns, strict=True)
    stacked = (xp.stack(base, axis=1), xp.stack(amplitude, axis=1), xp.stack(rate))
    return *stacked, xp.stack(lower, axis=1), xp.stack(upper, axis=1)
