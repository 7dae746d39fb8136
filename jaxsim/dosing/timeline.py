"""The timeline: cells of time over which every input is one sum of exponentials."""

from types import ModuleType
from typing import Any, NamedTuple

from jaxtyping import Float

from .admission import check_schedule, check_span
from .curves import continuation, curves
from .disposition import Disposition
from .edges import Edges, arrange
from .namespace import floats, namespace
from .schedule import Schedule
from .species_changes import changes
from .superposition import Course, course
from .thinning_cells import place


class Timeline(NamedTuple):
    """Inputs and dose effects in the form a kernel reads: C cells, I inputs, M modes, S species.

    Cell c is ``edges[c] <= t < edges[c+1]``. Its changes of species act when it is entered, before anything is saved
    at ``edges[c]``. Several changes at one instant are composed in the first cell that begins there; cells of no
    width may precede the cell that covers the time after, and the last cells may begin at the end.
    """

    edges: Float[Any, " c+1"]
    """Hours, ascending; the first is the start, the last the end. Take differences before casting to float32: the
    bounds hold over the width of a cell, which late float32 edges miss."""
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
    network: Any, schedule: Schedule | None, t0: Any, t_end: Any, cells: int = 0, variation: Any = None, marks: Any = ()
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
    marks : float array, optional
        Times at which cells end in any case, such as the moments at which a rate jumps.

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
    xp = namespace(dict(network.inputs), schedule, t0, t_end, variation, marks)
    courses = {name: _input_course(xp, network, schedule, name) for name in network.structure.inputs}
    edges = _arrange(xp, schedule, (floats(xp, t0), floats(xp, t_end)), courses, cells, variation, floats(xp, marks))
    multiply, add = changes(xp, network.structure.species, schedule, edges)
    base, amplitude, rate, lower, upper = curves(xp, courses, edges)
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
    xp: ModuleType,
    schedule: Schedule,
    span: tuple[Any, Any],
    courses: dict[str, Any],
    cells: int,
    variation: Any,
    marks: Any,
) -> Edges:
    """Return the edges of the doses and the marks, and `cells` more where anything varies."""
    edges = arrange(xp, schedule, *span, marks)
    dosed = {name: given for name, given in courses.items() if isinstance(given, Course)}
    if cells == 0 or not (dosed or variation is not None):
        return edges
    smooth = [(continuation(xp, given, edges, name)[1], given.rates) for name, given in dosed.items()]
    return arrange(xp, schedule, *span, xp.concatenate([marks, place(xp, edges.times, smooth, cells, variation)]))
