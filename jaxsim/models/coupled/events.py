"""The events of many cells over one coupling step: every lane runs the direct method up to the end of the step.

Within a step the rates of a cell change by its own events only, so the method is exact given what the organism lends
for the step. A lane that divides halts, for its sister needs a lane. Few cells have many events (those that form
pores, some hundred an hour; others about eight): when most lanes are done, those that are not are gathered into a
narrow block and go on there.

Source: Gillespie, J. Comput. Phys. 22 (1976) 403.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float32, Int32, UInt64

from jaxsim.kernels.change import apply_change, plan_changes
from jaxsim.kernels.draws import choose, draw_bits, faultless, running_sums, wait_and_choice, waiting_time
from jaxsim.kernels.rates import largest, leaves_before, parameter_values, plan_rates, propensities, rounded, total
from jaxsim.kernels.state import NONE, lanes_counted
from jaxsim.models.coupled.cell import DIVIDING, ENDS
from jaxsim.models.coupled.lanes import CellLanes
from jaxsim.network import Structure

NARROWER = 32  # lanes of a block over those of the narrower one
MOST_DRAWS = np.uint32(0xF0000000)  # of one cell and its line; nothing comes near


class Walk(NamedTuple):
    """The carry of the event loop, for a block of any width."""

    cells: CellLanes
    t: Float32[Array, " L"]
    """Hours since the step began: of the pending reaction, or where a lane halts; the step's length when done, and
    infinite after a fault."""
    pending: Int32[Array, " L"]
    bits: UInt64[Array, " L"]
    events: Any
    """Fired so far, int64."""


def begin_cells(cells: CellLanes, length: Array) -> Walk:
    """Return the walk at the start of a step; free lanes are done."""
    here = cells.family >= 0
    t = jnp.where(here, np.float32(0.0), length)
    pending = jnp.full(t.shape, NONE, jnp.int32)
    return Walk(cells, t, pending, draw_bits(cells.key0, cells.key1, cells.draws), jnp.zeros((), jnp.int64))


def run_events(structure: Structure, given: Mapping[str, Any], length: Array, walk: Walk) -> Walk:
    """Advance every lane until it is at the end of the step, divides or fails."""
    lanes = walk.t.shape[0]
    width = max(lanes // NARROWER, 1)

    def narrow(walk: Walk) -> Walk:
        chosen = jnp.nonzero(running(structure, walk, length), size=width, fill_value=lanes)[0].astype(jnp.int32)
        part = jax.tree.map(lambda leaf: leaf.at[chosen].get(mode="fill", fill_value=0), walk._replace(events=None))
        # Lanes that fill the block are done.
        part = part._replace(t=jnp.where(chosen < lanes, part.t, length), events=walk.events)
        part = _run_block(structure, given, length, part, 0)
        whole, gathered = walk._replace(events=None), part._replace(events=None)
        merged = jax.tree.map(lambda leaf, new: leaf.at[chosen].set(new, mode="drop"), whole, gathered)
        return merged._replace(events=part.events)

    walk = _run_block(structure, given, length, walk, width)
    return lax.while_loop(lambda w: jnp.any(running(structure, w, length)), narrow, walk)


def running(structure: Structure, walk: Walk, length: Array) -> Any:
    """Return the lanes that have a way to go."""
    return (walk.t < length) & (halted(structure, walk) == 0)


def halted(structure: Structure, walk: Walk) -> Any:
    """Return 1 for lanes that wait to divide."""
    return walk.cells.x[structure.species.index(DIVIDING)]


def _run_block(structure: Structure, given: Mapping[str, Any], length: Array, walk: Walk, patience: int) -> Walk:
    """Step all lanes of the block until at most `patience` of them have a way to go."""
    traits = tuple(walk.cells.traits)
    plan = plan_rates(structure, traits)
    precise = leaves_before(plan, parameter_values(given, walk.cells.traits, jnp.float64), jnp.float64)
    env = rounded(precise, jnp.float32)

    def step(carry: tuple[Walk, Any]) -> tuple[Walk, Any]:
        walk = _event(structure, env, length, carry[0])
        return walk, lanes_counted(running(structure, walk, length))

    left = lanes_counted(running(structure, walk, length))
    return lax.while_loop(lambda carry: carry[1] > np.int32(patience), step, (walk, left))[0]


def _event(structure: Structure, env: Mapping[str, Any], length: Array, walk: Walk) -> Walk:
    """Apply what is pending, then draw when and which reaction is next, lane by lane.

    The chosen reaction is applied at the top of the next iteration, for the reason given in kernels.state.Lanes.
    """
    cells, traits = walk.cells, tuple(walk.cells.traits)
    active = running(structure, walk, length)
    pending = jnp.where(active, walk.pending, NONE)
    names = zip(structure.species, cells.x, strict=True)
    before = {name: value.astype(jnp.float64) for name, value in names}  # effects read counts alone
    x = apply_change(structure, plan_changes(structure), cells.x, pending, before)
    at = {name: x[structure.species.index(name)] for name in (DIVIDING, *ENDS)}
    ended = sum((at[name] for name in ENDS), jnp.zeros_like(pending)) > 0
    goes_on = active & (at[DIVIDING] == 0) & ~ended

    state = {**env, **{name: value.astype(jnp.float32) for name, value in zip(structure.species, x, strict=True)}}
    a = propensities(plan_rates(structure, traits), state, tuple(range(len(structure.reactions))), walk.t)
    sums = running_sums(a)
    a0 = total(a)[-1]
    wait, u = wait_and_choice(walk.bits, jnp.float32)
    good = faultless(x, [], a0, largest(jnp.float32), True) & (cells.draws < MOST_DRAWS)
    proposed = walk.t + waiting_time(wait, a0).astype(jnp.float32)
    t = jnp.where(good, jnp.minimum(proposed, length), jnp.inf)
    draws = cells.draws + goes_on.astype(jnp.uint32)
    fired = lanes_counted(pending >= 0).astype(jnp.int64)
    return Walk(
        cells._replace(x=x, draws=draws),
        t=jnp.where(goes_on, t, jnp.where(active & ended, length, walk.t)),
        pending=jnp.where(goes_on, choose(u * sums[-1], sums), NONE),
        bits=draw_bits(cells.key0, cells.key1, draws),
        events=walk.events + fired,
    )
