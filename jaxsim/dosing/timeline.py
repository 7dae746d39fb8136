"""The timeline: cells of time over which every input is one sum of exponentials."""

from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from jaxsim.dosing.arrays import floats, namespace
from jaxsim.dosing.disposition import Disposition
from jaxsim.dosing.entries import Dose, Set
from jaxsim.dosing.schedule import Schedule, check_schedule, check_span
from jaxsim.dosing.superposition import DoseResponse, dose_response, superpose
from jaxsim.dosing.thinning_cells import cell_edges

# The edges of a timeline in order, and where each dose stands among them.


class Edges(NamedTuple):
    """Edges in order, with the number of the cell that each start and stop of a dose begins.

    Cells are found by position, not by comparing times: a compiler may round ``start + duration`` differently where it
    is sorted and where it is compared, and an infusion would then never end.
    """

    times: Float[Any, " edges"]
    """Hours, ascending, from start to end."""
    starts: dict[str, list[Any]]
    """Agent -> for each entry the cell [n] in which each dose begins; one that does not exist where it never does."""
    stops: dict[str, list[Any]]
    """Agent -> for each entry the cell [n] in which each dose is over; equal to `starts` for a bolus."""


def arrange_edges(xp: ModuleType, schedule: Schedule, start: Any, end: Any, extra: Any) -> Edges:
    """Sort start, end, every dose edge and the `extra` edges; dose edges outside move to the nearer end.

    At equal times doses come in the order listed and before the edges that are no dose, so that the cell at the start
    has the first dose and a dose at the end has a cell (of no width).

    Examples
    --------
    >>> edges = arrange_edges(np, Schedule(A=Dose(1, at=[0, 2, 9])), np.array(0.0), np.array(3.0), np.zeros(0))
    >>> edges.times.tolist(), edges.starts["A"][0].tolist()
    ([0.0, 0.0, 2.0, 3.0, 3.0], [0, 2, 5])
    """
    parts = [part for entries in schedule.entries for entry in entries for part in _edges_of(xp, entry)]
    raw = xp.concatenate([*parts, floats(xp, extra), start[None], end[None]])
    times, position = _sorted(xp, xp.clip(raw, start, end))
    position = xp.where(raw > end, raw.shape[0], position)
    starts: dict[str, list[Any]] = {}
    stops: dict[str, list[Any]] = {}
    taken = 0
    for agent, entries in schedule.items():
        starts[agent], stops[agent] = [], []
        for entry in entries:
            places = []
            for part in _edges_of(xp, entry):
                places.append(position[taken : taken + part.shape[0]])
                taken += part.shape[0]
            starts[agent].append(places[0])
            stops[agent].append(places[-1])
    return Edges(times, starts, stops)


def _edges_of(xp: ModuleType, entry: Dose | Set) -> list[Any]:
    """Return the starts and, of an infusion, the stops."""
    if isinstance(entry, Dose) and entry.duration is not None:
        return [entry.starts(xp), entry.stops(xp)]
    return [entry.starts(xp)]


def _sorted(xp: ModuleType, times: Any) -> tuple[Any, Any]:
    """Return times in order and the position at which each one comes, both from one stable sort."""
    if xp is np:
        order = np.argsort(times, kind="stable")
        position = np.empty_like(order)
        position[order] = np.arange(order.size)
        return times[order], position
    numbers = jnp.arange(times.shape[0])
    ordered, permutation = jax.lax.sort((times, numbers), num_keys=1, is_stable=True)
    return ordered, jnp.zeros_like(numbers).at[permutation].set(numbers)


# Rigorous bounds of a sum of exponentials over each cell.

_PIECES = 16  # parts of a cell bounded apart; the gap to the true extremum falls with their square
INFLATION = 1e-6  # relative to the largest term: covers the float32 evaluation in a kernel


def curve_bounds(
    xp: ModuleType,
    base: Float[Any, " c"],
    amplitude: Float[Any, "c m"],
    rate: Float[Any, " m"],
    width: Float[Any, " c"],
) -> tuple[Float[Any, " c"], Float[Any, " c"]]:
    """Bound ``base + sum_m amplitude exp(-rate s)``, known to be non-negative, over ``0 <= s <= width``.

    Each of `_PIECES` equal parts of a cell is bounded twice: every term is monotone, so it lies between its values at
    the ends of the part; and a curve rises above its chord by at most ``h^2/8 max(-f'')`` and sinks below it by at
    most ``h^2/8 max(f'')``, where ``f''`` is bounded term by term in the same way. The tighter bound counts.

    Examples
    --------
    >>> import numpy
    >>> one = numpy.ones(1)
    >>> lower, upper = curve_bounds(numpy, 0 * one, numpy.array([[1.0, -1.0]]), numpy.array([1.0, 2.0]), 3 * one)
    >>> bool(upper[0] >= 0.25), bool(upper[0] < 0.253)
    (True, True)
    """
    dtype = base.dtype
    grid = xp.linspace(0.0, 1.0, _PIECES + 1, dtype=dtype)
    s = width[:, None] * grid[None, :]
    terms = amplitude[:, None, :] * xp.exp(-rate[None, None, :] * s[:, :, None])
    value = base[:, None] + xp.sum(terms, axis=2)
    left, right = terms[:, :-1], terms[:, 1:]
    largest, smallest = xp.maximum(left, right), xp.minimum(left, right)
    eighth = (rate * rate)[None, None, :] * ((width / _PIECES) ** 2 / 8.0)[:, None, None]
    above = xp.maximum(-xp.sum(smallest * eighth, axis=2), 0.0)
    below = xp.maximum(xp.sum(largest * eighth, axis=2), 0.0)
    upper = xp.minimum(base[:, None] + xp.sum(largest, axis=2), xp.maximum(value[:, :-1], value[:, 1:]) + above)
    lower = xp.maximum(base[:, None] + xp.sum(smallest, axis=2), xp.minimum(value[:, :-1], value[:, 1:]) - below)
    # rounding is relative to the terms, not to their possibly small sum
    slack = (INFLATION + 16.0 * float(xp.finfo(dtype).eps)) * (xp.abs(base) + xp.sum(xp.abs(amplitude), axis=1))
    return xp.maximum(xp.min(lower, axis=1) - slack, 0.0), xp.max(upper, axis=1) + slack


# All inputs over all cells: what they are, and the bounds they keep.


def curves(xp: ModuleType, courses: dict[str, Any], edges: Edges) -> tuple[Any, ...]:
    """Return base [c, i], amplitude [c, i, m], rate [i, m], lower and upper [c, i] of all inputs.

    `courses` maps the name of each input to its course, or to its constant value.

    Examples
    --------
    >>> from jaxsim.dosing import Schedule
    >>> from jaxsim.dosing.timeline import arrange_edges
    >>> edges = arrange_edges(np, Schedule(), np.array(0.0), np.array(3.0), np.zeros(0))
    >>> [part.shape for part in curves(np, {"drug": np.array(2.5)}, edges)]
    [(1, 1), (1, 1, 0), (1, 0), (1, 1), (1, 1)]
    """
    count = edges.times.shape[0] - 1
    modes = max((given.rates.shape[0] for given in courses.values() if isinstance(given, DoseResponse)), default=0)
    nothing = floats(xp, np.zeros((count, modes))), floats(xp, np.zeros(modes))
    columns = []
    for name, given in courses.items():
        if isinstance(given, DoseResponse):
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


def _dosed(xp: ModuleType, given: DoseResponse, edges: Edges, name: str, modes: int) -> tuple[Any, ...]:
    """Return base, amplitude, rate, lower and upper of one input, padded to `modes`."""
    base, amplitude = continuation(xp, given, edges, name)
    lower, upper = curve_bounds(xp, base, amplitude, given.rates, edges.times[1:] - edges.times[:-1])
    missing = modes - given.rates.shape[0]
    return base, xp.pad(amplitude, ((0, 0), (0, missing))), xp.pad(given.rates, (0, missing)), lower, upper


def continuation(xp: ModuleType, given: DoseResponse, edges: Edges, name: str) -> tuple[Any, Any]:
    """Return base [c] and amplitudes [c, m] with which one input continues from the start of every cell.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, Schedule
    >>> from jaxsim.dosing.timeline import arrange_edges
    >>> edges = arrange_edges(np, Schedule(drug=Dose(2, at=1)), np.array(0.0), np.array(3.0), np.zeros(0))
    >>> given = DoseResponse(*(np.array([x]) for x in (1.0, 1.0, 2.0, 5.0, 0.1)))
    >>> continuation(np, given, edges, "drug")[1].tolist()
    [[0.0], [10.0]]
    """
    cell = xp.arange(edges.times.shape[0] - 1)[:, None]
    begun = cell >= xp.concatenate(edges.starts[name])[None, :]
    over = cell >= xp.concatenate(edges.stops[name])[None, :]
    return superpose(xp, given, edges.times[:-1], begun, over)


# What doses do to species: one affine map per cell and species.


def changes(
    xp: ModuleType, species: tuple[str, ...], schedule: Schedule, edges: Edges
) -> tuple[Float[Any, "c s"], Float[Any, "c s"]]:
    """Return `multiply` and `add`: on entering cell c species become ``multiply * x + add``.

    All changes at one instant, in the order listed, are composed in the first cell that begins then.

    Examples
    --------
    >>> from jaxsim.dosing import Dose
    >>> from jaxsim.dosing.timeline import arrange_edges
    >>> plan = Schedule(A=[Set(0, at=1), Dose(7, at=1)])
    >>> edges = arrange_edges(np, plan, np.array(0.0), np.array(2.0), np.zeros(0))
    >>> [part[:, 0].tolist() for part in changes(np, ("A",), plan, edges)]
    [[1.0, 0.0, 1.0], [0.0, 7.0, 0.0]]
    """
    count = edges.times.shape[0] - 1
    multiply = {name: floats(xp, np.ones(count)) for name in species}
    add = {name: floats(xp, np.zeros(count)) for name in species}
    for agent, entries in schedule.items():
        if agent not in add:
            continue
        for entry, cells in zip(entries, edges.starts[agent], strict=True):
            here = _first(xp, edges.times, cells)
            more = xp.sum(xp.where(here, entry.amounts(xp)[None, :], 0.0), axis=1)
            if isinstance(entry, Set):
                keep = xp.where(xp.any(here, axis=1), xp.zeros_like(more), xp.ones_like(more))
                multiply[agent], add[agent] = keep * multiply[agent], keep * add[agent]
            add[agent] = add[agent] + more
    columns = [list(part.values()) or [floats(xp, np.zeros(count))] for part in (multiply, add)]
    scale, shift = (xp.stack(part, axis=1)[:, : len(species)] for part in columns)
    return scale, shift


def _first(xp: ModuleType, times: Any, cells: Any) -> Any:
    """Tell for every cell and dose [c, n] whether the dose acts there: in the first cell at the dose's time."""
    last = times.shape[0] - 1
    shared = xp.searchsorted(times, times[xp.minimum(cells, last)], side="left").astype(cells.dtype)
    first = xp.where(cells > last, cells, shared)
    return xp.arange(last)[:, None] == first[None, :]


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
    network: Any,
    schedule: Schedule | None,
    t0: ArrayLike,
    t_end: ArrayLike,
    cells: int = 0,
    variation: np.ndarray | None = None,
    marks: np.ndarray | tuple[Any, ...] = (),
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


def input_values(timeline: Timeline, times: list[Any] | np.ndarray) -> Float[Any, "t i"]:
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


def _input_course(xp: ModuleType, network: Any, schedule: Schedule, name: str) -> DoseResponse | Any:
    """Return the course of a dosed input, or its constant value."""
    driven = network.inputs[name]
    doses = dict(schedule.items()).get(name)
    if doses:
        return dose_response(xp, driven, doses, name)  # type: ignore[arg-type]
    return floats(xp, 0.0 if isinstance(driven, Disposition) else driven)


def _arrange(
    xp: ModuleType,
    schedule: Schedule,
    span: tuple[Any, Any],
    courses: dict[str, Any],
    cells: int,
    variation: np.ndarray | None,
    marks: ArrayLike,
) -> Edges:
    """Return the edges of the doses and the marks, and `cells` more where anything varies."""
    edges = arrange_edges(xp, schedule, *span, marks)
    dosed = {name: given for name, given in courses.items() if isinstance(given, DoseResponse)}
    if cells == 0 or not (dosed or variation is not None):
        return edges
    smooth = [(continuation(xp, given, edges, name)[1], given.rates) for name, given in dosed.items()]
    return arrange_edges(
        xp, schedule, *span, xp.concatenate([marks, cell_edges(xp, edges.times, smooth, cells, variation)])
    )
