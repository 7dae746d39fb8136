"""Steps: the parts of functions of time that are constant but for jumps, and when they jump.

A step is a comparison (``drug > 0.5``, ``t > start``) or a rounding (``floor(t/24)``) of what varies in time. Its
jumps lie among the moments at which the leaves jump or bend (`moments.py`): between two of them nothing jumps, so that
the values in the middles tell which of the moments are jumps of which step. As numbers move, the moment moves by the
implicit function theorem: by minus the derivative of the step's margin (``drug - 0.5``) in the numbers, over its
derivative in time.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.dosing import Timeline
from jaxsim.errors import SimulationError
from jaxsim.kernels.moments import all_moments
from jaxsim.kernels.rates import Rates, leaves_in_time
from jaxsim.network import Binary, Call, Compare, Expression, Name, Structure, names, names_of_time, to_string
from jaxsim.network.expression import fold
from jaxsim.network.moments import TimeSwitch, smooth

ROUNDINGS = ("floor", "ceil")
_FEWEST = 8  # places for jumps
_MOST = 1024  # jumps
ASIDE = 1e-9  # of the span, to both sides of a jump at which its step is read
_CARRIED = 1e-3  # of a margin between moments, by which it changes across a jump where a step inside it is what jumps


class Steps(NamedTuple):
    """The leaves in time of a plan with every step read under a name."""

    leaves: tuple[tuple[str, Expression], ...]
    nodes: dict[str, Expression]
    """Name of a step -> what it stands for; no species can have that name."""
    inside: tuple[tuple[bool, ...], ...]
    """[steps, steps]: whether the first is, or holds, the second, and so jumps with it."""
    switches: tuple[TimeSwitch, ...]
    """All branches of the leaves, those of steps among them, for finding when they change."""


class Crossings(NamedTuple):
    """When steps jump; m jumps, filled up so that few programs are compiled."""

    step: Any
    """int [m]: position among the nodes."""
    time: Any
    """float64 [m]."""
    cell: Any
    """int [m]: of the timeline in which it happens."""
    aside: Any
    """float64 [m]: how far from it both sides are read."""
    real: Any
    """bool [m]: whether it is one, or fills up."""
    moments: Any
    """float64 [k]: ascending, of all jumps and bends of the leaves, filled up with the end of the span."""


@lru_cache(maxsize=256)
def plan_steps(structure: Structure, plan: Rates) -> Steps:
    """Find the steps in the leaves in time of a plan.

    Examples
    --------
    >>> from jaxsim.kernels.rates import plan_rates
    >>> from jaxsim.network import Network
    >>> structure = Network({"A": 1}, ["A -> @ if(t > 2, 3, 1)*A"]).structure
    >>> {name: to_string(node) for name, node in plan_steps(structure, plan_rates(structure, ())).nodes.items()}
    {'step 0': 't > 2'}
    """
    time = names_of_time(structure)
    known: dict[Expression, str] = {}

    def visit(node: Expression, children: list[Expression]) -> Expression:
        if time & names(node) and _is_step(node):
            return Name(known.setdefault(node, f"step {len(known)}"))  # the raw one: what it holds is read in it
        return node.rebuild(tuple(children)) if node.children else node

    leaves = tuple((name, fold(leaf, visit)) for name, leaf in plan.in_time)
    nodes = {name: node for node, name in known.items()}
    switches = smooth([leaf for _, leaf in plan.in_time], time, frozenset(structure.parameters)).switches
    return Steps(leaves, nodes, tuple(tuple(_holds(one, other) for other in known) for one in known), switches)


def _holds(node: Expression, part: Expression) -> bool:
    return bool(fold(node, lambda here, found: here == part or any(found)))


def _is_step(node: Expression) -> bool:
    if isinstance(node, Compare):
        return node.op not in ("==", "!=")  # which hold for no time at all
    return isinstance(node, Call) and node.function in ROUNDINGS


def _margin(node: Expression) -> Expression:
    """Return what crosses zero, or a whole number, as the step jumps."""
    return Binary("-", node.left, node.right) if isinstance(node, Compare) else node.children[0]


def locate(
    structure: Structure,
    plan: Rates,
    steps: Steps,
    shared: dict[str, Any],
    timeline: Timeline,
    span: tuple[float, float],
) -> Crossings:
    """Find every jump of every step within a span; call within ``jax.enable_x64(True)``.

    Raises
    ------
    SimulationError
        If steps jump too often to follow each jump.
    """

    def read(leaves: list[Expression], cell: np.ndarray, time: np.ndarray) -> np.ndarray:
        named = plan._replace(in_time=tuple((str(j), leaf) for j, leaf in enumerate(leaves)))
        found = leaves_in_time(named, structure, shared, timeline, cell.reshape(-1), time.reshape(-1), jnp.float64)
        return np.stack([np.broadcast_to(np.asarray(value), time.size).reshape(time.shape) for value in found.values()])

    nodes = [*steps.nodes.values()]
    aside = ASIDE * (span[1] - span[0])
    moments = _apart(all_moments(steps.switches, structure.inputs, shared, timeline)[0], span, aside)
    edges, rows = np.asarray(timeline.edges), []
    for cell in range(edges.size - 1):
        left, right = max(edges[cell], span[0]), min(edges[cell + 1], span[1])
        inside = moments[(moments > left) & (moments < right)]
        if nodes and inside.size:
            ends = np.concatenate([[left], inside, [right]])
            middles = 0.5 * (ends[1:] + ends[:-1])
            values = read(nodes, np.full(middles.shape, cell), middles)
            jumps = np.argwhere(values[:, 1:] != values[:, :-1])
            rows += [(j, cell, inside[i], middles[i], middles[i + 1]) for j, i in jumps]
    found = np.array(rows, np.float64).reshape(-1, 5)
    _refuse_crowds(nodes, found, span)
    if found.size:
        step, lane = found[:, 0].astype(int), np.arange(len(rows))
        time = np.stack([found[:, 2] - aside, found[:, 2] + aside, found[:, 3], found[:, 4]], axis=1)
        cells = np.broadcast_to(found[:, 1:2].astype(int), time.shape)
        margins = read([_margin(node) for node in nodes], cells, time)[step, lane]
        carried = np.abs(margins[:, 1] - margins[:, 0]) > _CARRIED * np.max(np.abs(margins[:, 2:]), axis=1)
        holds = np.array(steps.inside)[step].sum(axis=1) > 1
        found = found[~(carried & holds)]
    return _filled(found, moments, span, aside)


def _apart(moments: np.ndarray, span: tuple[float, float], aside: float) -> np.ndarray:
    """Return the moments within the span that lie so far apart that both sides of each can be read."""
    inside = moments[(moments > span[0]) & (moments < span[1])]
    kept = np.diff(inside, prepend=-np.inf) > 4 * aside
    return np.asarray(inside[kept])


def _refuse_crowds(nodes: list[Expression], found: np.ndarray, span: tuple[float, float]) -> None:
    if found.shape[0] > _MOST:
        node = nodes[int(found[0, 0])]
        raise SimulationError(
            f"'{to_string(node)}' jumps {found.shape[0]} times between {span[0]:g} and {span[1]:g}, too often to "
            f"follow each jump; write a smooth function instead"
        )


def _filled(found: np.ndarray, moments: np.ndarray, span: tuple[float, float], aside: float) -> Crossings:
    """Return the jumps and the moments in tables that are filled up."""
    count, size = found.shape[0], _padded(found.shape[0])
    rows = np.zeros((size, 3))
    rows[:count], rows[count:, 2] = found[:, :3], span[0]
    marks = np.full(_padded(moments.size), span[1])
    marks[: moments.size] = moments
    step, cell = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
    return Crossings(step, rows[:, 2], cell, np.full(size, aside), np.arange(size) < count, marks)


def _padded(count: int) -> int:
    """Return the size of a table of so many moments; few sizes, so that few programs are compiled."""
    return max(_FEWEST, 1 << max(0, count - 1).bit_length())


def step_values(
    structure: Structure,
    plan: Rates,
    steps: Steps,
    shared: dict[str, Any],
    timeline: Timeline,
    crossings: Crossings,
    side: int,
) -> dict[str, Any]:
    """Return every step just before (`side` -1) or just after (1) each crossing, [m]; they do not move."""
    stepped = plan._replace(in_time=tuple(steps.nodes.items()))
    time = jnp.asarray(crossings.time) + side * jnp.asarray(crossings.aside)
    found = leaves_in_time(stepped, structure, shared, timeline, jnp.asarray(crossings.cell), time, jnp.float64)
    return {name: lax.stop_gradient(jnp.broadcast_to(value, time.shape)) for name, value in found.items()}


def crossing_times(
    structure: Structure, plan: Rates, steps: Steps, shared: dict[str, Any], timeline: Timeline, crossings: Crossings
) -> Any:
    """Return the times of the crossings, [m], differentiable by the implicit function theorem."""
    margins = plan._replace(in_time=tuple((name, _margin(node)) for name, node in steps.nodes.items()))
    cell, at = jnp.asarray(crossings.cell), jnp.asarray(crossings.time)

    def margin(time: Array) -> Any:
        found = leaves_in_time(margins, structure, shared, timeline, cell, time, jnp.float64)
        rows = jnp.stack([jnp.broadcast_to(value, at.shape) for value in found.values()])
        return rows[jnp.asarray(crossings.step), jnp.arange(at.size)]

    there, slope = jax.jvp(margin, (at,), (jnp.ones_like(at),))
    moved = there - lax.stop_gradient(there)
    steep = jnp.where(crossings.real & (slope != 0.0), lax.stop_gradient(slope), 1.0)
    return at - jnp.where(crossings.real, moved / steep, 0.0)
