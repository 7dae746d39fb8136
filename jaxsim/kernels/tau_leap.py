"""Tau-leaping: many firings at once where the rates allow it, exact events in every lane where they do not.

Source: Cao, Gillespie & Petzold, J. Chem. Phys. 124 (2006) 044109, section III; the numbers below are its steps.
Lanes decide alone: in one iteration some leap, and others take one exact event, which is the leap in which
every reaction is critical.
"""

from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.allowed_size import allowed_size
from jaxsim.kernels.codes import FAULT, NEGATIVE, NONE
from jaxsim.kernels.context import Context
from jaxsim.kernels.critical import critical_reactions
from jaxsim.kernels.diagnosis import WRAPPED
from jaxsim.kernels.firings import apply_firings, computed_once
from jaxsim.kernels.leap import Leap, all_rates, real_counts, state_at
from jaxsim.kernels.leap_variants import VARIANTS
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.randomness import draw_bits, two_uniforms
from jaxsim.kernels.rates import largest, plan_rates, propensity_bounds, total
from jaxsim.kernels.saving import save_before_event
from jaxsim.kernels.selection import faultless, waiting_time
from jaxsim.kernels.state import Inputs, Lanes, Owner
from jaxsim.kernels.thinning import accept, apply_pending, finished, in_last_cell, waiting
from jaxsim.kernels.trigger import next_trigger
from jaxsim.network import Structure

# Expected events below which an exact event serves better than a leap. Both cost one iteration of all lanes, so this
# is lower than the 10 of the source; 3, 10 and 20 were timed on Schlogl, Lotka-Volterra and birth-death.
FEW = 3.0


class Plan(NamedTuple):
    """What a lane does next."""

    leap: Leap
    t: Any
    """Time at which the leap or the waiting ends."""
    code: Any
    """What is pending then."""
    good: Any


def leap_step(program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Lanes:
    """Apply what is pending, then leap to the next critical event, or to the edge of cell or save interval."""
    halted = finished(program, inputs, lanes) | waiting(program, lanes)
    lanes = apply_pending(program, inputs, given.env, lanes, halted)
    structure, general = program.structure, lanes.general
    assert general is not None
    trigger, armed = next_trigger(program, lanes.x, given.env, general.armed, ~halted)
    stays = halted | (trigger >= 0)
    plan = _plan(program, inputs, given, lanes, stays)

    assert program.leap is not None
    firings = VARIANTS[program.leap.variant].firings(program, inputs, owner, given, plan.leap)
    x = apply_firings(structure, lanes.x, firings)
    overdrawn = computed_once(plan.leap.any, lambda old, drawn: _overdrawn(structure, old, drawn), lanes.x, firings)
    code = jnp.where(~plan.good, FAULT, jnp.where(overdrawn, NONE, plan.code))
    t = jnp.where(code <= FAULT, jnp.inf, jnp.where(overdrawn, lanes.t, plan.t))
    t = jnp.where(stays, lanes.t, t)
    if program.saving is Saving.CROSSING:
        lanes = save_before_event(program, lanes._replace(t=t), inputs.times)
    fired = jnp.sum(jnp.where(overdrawn[None, :], np.int32(0), firings).astype(jnp.uint64), axis=0)
    return lanes._replace(
        x=tuple(jnp.where(overdrawn, old, new) for old, new in zip(lanes.x, x, strict=True)),
        t=t,
        pending=jnp.where(halted, lanes.pending, jnp.where(trigger >= 0, trigger, code)),
        bits=draw_bits(owner.key0, owner.key1, general.draws),
        iteration=lanes.iteration + np.uint32(1),
        general=general._replace(
            armed=armed,
            fired=general.fired + fired,
            rejected=general.rejected + overdrawn.astype(jnp.uint32),
            limit=jnp.where(overdrawn, plan.leap.size * plan.leap.size.dtype.type(0.5), jnp.inf),
        ),
    )


def _overdrawn(structure: Structure, x: tuple[Any, ...], firings: Any) -> Any:
    """Return the lanes in which a leap took more than there is (step 6), or which ask for a shorter one.

    A count past 2**31 - 1 is another fault.
    """
    result = jnp.any(firings < 0, axis=0)
    for value in apply_firings(structure, x, firings):
        result = result | ((value < np.int32(0)) & (value > WRAPPED))
    return result


def _plan(program: Program, inputs: Inputs, given: Context, lanes: Lanes, stays: Any) -> Plan:
    """Choose the leap and what ends it (steps 1 to 5)."""
    structure, real, general = program.structure, program.real, lanes.general
    assert general is not None
    rates = plan_rates(structure, program.sampled_parameters)
    x = real_counts(program, lanes.x)
    state = state_at(program, inputs, given, x, general.cell, lanes.t)
    a = all_rates(program, state)
    a0 = total(a)[-1]
    good = faultless(lanes.x, [a[r] for r in program.checked_rates], a0, largest(real), True)
    good = good & (general.draws < inputs.max_events)

    critical = critical_reactions(structure, lanes.x)
    zero = np.zeros((), real)
    leaping = [jnp.where(c, zero, rate) for c, rate in zip(critical, a, strict=True)]
    # Once, because everything below depends on it; lanes that stay do not use it.
    size, stiff = computed_once(
        jnp.any(~stays), partial(allowed_size, program), inputs, given, general, state, x, a, leaping
    )
    exact = size * a0 < np.asarray(FEW, real)
    if program.leap and program.leap.fixed:
        assert general.limit is not None
        exact = exact & jnp.isfinite(general.limit)
    size = jnp.where(exact, jnp.inf, size)
    critical = [c | exact for c in critical]

    leaves = {name: (low[general.cell], high[general.cell]) for name, (low, high) in given.bounds.items()}
    upper = propensity_bounds(rates, state, leaves, x[0])
    t, code = _ending(program, inputs, lanes, state, size, critical, upper)
    for r in rates.varying:
        code = jnp.where(a[r] < 0, NEGATIVE, code)
    moves = jnp.zeros(stays.shape, bool)
    for c, rate in zip(critical, upper, strict=True):
        moves = moves | (~c & (rate > 0))
    span = jnp.where(moves & good & ~stays, (t - lanes.t).astype(real), zero)
    leaping_now = ~jnp.stack(critical)
    any_leaps = jnp.any(span > 0)
    leap = Leap(lanes.x, lanes.t, span, general.cell, general.draws, leaping_now, stiff, any_leaps)
    return Plan(leap, t, code, good)


def _ending(
    program: Program,
    inputs: Inputs,
    lanes: Lanes,
    state: dict[str, Any],
    size: Any,
    critical: list[Any],
    upper: list[Any],
) -> tuple[Any, Any]:
    """Return when the leap ends, and what is pending then: a critical reaction, the next cell, or nothing.

    The clock of the critical reactions runs at the bounds of their rates; `accept` thins it.
    """
    real, general = program.real, lanes.general
    assert general is not None
    rates = plan_rates(program.structure, program.sampled_parameters)
    sums = total([jnp.where(c, rate, np.zeros((), real)) for c, rate in zip(critical, upper, strict=True)])
    u_time, u_choice = two_uniforms(lanes.bits, real)
    clock = waiting_time(u_time, sums[-1])
    leap = size.astype(jnp.float64)
    edge = inputs.timeline.edges[general.cell + np.int32(1)]
    boundary = jnp.minimum(edge, _next_save(program, inputs, lanes))
    proposed = lanes.t + jnp.minimum(leap, clock)
    inside = proposed < boundary
    t = jnp.where(inside, proposed, boundary)

    fired = accept(program, inputs, rates, state, general.cell, t, u_choice * sums[-1], sums, upper)
    enters = (boundary == edge) & ~in_last_cell(inputs, general.cell)
    code = jnp.where(inside, jnp.where(clock <= leap, fired, NONE), jnp.where(enters, np.int32(program.entry), NONE))
    code = jnp.where(fired < FAULT, fired, code)  # a rate out of its range, whether or not it fires
    return t, code


def _next_save(program: Program, inputs: Inputs, lanes: Lanes) -> Any:
    """Return the first save time after the present."""
    if lanes.row is None:
        return inputs.times[-1]
    last = np.int32(program.times - 1)
    here = inputs.times[jnp.minimum(lanes.row, last)]
    return jnp.where(here > lanes.t, here, inputs.times[jnp.minimum(lanes.row + np.int32(1), last)])
