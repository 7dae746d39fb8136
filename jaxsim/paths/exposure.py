"""Exposure on a grid: the exact mean, over each leap, of every function of time that rates read.

Sampling a drug curve at one point of each leap makes the derivative with respect to a dose time wrong, by 50 % for a
smooth pulse and 100 % for a bolus, in every estimator. So each function is integrated over the cell, split at the
marks: where a dose begins, an infusion ends, or a function jumps or bends with the time, such as a condition
``drug > 0.5`` that switches. What a function loses or
gains as a mark moves (the boundary term of Leibniz' rule) is its jump there. The jump is read before and after the
mark by the order of marks, not by comparing times, so that marks that tie with each other or with the edge of a cell
keep it. It is written to two neighbouring cells by linear extrapolation of their centres to the mark, which keeps its
moment: the derivative is then right to the square of the width, wherever in a cell the mark lies. No term is carried
across an edge at which something is looked at or given ("pinned").

A steep onset still makes the derivative ripple as the dose slides through a cell; the mean over several shifts of the
cells ("double averaging") takes most of that away. Every shift cuts the whole span, so that it keeps all area.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float64

from jaxsim.dosing import Timeline, build_timeline
from jaxsim.dosing.schedule import Schedule
from jaxsim.kernels.rates import Rates, leaves_in_time
from jaxsim.kernels.steps import Crossings, Steps, crossing_times, locate, plan_steps, step_values
from jaxsim.network import Structure
from jaxsim.network.network import Network

_NODES, WEIGHTS = np.polynomial.legendre.leggauss(5)  # of a part of a cell: exact for polynomials of degree nine
SHIFTS = 4  # of the cells in double averaging; eight take little more of the ripple away
LITTLE = 0.1  # of what a function is on one side of a jump: it counts as zero on the other
_ROUNDING = (
    64 * np.finfo(np.float64).eps
)  # of the whole integral: what a difference of two running integrals may be off


def exposures(
    structure: Structure,
    plan: Rates,
    network: Network,
    schedule: Schedule | None,
    edges: Float64[Any, " edges"],
    shifts: int = SHIFTS,
    pinned: Bool[Any, " edges"] | None = None,
    crossings: Crossings | None = None,
) -> Float64[Array, "n d"]:
    """Return the mean over each cell of the leaves in time of a plan of rates.

    Parameters
    ----------
    structure : Structure
    plan : Rates
        Its `in_time` says which functions.
    network, schedule
        Numbers, traced or not.
    edges : float64 array [n + 1]
        Of the cells.
    shifts : int
        How many shifts of the cells are averaged; 1 for the plain mean over each cell.
    pinned : bool array [n + 1], optional
        Edges that no shift moves; the first and the last never move.
    crossings : Crossings, optional
        When the conditions of the functions switch; found here where numbers are not traced. A traced call without
        them has neither their boundary terms nor the split of a cell in which a condition switches.

    Returns
    -------
    float64 array [n, d]
        Differentiable in doses, their times and durations, dispositions and parameters. Call within
        ``jax.enable_x64(True)``.

    Examples
    --------
    >>> from jaxsim.kernels.rates import plan_rates
    >>> from jaxsim.network import Network
    >>> net = Network({"A": 1}, ["A -> @ k*t*A"], {"k": 2.0})
    >>> plan, edges = plan_rates(net.structure, ()), np.array([0.0, 1.0, 3.0])
    >>> with jax.enable_x64(True):
    ...     exposures(net.structure, plan, net, None, edges, 1).round(9).tolist()
    [[1.0], [4.0]]
    """
    edges = jnp.asarray(edges)
    if not plan.in_time:
        return jnp.zeros((edges.size - 1, 0))
    fixed = _ends(edges) if pinned is None else jnp.asarray(pinned) | _ends(edges)
    timeline = wide_timeline(network, schedule, edges)
    shared = shared_numbers(network)
    steps = plan_steps(structure, plan)
    if crossings is None and not _traced((network, schedule, edges)):
        crossings = found_crossings(structure, plan, network, schedule, edges)
    times = timeline.edges if crossings is None else jnp.concatenate([timeline.edges, crossings.moments])
    points, place, passed = _ordered(_shifted(edges, fixed, shifts), lax.stop_gradient(times), timeline.edges.size)
    integral = _running_integral(structure, plan, shared, timeline, points, passed, edges)
    reached = integral[place[: shifts * edges.size]].reshape(shifts, edges.size, -1)
    part = reached[:, 1:] - reached[:, :-1]
    lost = _ROUNDING * jnp.max(jnp.abs(integral), axis=0)[None, None, :]  # or a drug that is gone has a negative mean
    noise = lax.stop_gradient(jnp.where(jnp.abs(part) > lost, 0.0, part))  # the derivative of nothing may be something
    smooth = jnp.mean((part - noise), axis=0)
    whole = smooth + _boundary(structure, plan, shared, timeline, edges, fixed)
    if crossings is not None and steps.nodes:
        whole = whole + _switched(structure, plan, steps, shared, timeline, edges, fixed, crossings)
    return whole / (edges[1:] - edges[:-1])[:, None]


def found_crossings(structure: Structure, plan: Rates, network: Any, schedule: Any, edges: Any) -> Crossings | None:
    """Return when the functions jump or bend, from numbers that are not traced; None where they are smooth."""
    steps = plan_steps(structure, plan)
    if not steps.switches:
        return None
    span = float(edges[0]), float(edges[-1])
    return locate(structure, plan, steps, shared_numbers(network), wide_timeline(network, schedule, edges), span)


def mark_times(
    structure: Structure, plan: Rates, network: Network, schedule: Schedule, edges: Array, crossings: Crossings | None
) -> Float64[Array, " marks"]:
    """Return the marks: edges of doses, and where conditions switch; differentiable."""
    timeline = wide_timeline(network, schedule, jnp.asarray(edges))
    marks, steps = timeline.edges[1:-1], plan_steps(structure, plan)
    if crossings is None or not steps.nodes:
        return marks
    found = crossing_times(structure, plan, steps, shared_numbers(network), timeline, crossings)
    return jnp.concatenate([marks, found])


def wide_timeline(network: Any, schedule: Any, edges: Any) -> Timeline:
    """Return the timeline over three times the span, so that a dose at its start or end is a mark like any other."""
    span = edges[-1] - edges[0]
    found = build_timeline(network, schedule, edges[0] - span, edges[-1] + span)
    return jax.tree.map(jnp.asarray, found)


def shared_numbers(network: Network) -> dict[str, Any]:
    """Return the parameters that all trajectories share."""
    given = network.parameters.items()
    return {name: jnp.asarray(value, jnp.float64) for name, value in given if not hasattr(value, "sample")}


def _traced(given: tuple[Any, ...]) -> bool:
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(given))


def _ends(edges: Array) -> Any:
    number = jnp.arange(edges.size)
    return (number == 0) | (number == edges.size - 1)


def _shifted(edges: Array, fixed: Array, shifts: int) -> Any:
    """Return the edges at every shift, [shifts, n + 1]: by parts of the narrower cell beside each edge."""
    widths, far = edges[1:] - edges[:-1], jnp.full(1, jnp.inf)
    beside = jnp.minimum(jnp.append(widths, far), jnp.append(far, widths))
    moves = jnp.asarray((np.arange(shifts) + 0.5) / shifts - 0.5)
    return edges[None, :] + jnp.where(fixed, 0.0, beside)[None, :] * moves[:, None]


def _ordered(edges: Array, marks: Array, cells: int) -> tuple[Any, Any, Any]:
    """Return all points in order, where each one went, and the timeline's cell that follows each.

    The first `cells` marks begin one each.
    """
    points = jnp.concatenate([edges.reshape(-1), marks])
    numbers = jnp.arange(points.shape[0])
    ordered, origin = lax.sort((points, numbers), num_keys=1, is_stable=True)
    begins = (origin >= edges.size) & (origin < edges.size + cells)
    cell = jnp.clip(jnp.cumsum(begins.astype(jnp.int32)) - 1, 0, cells - 2)
    return ordered, jnp.zeros_like(numbers).at[origin].set(numbers), cell


def _running_integral(
    structure: Structure,
    plan: Rates,
    shared: dict[str, Any],
    timeline: Timeline,
    points: Array,
    cell: Array,
    edges: Array,
) -> Any:
    """Return the integral of every leaf from the first edge up to each point, [points, d]; the points do not move."""
    half = 0.5 * (points[1:] - points[:-1])
    middle = 0.5 * (points[1:] + points[:-1])
    outside = (middle < edges[0]) | (middle > edges[-1])
    nodes = middle[:, None] + half[:, None] * jnp.asarray(_NODES)[None, :]
    begins = lax.stop_gradient(timeline.edges)[cell[:-1]]  # read there, a mode that decays is finite
    nodes = jnp.where(outside[:, None], begins[:, None], nodes)
    cells = jnp.broadcast_to(cell[:-1, None], nodes.shape).reshape(-1)
    leaves = leaves_in_time(plan, structure, shared, timeline, cells, nodes.reshape(-1), jnp.float64)
    columns = [jnp.broadcast_to(value, cells.shape).reshape(nodes.shape) for value in leaves.values()]
    parts = [half * jnp.sum(column * jnp.asarray(WEIGHTS)[None, :], axis=1) for column in columns]
    parts = [jnp.where(outside, 0.0, part) for part in parts]
    return jnp.concatenate([jnp.zeros((1, len(parts))), jnp.cumsum(jnp.stack(parts, axis=1), axis=0)])


def _boundary(
    structure: Structure, plan: Rates, shared: dict[str, Any], timeline: Timeline, edges: Array, fixed: Array
) -> Any:
    """Return zeros [n, d] whose derivative is what moving edges of the timeline take from each cell."""
    marks, cell = timeline.edges[1:-1], jnp.arange(1, timeline.edges.size - 1)
    inside = (marks >= edges[0]) & (marks <= edges[-1])
    at = lax.stop_gradient(marks)
    sides = [leaves_in_time(plan, structure, shared, timeline, c, at, jnp.float64) for c in (cell - 1, cell)]
    before, after = (jnp.where(inside[:, None], _columns(side, at), 0.0) for side in sides)
    return _spread(edges, fixed, marks, inside, before, after)


def _switched(
    structure: Structure,
    plan: Rates,
    steps: Steps,
    shared: dict[str, Any],
    timeline: Timeline,
    edges: Array,
    fixed: Array,
    crossings: Crossings,
) -> Any:
    """Return the same of conditions that switch: the jump in one of them, the others as before and as after."""
    marks = crossing_times(structure, plan, steps, shared, timeline, crossings)
    at, cell = crossings.time, crossings.cell
    sides = [step_values(structure, plan, steps, shared, timeline, crossings, side) for side in (-1, 1)]
    stepped, jumps = plan._replace(in_time=steps.leaves), jnp.asarray(steps.inside)

    def leaves(own: dict[str, Any], others: dict[str, Any]) -> Any:
        env = {**shared}
        for j, name in enumerate(steps.nodes):
            env[name] = jnp.where(jumps[j][crossings.step], own[name], others[name])
        return _columns(leaves_in_time(stepped, structure, env, timeline, cell, at, jnp.float64), at)

    before, after = (0.5 * (leaves(own, sides[0]) + leaves(own, sides[1])) for own in sides)
    return _spread(edges, fixed, marks, crossings.real, before, after)


def _columns(leaves: dict[str, Any], like: Array) -> Any:
    return jnp.stack([jnp.broadcast_to(value, like.shape) for value in leaves.values()], axis=1)


def _spread(edges: Any, fixed: Any, marks: Any, real: Any, before: Any, after: Any) -> Any:
    """Return zeros [n, d] whose derivative in the marks is the jump at each, in two cells.

    They are those to both sides of the mark, or where the function is (almost) zero on one side two on the other, since
    the score of a rate of zero would not see the jump.
    """
    count, leaves = edges.size - 1, before.shape[1]
    number, centre = jnp.arange(count), 0.5 * (edges[1:] + edges[:-1])
    first = lax.cummax(jnp.where(fixed[:-1], number, 0))  # cell of the segment between pinned edges
    last = lax.cummin(jnp.where(fixed[1:], number, count - 1), reverse=True)
    jump = lax.stop_gradient(before - after)
    before, after = lax.stop_gradient(jnp.abs(before)), lax.stop_gradient(jnp.abs(after))
    from_first = jnp.where(before < LITTLE * after, 0, jnp.where(after < LITTLE * before, -2, -1))
    at = lax.stop_gradient(marks)
    moved = 0.5 * jnp.where(real, marks - at, 0.0)[:, None] * jump
    below = jnp.sum(edges[None, :] < at[:, None], axis=1, dtype=number.dtype) - 1  # the cell that ends there
    above = jnp.sum(edges[None, :] <= at[:, None], axis=1, dtype=number.dtype) - 1
    below, above = jnp.where(below < 0, above, below), jnp.where(above >= count, below, above)
    cell = jnp.clip(jnp.concatenate([below, above]), 0, count - 1)  # one and the same, unless the mark is on an edge
    at, moved, from_first = (jnp.concatenate([part, part]) for part in (at, moved, from_first))
    beyond = cell + (centre[cell] < at).astype(cell.dtype)  # the first whose centre lies at the mark or later
    low, high = first[cell][:, None], last[cell][:, None]
    start = jnp.clip(beyond[:, None] + from_first, low, jnp.maximum(high - 1, low))
    beside = jnp.minimum(start + 1, high)
    apart = centre[beside] - centre[start]
    share = jnp.where(apart > 0.0, (at[:, None] - centre[start]) / jnp.where(apart > 0.0, apart, 1.0), 0.0)
    column = jnp.broadcast_to(jnp.arange(leaves)[None, :], start.shape)
    rows, columns = jnp.concatenate([start, beside]), jnp.concatenate([column, column])
    parts = jnp.concatenate([(1.0 - share) * moved, share * moved])
    return jnp.zeros((count, leaves)).at[rows, columns].add(parts)
