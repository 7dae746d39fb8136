"""Steps: the parts of functions of time that are constant but for jumps, and when they jump.

A step is a comparison (``drug > 0.5``, ``t > start``) or a rounding (``floor(t/24)``) of what varies in time. Its
jumps are found by sampling it densely between the edges of doses and closing in on each change. As numbers move, the
moment moves by the implicit function theorem: by minus the derivative of the step's margin (``drug - 0.5``) in the
numbers, over its derivative in time.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsim.dosing import Timeline
from jaxsim.errors import SimulationError
from jaxsim.kernels.rates import Rates, leaves_in_time
from jaxsim.network import Binary, Call, Compare, Expression, Name, Structure, names, names_of_time, to_string
from jaxsim.network.expression import fold

ROUNDINGS = ("floor", "ceil")
PER_CELL = 2048  # samples between two edges of doses
FEWEST = 8  # places for jumps
NARROWING, ROUNDS = 64, 5  # of the bracket around a jump in each round: to 1e-13 of the span
MOST = 1024  # jumps
ASIDE = 1e-9  # of the span, to both sides of a jump at which its step is read
CARRIED = 1e-3  # of a margin between samples, by which it changes across a jump where a step inside it is what jumps


class Steps(NamedTuple):
    """The leaves in time of a plan with every step read under a name."""

    leaves: tuple[tuple[str, Expression], ...]
    nodes: dict[str, Expression]
    """Name of a step -> what it stands for; no species can have that name."""
    inside: tuple[tuple[bool, ...], ...]
    """[steps, steps]: whether the first is, or holds, the second, and so jumps with it."""


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
    return Steps(leaves, nodes, tuple(tuple(_holds(one, other) for other in known) for one in known))


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
    structure: Structure, plan: Rates, steps: Steps, shared: Any, timeline: Timeline, span: tuple[float, float]
) -> Crossings:
    """Find every jump of every step within a span; call within ``jax.enable_x64(True)``.

    Raises
    ------
    SimulationError
        If steps jump too often to follow each jump.
    """

    def read(leaves: list[Expression], cell: Any, time: Any) -> np.ndarray:
        named = plan._replace(in_time=tuple((str(j), leaf) for j, leaf in enumerate(leaves)))
        found = leaves_in_time(named, structure, shared, timeline, cell.reshape(-1), time.reshape(-1), jnp.float64)
        return np.stack([np.broadcast_to(np.asarray(value), time.size).reshape(time.shape) for value in found.values()])

    nodes, edges = [*steps.nodes.values()], np.clip(np.asarray(timeline.edges), *span)
    time = edges[:-1, None] + np.diff(edges)[:, None] * np.arange(PER_CELL + 1) / PER_CELL
    values = read(nodes, np.broadcast_to(np.arange(edges.size - 1)[:, None], time.shape), time)
    step, cell, at = np.nonzero(values[..., 1:] != values[..., :-1])
    found, count = np.zeros((_padded(step.size), 4)), step.size
    found[:count] = np.stack([step, cell, time[cell, at], time[cell, at + 1]], axis=1)
    found[count:, 2:] = span[0]
    _refuse_crowds(nodes, found[:count], span)
    step, lane = found[:, 0].astype(int), np.arange(found.shape[0])

    def margins() -> np.ndarray:
        cells = np.tile(found[:, 1:2].astype(int), 2)
        return read([_margin(node) for node in nodes], cells, found[:, 2:])[step, lane]

    size = np.max(np.abs(margins()), axis=1)
    for _ in range(ROUNDS):
        time = found[:, 2:3] + (found[:, 3:4] - found[:, 2:3]) * np.arange(NARROWING + 1) / NARROWING
        own = read(nodes, np.broadcast_to(found[:, 1:2].astype(int), time.shape), time)[step, lane]
        at = np.argmax(own[:, 1:] != own[:, :-1], axis=1)
        found[:, 2:] = time[lane[:, None], at[:, None] + np.arange(2)]
    carried = np.abs(np.diff(margins(), axis=1)[:, 0]) > CARRIED * size
    holds = np.array(steps.inside)[step].sum(axis=1) > 1
    aside = np.full(lane.size, ASIDE * (span[1] - span[0]))
    real = (lane < count) & ~(carried & holds)
    return Crossings(step, 0.5 * (found[:, 2] + found[:, 3]), found[:, 1].astype(np.int64), aside, real)


def _padded(count: int) -> int:
    """Return the size of tables for so many jumps; few sizes, so that few programs are compiled."""
    return max(FEWEST, 1 << max(0, count - 1).bit_length())


def _refuse_crowds(nodes: list[Expression], found: np.ndarray, span: tuple[float, float]) -> None:
    if found.shape[0] > MOST:
        node = nodes[int(found[0, 0])]
        raise SimulationError(
            f"'{to_string(node)}' jumps {found.shape[0]} times between {span[0]:g} and {span[1]:g}, too often to "
            f"follow each jump; write a smooth function instead"
        )


def step_values(
    structure: Structure, plan: Rates, steps: Steps, shared: Any, timeline: Timeline, crossings: Crossings, side: int
) -> dict[str, Any]:
    """Return every step just before (`side` -1) or just after (1) each crossing, [m]; they do not move."""
    stepped = plan._replace(in_time=tuple(steps.nodes.items()))
    time = jnp.asarray(crossings.time) + side * jnp.asarray(crossings.aside)
    found = leaves_in_time(stepped, structure, shared, timeline, jnp.asarray(crossings.cell), time, jnp.float64)
    return {name: lax.stop_gradient(jnp.broadcast_to(value, time.shape)) for name, value in found.items()}


def crossing_times(
    structure: Structure, plan: Rates, steps: Steps, shared: Any, timeline: Timeline, crossings: Crossings
) -> Any:
    """Return the times of the crossings, [m], differentiable by the implicit function theorem."""
    margins = plan._replace(in_time=tuple((name, _margin(node)) for name, node in steps.nodes.items()))
    cell, at = jnp.asarray(crossings.cell), jnp.asarray(crossings.time)

    def margin(time: Any) -> Any:
        found = leaves_in_time(margins, structure, shared, timeline, cell, time, jnp.float64)
        rows = jnp.stack([jnp.broadcast_to(value, at.shape) for value in found.values()])
        return rows[jnp.asarray(crossings.step), jnp.arange(at.size)]

    there, slope = jax.jvp(margin, (at,), (jnp.ones_like(at),))
    moved = there - lax.stop_gradient(there)
    steep = jnp.where(crossings.real & (slope != 0.0), lax.stop_gradient(slope), 1.0)
    return at - jnp.where(crossings.real, moved / steep, 0.0)
