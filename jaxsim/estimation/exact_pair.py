"""The last level: the exact process and the leap chain of the finest mesh, coupled, which takes away all bias.

The exact process X and the chain Z fire together with the smaller of both rates, and alone with what is left
(Anderson & Higham, Multiscale Model. Simul. 10 (2012) 146, eqs. 5.1 and 5.2): a proposal at the larger of the rates,
at height v, fires reaction r in X if v < a_r(X, t) and in Z if v < a_r(Z), frozen since its step began. Where rates
vary in time the proposal is made at their bound over the cell, which is thinning, and the same comparison accepts it.

Each of both has its own control: the firings of Z are weighed by the slopes of its mesh, those of X by slopes at the
moment they happen, read from a straight line over the cell.

All lanes go through the cells of time together, so that what belongs to a cell is one number, not one for each lane.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.dosing import Timeline
from jaxsim.estimation.chain import (
    LevelValues,
    MeshChain,
    MeshTables,
    Numbers,
    Start,
    begin_chain,
    chain_state,
    dosed_on_mesh,
    floored,
    mesh_rates,
    worth,
)
from jaxsim.kernels.draws import choose, draw_bits, falls_below, running_sums, wait_and_choice, waiting_time
from jaxsim.kernels.rates import Rates, leaves_in_time, propensities, propensity_bounds

_NOTHING = np.int32(-1)
_TOLERANCE = np.float32(1e-5)  # by which a rate may exceed its float32 bound from rounding


class PairCells(NamedTuple):
    """Cells of time, none of which a step of the mesh or a cell of the bounds ends inside; padded to a fixed length."""

    number: Any
    """int32: how many there are."""
    start: Any
    """float64 [K + 1]."""
    step: Any
    """int32 [K]: step of the mesh."""
    opens: Any
    """bool [K]: whether the step begins with the cell."""
    cell: Any
    """int32 [K]: cell of the timeline."""
    lower: Any
    """float32 [K, D]: bounds of the leaves in time."""
    upper: Any
    first: Any
    """float32 [K, R]: by how much one firing of the exact process where the cell begins changes the quantity at the
    end, along the mean."""
    last: Any
    """The same where it ends."""


class ExactInputs(NamedTuple):
    """What the program reads."""

    numbers: Numbers
    tables: MeshTables
    cells: PairCells
    timeline: Timeline


class _Carry(NamedTuple):
    s: Any
    """float64 [L]: time since the cell began; infinite after a fault."""
    x: tuple[Any, ...]
    z: tuple[Any, ...]
    pending: Any
    """int32 [L]: reaction to apply, carried over the edge of the loop so that it is chosen once."""
    in_x: Any
    in_z: Any
    draws: Any
    events: Any
    control: Any
    fault: Any


class _Outer(NamedTuple):
    x: tuple[Any, ...]
    z: tuple[Any, ...]
    frozen: Any
    draws: Any
    events: Any
    control: Any
    held: Any
    fault: Any


def exact_pair(chain: MeshChain, inputs: ExactInputs) -> LevelValues:
    """Run every pair from the start to the end."""
    numbers, tables, cells, _ = inputs
    start = begin_chain(chain, numbers, tables)

    def cell(k: Array, here: _Outer) -> _Outer:
        here = _open(chain, inputs, start, k, here)
        none = jnp.zeros((chain.lanes,), bool)
        first = _Carry(
            jnp.zeros((chain.lanes,), jnp.float64), here.x, here.z, jnp.full((chain.lanes,), _NOTHING),
            none, none, here.draws, here.events, here.control, here.fault,
        )  # fmt: skip
        width = cells.start[k + 1] - cells.start[k]
        last = lax.while_loop(
            lambda carry: jnp.any(carry.s < width),
            lambda carry: _event(chain, inputs, start, k, width, here.frozen, carry),
            first,
        )
        return here._replace(
            x=last.x, z=last.z, draws=last.draws, events=last.events, control=last.control, fault=last.fault
        )

    zero, none = jnp.zeros((chain.lanes,), jnp.uint32), jnp.zeros((chain.lanes,), bool)
    frozen = jnp.zeros((len(chain.structure.reactions), chain.lanes), jnp.float32)
    first = _Outer(start.x, start.x, frozen, zero, zero, jnp.zeros((chain.lanes,), jnp.float64), none, none)
    last = lax.fori_loop(np.int32(0), cells.number, cell, first)
    z, held, large = floored(last.z)
    z, x = (dosed_on_mesh(chain, tables, tables.steps, counts) for counts in (z, last.x))
    finer = worth(chain, start, x)
    fault = last.fault | large
    return LevelValues(finer - worth(chain, start, z), last.control, finer, last.events, last.held | held, fault)


def _open(chain: MeshChain, inputs: ExactInputs, start: Start, k: Array, here: _Outer) -> _Outer:
    """Begin the step of the mesh that begins with a cell: doses, and the rates of the chain for the step."""
    tables, cells = inputs.tables, inputs.cells
    step = cells.step[k]

    def begins() -> _Outer:
        z, held, large = floored(here.z)
        x = here.x
        if chain.dosed:  # those at the start have been given
            later = step > 0
            given = tuple(dosed_on_mesh(chain, tables, step, y) for y in (x, z))
            x, z = jax.tree.map(lambda new, old: jnp.where(later, new, old), given, (x, z))
        frozen = mesh_rates(chain, start, z, tables.exposure[step])
        bad = large | jnp.any(~(frozen >= 0) | jnp.isinf(frozen), axis=0)
        return here._replace(x=x, z=z, frozen=frozen, held=here.held | held, fault=here.fault | bad)

    return lax.cond(cells.opens[k], begins, lambda: here)


def _event(
    chain: MeshChain, inputs: ExactInputs, start: Start, k: Array, width: Array, frozen: Array, here: _Carry
) -> _Carry:
    """Apply what is pending, then propose the next event within the cell."""
    cells, slope = inputs.cells, inputs.tables.slope[inputs.cells.step[k]]
    x, z = _apply(chain, here.x, here.pending, here.in_x), _apply(chain, here.z, here.pending, here.in_z)
    plan, state = chain.plan, chain_state(chain, start, x)
    boxes = {name: (cells.lower[k, d], cells.upper[k, d]) for d, (name, _) in enumerate(plan.in_time)}
    like = jnp.zeros((chain.lanes,), jnp.float32)
    bound = propensity_bounds(plan, state, boxes, like)
    upper = [jnp.maximum(a, frozen[r]) for r, a in enumerate(bound)]
    sums = running_sums(upper)
    wait, u = wait_and_choice(draw_bits(start.key[0], start.key[1], here.draws), jnp.float32)
    proposed = here.s + waiting_time(wait, sums[-1].astype(jnp.float32))
    runs = here.s < width
    hits = runs & (proposed < width)
    threshold = u * sums[-1]
    chosen = choose(threshold, sums)
    present, good = _present(chain, inputs, plan, state, k, here.s, proposed, bound)
    in_x, in_z = _accepted(threshold, sums, chosen, present), _accepted(threshold, sums, chosen, list(frozen))
    good = good & _sound(x, bound, sums[-1])
    control = here.control
    if not plan.in_time:
        end = jnp.minimum(proposed, width)
        middle, after = (((when / width).astype(jnp.float32)) for when in (0.5 * (here.s + end), end))
        between = [_line(cells, k, r, middle) for r in range(len(present))]
        drift = sum(
            (line - slope[r]) * present[r] + slope[r] * (present[r] - frozen[r]) for r, line in enumerate(between)
        )
        alone = _at(chosen, [_line(cells, k, r, after) for r in range(len(present))])
        along = _at(chosen, [jnp.broadcast_to(slope[r], like.shape) for r in range(len(present))])
        jump = alone * in_x.astype(jnp.float32) - along * in_z.astype(jnp.float32)
        step = jnp.where(hits, jump, np.float32(0)) - drift * (end - here.s).astype(jnp.float32)
        control = control + jnp.where(runs & good, step, np.float32(0)).astype(jnp.float64)
    return _Carry(
        s=jnp.where(runs, jnp.where(good, jnp.minimum(proposed, width), jnp.inf), here.s),
        x=x,
        z=z,
        pending=jnp.where(hits & good & (in_x | in_z), chosen, _NOTHING),
        in_x=in_x,
        in_z=in_z,
        draws=here.draws + runs.astype(jnp.uint32),
        events=here.events + hits.astype(jnp.uint32),
        control=control,
        fault=here.fault | (runs & ~good),
    )


def _line(cells: PairCells, k: Array, r: int, share: Array) -> Any:
    """Return the slope of a reaction of the exact process where a share of the cell is over, [L]."""
    first = cells.first[k, r]
    return first + (cells.last[k, r] - first) * share


def _apply(chain: MeshChain, x: tuple[Any, ...], pending: Array, fires: Array) -> tuple[Any, ...]:
    """Return the counts after the pending reaction, where it fires."""
    result = []
    for name, row in zip(chain.structure.species, x, strict=True):
        for r, reaction in enumerate(chain.structure.reactions):
            change = reaction.changes.get(name, 0)
            if change:
                row = row + jnp.where(fires & (pending == np.int32(r)), np.int32(change), np.int32(0))
        result.append(row)
    return tuple(result)


def _present(
    chain: MeshChain,
    inputs: ExactInputs,
    plan: Rates,
    state: dict[str, Any],
    k: Array,
    s: Array,
    proposed: Array,
    bound: list[Any],
) -> tuple[list[Any], Any]:
    """Return the rates of the exact process at the moment that is proposed, and where they obey their bounds."""
    good = jnp.ones(s.shape, bool)
    if not plan.in_time:
        return bound, good
    cells = inputs.cells
    t = cells.start[k] + jnp.minimum(proposed, cells.start[k + 1] - cells.start[k])
    cell = jnp.broadcast_to(cells.cell[k], s.shape)
    leaves = leaves_in_time(plan, chain.structure, state, inputs.timeline, cell, t, jnp.float32)
    present = list(bound)
    for r, rate in zip(
        plan.varying, propensities(plan, {**state, **leaves}, plan.varying, s.astype(jnp.float32)), strict=True
    ):
        present[r] = rate
        good = good & (rate >= 0) & (rate <= bound[r] * (1 + _TOLERANCE))
    return present, good


def _accepted(threshold: Array, sums: list[Any], chosen: Array, heights: list[Any]) -> Any:
    """Return where the threshold falls below the height of the chosen reaction."""
    below = jnp.zeros(threshold.shape, bool)
    for r, height in enumerate(heights):
        below = jnp.where(chosen == np.int32(r), falls_below(threshold, sums, r, height), below)
    return below


def _at(chosen: Array, values: list[Any]) -> Any:
    found = values[0]
    for r, value in enumerate(values[1:], start=1):
        found = jnp.where(chosen == np.int32(r), value, found)
    return found


def _sound(x: tuple[Any, ...], bound: list[Any], sums: Array) -> Any:
    """Return the lanes of which counts and rates are in range."""
    together = jax.tree.reduce(jnp.bitwise_or, list(x))
    good = (together >= np.int32(0)) & (sums <= float(np.finfo(np.float32).max))
    for rate in bound:
        good = good & (rate >= 0)
    return good
