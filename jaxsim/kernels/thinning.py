"""The direct method by exact thinning: rates that vary in time, doses, triggered events, random effects.

Time is cut into cells. Within a cell every rate has an upper bound that holds whatever happens; events
are proposed at the bounds and accepted with probability rate/bound. At the edge of a cell the pending
waiting time is discarded and drawn afresh, which is exact because exponentials have no memory.

Source: Lewis & Shedler, Naval Res. Logist. 26 (1979) 403, theorem 1, for each state between jumps.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.change import apply_change, enter_cell, plan_changes
from jaxsim.kernels.context import Context
from jaxsim.kernels.passage import watch
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.randomness import draw_bits, two_uniforms
from jaxsim.kernels.rates import Rates, largest, leaves_in_time, plan_rates, propensities, propensity_bounds, total
from jaxsim.kernels.saving import save_after_event, save_before_event
from jaxsim.kernels.selection import choose, faultless, waiting_time
from jaxsim.kernels.state import General, Inputs, Lanes, Owner
from jaxsim.kernels.trigger import next_trigger

ABOVE, NEGATIVE = np.int32(1), np.int32(2)
TOLERANCE = 1e-5  # a rate may exceed its float32 bound by this much from rounding


def thinning_step(
    program: Program,
    inputs: Inputs,
    owner: Owner,
    given: Context,
    lanes: Lanes,
) -> Lanes:
    """Apply what is pending, then propose the next event within the cell, or enter the next cell.

    Lanes that wait for the service, or have ended, stay as they are.
    """
    structure, real, general = program.structure, program.real, lanes.general
    assert general is not None
    halted = finished(program, inputs, lanes) | waiting(program, lanes)
    lanes = _apply(program, inputs, given.env, lanes, halted)
    trigger, armed = next_trigger(program, lanes.x, given.env, general.armed, ~halted)

    plan = plan_rates(structure, program.sampled_parameters)
    state = {**given.env, **{name: value.astype(real) for name, value in zip(structure.species, lanes.x, strict=True)}}
    leaves = {name: (low[general.cell], high[general.cell]) for name, (low, high) in given.bounds.items()}
    upper = propensity_bounds(plan, state, leaves, jnp.zeros(lanes.t.shape, real))
    sums = total(upper)
    u_time, u_choice = two_uniforms(lanes.bits, real)
    good = faultless(
        lanes.x, [upper[r] for r in program.checked_rates], sums[-1], largest(real), program.checked_counts
    )
    good = good & (general.draws < inputs.max_events)

    edge = inputs.timeline.edges[general.cell + np.int32(1)]
    proposed = lanes.t + waiting_time(u_time, sums[-1])
    inside = proposed < edge
    threshold = u_choice * sums[-1]
    chosen = choose(threshold, sums)
    t = jnp.where(inside, proposed, edge)
    accepted, violated = _accept(program, inputs, plan, state, general.cell, t, inside, chosen, threshold, sums, upper)

    moves = ~halted & (trigger < 0) & good
    last = np.int32(inputs.timeline.base.shape[0] - 1)
    enters = moves & ~inside & (general.cell < last)
    fires = moves & accepted
    pending = jnp.where(enters, np.int32(len(structure.reactions)), np.int32(-1))
    pending = jnp.where(fires, chosen, pending)
    pending = jnp.where(halted, lanes.pending, jnp.where(trigger >= 0, trigger, pending))
    draws = general.draws + moves.astype(jnp.uint32)
    faulty = ~halted & (trigger < 0) & (~good | (violated > 0))
    return lanes._replace(
        t=jnp.where(faulty, jnp.inf, jnp.where(moves, t, lanes.t)),
        pending=jnp.where(faulty, np.int32(-1), pending),
        bits=draw_bits(owner.key0, owner.key1, draws),
        iteration=lanes.iteration + np.uint32(1),
        general=General(
            cell=general.cell + enters.astype(jnp.int32),
            draws=draws,
            fired=general.fired + fires.astype(jnp.uint32),
            rejected=general.rejected + (moves & inside & ~accepted).astype(jnp.uint32),
            armed=armed,
            violated=jnp.where(moves, violated, general.violated),
        ),
    )


def finished(program: Program, inputs: Inputs, lanes: Lanes) -> Any:
    """Return the lanes that have nothing more to do: at the end, or stopped by a fault, or empty."""
    if lanes.general is None:
        return ~(lanes.t < inputs.times[-1])
    last = np.int32(inputs.timeline.base.shape[0] - 1)
    at_end = (lanes.t >= inputs.times[-1]) & (lanes.general.cell == last) & (lanes.pending < 0)
    return at_end | jnp.isinf(lanes.t)


def waiting(program: Program, lanes: Lanes) -> Any:
    """Return the lanes whose pending change is random and waits for the service."""
    result = jnp.zeros(lanes.t.shape, bool)
    for code in plan_changes(program.structure).slow:
        result = result | (lanes.pending == np.int32(code))
    return result


def _apply(program: Program, inputs: Inputs, env: dict[str, Any], lanes: Lanes, halted: Any) -> Lanes:
    """Apply the pending change, watch for passages and save."""
    structure, general = program.structure, lanes.general
    assert general is not None
    if program.saving is Saving.CROSSING:
        lanes = save_before_event(program, lanes, inputs.times)
    pending = jnp.where(halted, np.int32(-1), lanes.pending)
    x = apply_change(structure, plan_changes(structure), lanes.x, pending, env)
    entering = pending == np.int32(len(structure.reactions))
    x = enter_cell(structure, program.dosed, x, inputs.timeline, general.cell, entering)
    lanes = watch(program, lanes._replace(x=x), env)
    if program.saving is Saving.EVERY_EVENT:
        lanes = save_after_event(program, lanes, inputs.times)
    return lanes


def _accept(
    program: Program,
    inputs: Inputs,
    plan: Rates,
    state: dict[str, Any],
    cell: Any,
    t: Any,
    inside: Any,
    chosen: Any,
    threshold: Any,
    sums: list[Any],
    upper: list[Any],
) -> tuple[Any, Any]:
    """Accept a proposal with probability rate/bound, by where the threshold fell inside the bound."""
    violated = jnp.zeros(t.shape, jnp.int32)
    if not plan.varying:
        return inside, violated
    leaves = leaves_in_time(plan, program.structure, state, inputs.timeline, cell, t, program.real)
    rates = propensities(plan, {**state, **leaves}, plan.varying, threshold)
    accepted = inside
    for r, rate in zip(plan.varying, rates, strict=True):
        below = sums[r - 1] if r else jnp.zeros_like(threshold)
        accepted = accepted & ((chosen != np.int32(r)) | (threshold < below + rate))
        above = inside & ~(rate <= upper[r] * (1 + TOLERANCE))
        violated = jnp.where(above, ABOVE, jnp.where(inside & (rate < 0), NEGATIVE, violated))
    return accepted, violated
