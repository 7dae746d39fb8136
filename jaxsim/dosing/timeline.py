"""The timeline: cells of time over which every input is one sum of exponentials."""

from collections.abc import Sequence
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from .admission import check_schedule, check_span
from .bounds import bounds
from .disposition import Disposition
from .edges import Edges, arrange
from .namespace import floats, namespace
from .schedule import Schedule
from .species_changes import changes
from .superposition import Course, course, slope, superpose
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
        concrete arguments; JAX arrays, differentiable in times, amounts, durations and dispositions, otherwise. Traced
        numbers are not checked: a traced dose before the start is taken by an input as given then, by a species at t0.

    Raises
    ------
    ScheduleError
        In one sentence that names the agent: an agent that is neither species nor input, a dose before the start, a
        unit that the disposition does not convert, molecules that are not whole, an infusion of a species.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from jaxsim.dosing import Dose, OneCompartment
    >>> network = SimpleNamespace(structure=SimpleNamespace(species=("A",), inputs=("drug",)),
    ...                           inputs={"drug": OneCompartment(1.0, 2.0)})
    >>> timeline = build_timeline(network, Schedule(drug=Dose(4, at=1.0), A=Dose(10, at=2.0)), 0.0, 3.0)
    >>> timeline.edges.tolist()
    [0.0, 1.0, 2.0, 3.0]
    >>> timeline.amplitude[:, 0, 0].round(4).tolist(), timeline.add[:, 0].tolist()
    ([0.0, 2.0, 0.7358], [0.0, 0.0, 10.0])
    """
    schedule = Schedule() if schedule is None else schedule
    check_span(t0, t_end, cells, variation)
    check_schedule(network, schedule, t0)
    xp = namespace(network.inputs, schedule, t0, t_end, variation)
    names = network.structure.inputs
    courses = [_input_course(xp, network, schedule, name) for name in names]
    edges = _arrange(xp, schedule, (floats(xp, t0), floats(xp, t_end)), courses, cells, variation)
    multiply, add = changes(xp, network.structure.species, schedule, edges)
    base, amplitude, rate, lower, upper = _curves(xp, names, courses, edges)
    return Timeline(edges.times, base, amplitude, rate, lower, upper, multiply, add)


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


def _input_course(xp: ModuleType, network: Any, schedule: Schedule, name: str) -> Course | Any:
    """Return the course of a dosed input, or its constant value."""
    driven = network.inputs[name]
    doses = dict(schedule.items()).get(name)
    if doses:
        return course(xp, driven, doses, name)  # type: ignore[arg-type]
    return floats(xp, 0.0 if isinstance(driven, Disposition) else driven)


def _arrange(
    xp: ModuleType, schedule: Schedule, span: tuple[Any, Any], courses: list[Any], cells: int, variation: Any
) -> Edges:
    """Return the edges of the doses, and `cells` more where anything varies."""
    edges = arrange(xp, schedule, *span, floats(xp, []))
    dosed = [given for given in courses if isinstance(given, Course)]
    if cells == 0 or not (dosed or variation is not None):
        return edges
    slopes = [partial(slope, xp, given) for given in dosed]
    return arrange(xp, schedule, *span, place(xp, edges.times, slopes, cells, variation))


def _curves(xp: ModuleType, names: Sequence[str], courses: list[Any], edges: Edges) -> tuple[Any, ...]:
    """Return base, amplitude, rate, lower and upper of all inputs."""
    count = edges.times.shape[0] - 1
    modes = max((given.rates.shape[0] for given in courses if isinstance(given, Course)), default=0)
    nothing = floats(xp, np.zeros((count, modes))), floats(xp, np.zeros(modes))
    columns = []
    for name, given in zip(names, courses, strict=True):
        if isinstance(given, Course):
            columns.append(_dosed(xp, given, edges, name, modes))
        else:
            constant = xp.broadcast_to(given, (count,))
            columns.append((constant, *nothing, constant, constant))
    if not columns:
        none = floats(xp, np.zeros((count, 0)))
        return none, none[:, :, None][:, :, :modes], none[:0].reshape(0, 0), none, none
    base, amplitude, rate, lower, upper = zip(*columns, strict=True)
    curve = xp.stack(base, axis=1), xp.stack(amplitude, axis=1), xp.stack(rate)
    return *curve, xp.stack(lower, axis=1), xp.stack(upper, axis=1)


def _dosed(xp: ModuleType, given: Course, edges: Edges, name: str, modes: int) -> tuple[Any, ...]:
    """Return base, amplitude, rate, lower and upper of one input, padded to `modes`."""
    cell = xp.arange(edges.times.shape[0] - 1)[:, None]
    begun = cell >= xp.concatenate(edges.starts[name])[None, :]
    over = cell >= xp.concatenate(edges.stops[name])[None, :]
    base, amplitude = superpose(xp, given, edges.times[:-1], begun, over)
    lower, upper = bounds(xp, base, amplitude, given.rates, edges.times[1:] - edges.times[:-1])
    missing = modes - given.rates.shape[0]
    return base, xp.pad(amplitude, ((0, 0), (0, missing))), xp.pad(given.rates, (0, missing)), lower, upper
