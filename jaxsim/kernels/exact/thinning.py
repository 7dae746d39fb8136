"""The direct method by exact thinning: rates that vary in time, doses, triggered events, random effects.

Time is cut into cells. Within a cell every rate has an upper bound that holds whatever happens; events
are proposed at the bounds and accepted with probability rate/bound. At the edge of a cell the pending
waiting time is discarded and drawn afresh, which is exact because exponentials have no memory.

Source: Lewis & Shedler, Naval Res. Logist. 26 (1979) 403, theorem 1, for each state between jumps.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.kernels.change import apply_change, enter_cell, plan_changes, set_variables, values_before
from jaxsim.kernels.context import Context
from jaxsim.kernels.diagnosis import finite_variables
from jaxsim.kernels.draws import (
    choice_uniform,
    choose,
    draw_bits,
    exponential_of,
    falls_below,
    faultless,
    in_single_precision,
    resolved,
    running_sums,
    waiting_time,
)
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import (
    Rates,
    largest,
    leaves_in_time,
    propensities,
    propensity_bounds,
    propensity_floors,
    state_values,
    total,
)
from jaxsim.kernels.saving import save_after_event, save_before_event, watch
from jaxsim.kernels.state import ABOVE, FAULT, NEGATIVE, NONE, REJECTED, TOO_FINE, Inputs, Lanes, Owner, where_any
from jaxsim.kernels.stepper import CellStepper, in_last_cell
from jaxsim.kernels.trigger import arrive, next_trigger, slack

_TOLERANCE = 1e-5  # a rate may exceed its float32 bound by this much from rounding


@dataclass(frozen=True)
class Thinning(CellStepper):
    """One proposal per step, at bounds on the propensities that hold over a cell."""

    method = "direct (exact thinning)"

    def step(self, program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Lanes:
        """Apply what is pending, then propose the next event within the cell, or enter the next cell.

        Lanes that wait for the turnover, or have ended, stay as they are.
        """
        structure, real = program.structure, program.real
        halted = self.finished(program, inputs, lanes) | self.waiting(program, lanes)
        if program.saving is Saving.CROSSING:
            lanes = save_before_event(program, lanes, inputs.times)
        lanes = apply_pending(program, inputs, given, arrive(program, inputs, lanes, ~halted), halted)
        trigger, alarm, lanes = next_trigger(program, given, lanes, ~halted)
        carry = lanes.carried

        plan = program.rates
        counts = zip((*structure.species, *structure.variables), (*lanes.x, *carry.variables), strict=True)
        state = state_values(plan, given.env, given.precise, counts, real)
        leaves = {name: (low[carry.cell], high[carry.cell]) for name, (low, high) in given.bounds.items()}
        upper = propensity_bounds(plan, state, leaves, jnp.zeros(lanes.t.shape, real))
        a0 = total(upper)[-1]
        wait = exponential_of(lanes.bits, real)
        checked = [upper[r] for r in program.checked_rates]
        good = faultless(lanes.x, checked, a0, largest(real), program.checked_counts)
        fine = resolved(a0, lanes.t)
        good = good & fine & (carry.draws < inputs.max_events)
        if structure.variables:
            good = good & finite_variables(carry.variables)

        stop, at_stop = next_stop(program, inputs, carry.cell, alarm)
        proposed = lanes.t + waiting_time(wait, a0)
        t = jnp.minimum(proposed, stop)
        lower = propensity_floors(plan, state, leaves, upper[0])

        def chosen_exactly() -> Any:
            sums = running_sums(upper)
            threshold = choice_uniform(lanes.bits) * sums[-1]
            return accept(program, inputs, plan, state, carry.cell, t, threshold, sums, upper, lower)

        code = in_single_precision(program, plan, lanes.bits, upper, lower, proposed < stop, chosen_exactly)
        code = jnp.where(proposed < stop, code, at_stop)
        code = jnp.where(good, code, jnp.where(fine, FAULT, TOO_FINE))
        code = jnp.where(trigger == NONE, code, trigger)
        t = jnp.where(code <= FAULT, jnp.inf, t)
        stays = halted | (trigger >= 0)
        return lanes._replace(
            t=jnp.where(stays, lanes.t, t),
            pending=jnp.where(halted, lanes.pending, code),
            bits=draw_bits(owner.key0, owner.key1, carry.draws),
            iteration=lanes.iteration + np.uint32(1),
        )

    def propensities(self, program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Any:
        """Return the bounds of all propensities over the present cell, [reactions, L]."""
        return bounds_now(program, given, lanes)

    def cost(self, program: Program) -> float:
        """Return about what a step costs, in ns a lane."""
        reactions = len(program.structure.reactions)
        return 6.0 + reactions + (30.0 + 2.0 * reactions)


def bounds_now(program: Program, given: Context, lanes: Lanes) -> Any:
    """Return the bounds of all propensities over the present cell, [reactions, L]."""
    structure, plan, carry = program.structure, program.rates, lanes.carried
    counts = [*zip(structure.species, lanes.x, strict=True), *zip(structure.variables, carry.variables, strict=True)]
    state = state_values(plan, given.env, given.precise, counts, program.real)
    leaves = {name: (low[carry.cell], high[carry.cell]) for name, (low, high) in given.bounds.items()}
    return jnp.stack(propensity_bounds(plan, state, leaves, jnp.zeros(lanes.t.shape, program.real)))


def next_stop(program: Program, inputs: Inputs, cell: Array, alarm: Array | None) -> tuple[Any, Any]:
    """Return up to when a lane may go, and what is pending then: the next cell, a look at the triggers, or nothing.

    Where a trigger switches at the edge of a cell, the cell is entered first, with its doses.
    """
    edge, last = inputs.timeline.edges[cell + np.int32(1)], in_last_cell(inputs, cell)
    at_edge = jnp.where(last, NONE, np.int32(program.entry))
    if alarm is None:
        return edge, at_edge
    first = alarm <= jnp.where(last, edge, edge - slack(edge))
    return jnp.where(first, alarm, edge), jnp.where(first, np.int32(program.wake), at_edge)


def apply_pending(program: Program, inputs: Inputs, given: Context, lanes: Lanes, halted: Array) -> Lanes:
    """Apply the pending change, count it, watch for passages and save after it.

    Counting here, from the pending code, keeps the counters out of the arithmetic that makes the code.
    """
    structure, carry = program.structure, lanes.carried
    pending = jnp.where(halted, NONE, lanes.pending)
    enters = pending == np.int32(program.entry)
    carry = carry._replace(
        cell=carry.cell + enters.astype(jnp.int32),
        draws=carry.draws + (~halted).astype(jnp.uint32),
        fired=carry.fired + ((pending >= 0) & (pending < np.int32(program.entry))).astype(carry.fired.dtype),
        rejected=carry.rejected + (pending == REJECTED).astype(jnp.uint32),
    )
    plan, env = plan_changes(structure), {}
    if any(plan.assignments) or any(plan.settings):
        env = values_before(structure, given.precise, lanes.x, carry.variables, lanes.t)
    x = apply_change(structure, plan, lanes.x, pending, env)
    carry = carry._replace(variables=set_variables(structure, plan, carry.variables, pending, env))
    x = enter_cell(structure, program.dosed, x, inputs.timeline, carry.cell, enters)
    lanes = watch(program, lanes._replace(x=x, carry=carry), given.precise)
    if program.saving is Saving.EVERY_EVENT:
        lanes = save_after_event(program, lanes, inputs.times)
    return lanes


def accept(
    program: Program,
    inputs: Inputs,
    plan: Rates,
    state: dict[str, Any],
    cell: Array,
    t: Array,
    threshold: Array,
    sums: list[Any],
    upper: list[Any],
    lower: list[Any] | None = None,
) -> Any:
    """Return the reaction proposed by the bounds, or that it is rejected or its rate out of range.

    A proposal is accepted with probability rate/bound, by where the threshold fell inside the bound. The rates are
    asked for where that is not settled by the lower bounds of those that vary, or where these do not exclude a fault;
    everywhere, if no lower bounds are given.
    """
    chosen = choose(threshold, sums)
    if not plan.varying:
        return chosen

    def judged() -> Any:
        timeline, shared = inputs.timeline, inputs.parameters
        found = leaves_in_time(plan, program.structure, state, timeline, cell, t, program.real, shared)
        rates = dict(zip(plan.varying, propensities(plan, {**state, **found}, plan.varying, upper[0]), strict=True))
        code = chosen
        for r, rate in rates.items():
            code = jnp.where((chosen == np.int32(r)) & ~falls_below(threshold, sums, r, rate), REJECTED, code)
        for r, rate in rates.items():
            code = jnp.where(rate < 0, NEGATIVE, code)
            code = jnp.where(rate <= upper[r] * (1 + _TOLERANCE), code, ABOVE)
        return code

    if lower is None:
        return judged()
    asked = jnp.zeros(t.shape, bool)
    for r, low in zip(plan.varying, lower, strict=True):
        settled = (low >= 0) & (low <= upper[r]) & (falls_below(threshold, sums, r, low) | (chosen != np.int32(r)))
        asked = asked | ~settled
    return where_any(program, asked, judged, chosen)
