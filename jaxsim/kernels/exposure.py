"""Exposure on a grid: the exact mean, over each leap, of every function of time that rates read.

Sampling a drug curve at one point of each leap makes the derivative with respect to a dose time wrong, by 50 % for a
smooth pulse and 100 % for a bolus, in every estimator. So each function is integrated over the cell, split where a
dose begins, an infusion ends, or a function jumps or bends with the time (`moments.py`), and differentiated with the
limits of the parts (Leibniz' rule), so that the boundary term of a jump is kept. A steep onset still makes the
derivative ripple as the dose slides through a cell; the mean over several shifts of the cell ("double averaging") takes
most of that away, and keeps the area under the curve.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64

from jaxsim.dosing import Timeline, build_timeline
from jaxsim.kernels.moments import TRACED, all_moments, find_moments
from jaxsim.kernels.rates import Rates, leaves_in_time
from jaxsim.network import Structure, names_of_time
from jaxsim.network.moments import smooth

NODES, WEIGHTS = np.polynomial.legendre.leggauss(5)  # of a part of a cell: exact for polynomials of degree nine
SHIFTS = 4  # of the cell in double averaging; eight take little more of the ripple away
ROUNDING = 64 * np.finfo(np.float64).eps  # of the whole integral: what a difference of two running integrals may be off


def exposures(
    structure: Structure, plan: Rates, network: Any, schedule: Any, edges: Float64[Any, " edges"], shifts: int = SHIFTS
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
        How many shifts of each cell are averaged; 1 for the plain mean over the cell.

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
    width = jnp.asarray(edges[1:] - edges[:-1])
    if not plan.in_time:
        return jnp.zeros((width.shape[0], 0))
    timeline = build_timeline(network, schedule, edges[0], edges[-1])
    timeline = _with_moments(structure, plan, network, schedule, timeline)
    marks = jnp.asarray(timeline.edges)
    offset = width[:, None] * jnp.asarray((np.arange(shifts) + 0.5) / shifts - 0.5)[None, :]
    left = jnp.clip(jnp.asarray(edges[:-1])[:, None] + offset, edges[0], edges[-1])
    right = jnp.clip(jnp.asarray(edges[1:])[:, None] + offset, edges[0], edges[-1])
    points, place = _sorted(jnp.concatenate([left.reshape(-1), right.reshape(-1), marks]))
    integral = _running_integral(structure, plan, network, timeline, marks, points)
    count = left.size
    reached = integral[place[: 2 * count]]
    part = reached[count:] - reached[:count]
    lost = ROUNDING * jnp.max(jnp.abs(integral), axis=0)[None, :]  # or a drug that is gone would have a negative mean
    noise = lax.stop_gradient(jnp.where(jnp.abs(part) > lost, 0.0, part))  # the derivative of nothing may be something
    mean = (part - noise) / (right - left).reshape(-1)[:, None]
    return jnp.mean(mean.reshape(*left.shape, len(plan.in_time)), axis=1)


def _with_moments(structure: Structure, plan: Rates, network: Any, schedule: Any, timeline: Timeline) -> Timeline:
    """Return the timeline with cells that end at the moments at which the leaves jump or bend."""
    shared = {name: value for name, value in network.parameters.items() if _plain(value)}
    leaves = [value for _, value in plan.in_time]
    switches = smooth(leaves, names_of_time(structure), frozenset(shared)).switches
    if not switches:
        return timeline
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((shared, tuple(timeline)))):
        found = find_moments(switches, structure.inputs, shared, timeline, TRACED)
        marks: Any = jnp.where(found.fits, found.times, jnp.nan)
    else:
        marks = all_moments(switches, structure.inputs, shared, timeline)[0]
    return build_timeline(network, schedule, timeline.edges[0], timeline.edges[-1], marks=marks)


def _sorted(points: Any) -> tuple[Any, Any]:
    """Return the points in order and where each one went."""
    numbers = jnp.arange(points.shape[0])
    ordered, origin = lax.sort((points, numbers), num_keys=1, is_stable=True)
    return ordered, jnp.zeros_like(numbers).at[origin].set(numbers)


def _running_integral(structure: Structure, plan: Rates, network: Any, timeline: Any, marks: Any, points: Any) -> Any:
    """Return the integral of every leaf up to each point, [points, d]."""
    timeline = jax.tree.map(jnp.asarray, timeline)
    half = 0.5 * (points[1:] - points[:-1])
    middle = 0.5 * (points[1:] + points[:-1])
    nodes = middle[:, None] + half[:, None] * jnp.asarray(NODES)[None, :]
    cell = jnp.clip(jnp.searchsorted(marks, middle, side="right") - 1, 0, marks.shape[0] - 2)
    cells = jnp.broadcast_to(cell[:, None], nodes.shape).reshape(-1)
    shared = {name: jnp.asarray(value, jnp.float64) for name, value in network.parameters.items() if _plain(value)}
    leaves = leaves_in_time(plan, structure, shared, timeline, cells, nodes.reshape(-1), jnp.float64)
    columns = [jnp.broadcast_to(value, cells.shape).reshape(nodes.shape) for value in leaves.values()]
    parts = [half * jnp.sum(column * jnp.asarray(WEIGHTS)[None, :], axis=1) for column in columns]
    return jnp.concatenate([jnp.zeros((1, len(parts))), jnp.cumsum(jnp.stack(parts, axis=1), axis=0)])


def _plain(value: Any) -> bool:
    return not hasattr(value, "sample")
