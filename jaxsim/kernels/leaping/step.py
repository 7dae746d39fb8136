"""Tau-leaping: many firings at once where the rates allow it, exact events in every lane where they do not.

Source: Cao, Gillespie & Petzold, J. Chem. Phys. 124 (2006) 044109, section III; the numbers below are its steps.
Lanes decide alone: in one iteration some leap, and others take one exact event, which is the leap in which
every reaction is critical.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.kernels.context import Context
from jaxsim.kernels.diagnosis import WRAPPED
from jaxsim.kernels.draws import draw_bits
from jaxsim.kernels.exact.thinning import apply_pending, bounds_now
from jaxsim.kernels.leaping.allowed import allowed_size
from jaxsim.kernels.leaping.end import leap_end, pays, steps_resolved
from jaxsim.kernels.leaping.hybrid import hybrid_plan
from jaxsim.kernels.leaping.leap import LeapPlan, Present, apply_firings, computed_once, make_leap, present
from jaxsim.kernels.leaping.size import critical_reactions, unresolved
from jaxsim.kernels.leaping.variants import VARIANTS
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import total
from jaxsim.kernels.saving import save_before_event
from jaxsim.kernels.state import FAULT, NONE, TOO_FINE, CellCarry, Inputs, Lanes, Owner
from jaxsim.kernels.stepper import LeapStepper, leap_method
from jaxsim.kernels.trigger import next_trigger
from jaxsim.network import Structure


@dataclass(frozen=True)
class Leaping(LeapStepper):
    """Leaps of a variant, and exact events where leaping does not pay."""

    variant: str
    fixed: bool = False
    hybrid: bool = False

    @property
    def method(self) -> str:
        """The name of the variant."""
        return self.variant

    @property
    def native(self) -> None:
        """No native code is made of leaps yet."""
        return None

    def step(self, program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Lanes:
        """Apply what is pending, then leap to the next exact event, or to the edge of cell or save interval."""
        halted = self.finished(program, inputs, lanes) | self.waiting(program, lanes)
        lanes = apply_pending(program, inputs, given, lanes, halted)
        trigger, _, lanes = next_trigger(program, given, lanes, ~halted)
        structure, carry = program.structure, lanes.carried
        stays = halted | (trigger >= 0)
        choose = hybrid_plan if self.hybrid else critical_plan
        plan = choose(program, inputs, given, lanes, present(program, inputs, given, lanes), stays)

        firings = VARIANTS[self.variant].firings(program, inputs, owner, given, plan.leap)
        x = apply_firings(structure, lanes.x, firings)
        overdrawn = computed_once(plan.leap.any, partial(_overdrawn, structure), lanes.x, firings, plan)
        code = jnp.where(~plan.good, FAULT, jnp.where(overdrawn, NONE, plan.code))
        code = jnp.where(trigger == NONE, code, trigger)
        t = jnp.where(code <= FAULT, jnp.inf, jnp.where(overdrawn, lanes.t, plan.t))
        t = jnp.where(stays, lanes.t, t)
        if program.saving is Saving.CROSSING:
            lanes = save_before_event(program, lanes._replace(t=t), inputs.times)
        fired = jnp.sum(jnp.where(overdrawn[None, :], np.int32(0), firings).astype(jnp.uint64), axis=0)
        return lanes._replace(
            x=tuple(jnp.where(overdrawn, old, new) for old, new in zip(lanes.x, x, strict=True)),
            t=t,
            pending=jnp.where(halted, lanes.pending, code),
            bits=draw_bits(owner.key0, owner.key1, carry.draws),
            iteration=lanes.iteration + np.uint32(1),
            carry=carry._replace(
                fired=carry.fired + fired,
                rejected=carry.rejected + overdrawn.astype(jnp.uint32),
                limit=jnp.where(overdrawn, plan.leap.size * plan.leap.size.dtype.type(0.5), jnp.inf),
                hybrid=_carried(carry, plan, ~(overdrawn | stays)),
            ),
        )

    def propensities(self, program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Any:
        """Return the bounds of all propensities over the present cell, [reactions, L]."""
        return bounds_now(program, given, lanes)

    def cost(self, program: Program) -> float:
        """Return about what a step costs, in ns a lane."""
        return 30.0 + 15.0 * len(program.structure.reactions)


def _carried(carry: CellCarry, plan: LeapPlan, taken: Array) -> Any:
    """Return what the hybrid method carries on: its news in lanes whose leap was taken."""
    if carry.hybrid is None or plan.hybrid is None:
        return None
    return jax.tree.map(lambda new, old: jnp.where(taken, new, old), plan.hybrid, carry.hybrid)


def _overdrawn(structure: Structure, x: tuple[Any, ...], firings: Array, plan: LeapPlan) -> Any:
    """Return the lanes in which a leap took more than there is (step 6), or which ask for a shorter one.

    What the leap leaves must suffice for the exact reaction that ends it. A count past 2**31 - 1 is another fault.
    """
    result = jnp.any(firings < 0, axis=0)
    for name, value in zip(structure.species, apply_firings(structure, x, firings), strict=True):
        result = result | ((value < np.int32(0)) & (value > WRAPPED))
        for r, reaction in enumerate(structure.reactions):
            if reaction.changes.get(name, 0) < 0:
                short = (plan.code == np.int32(r)) & (value < np.int32(-reaction.changes[name])) & (value >= 0)
                result = result | (short & (plan.leap.size > 0))
    return result


def critical_plan(
    program: Program, inputs: Inputs, given: Context, lanes: Lanes, here: Present, stays: Array
) -> LeapPlan:
    """Choose the leap and what ends it (steps 1 to 5)."""
    carry, zero = lanes.carried, np.zeros((), program.real)
    critical = critical_reactions(program.structure, lanes.x)
    # Once, because everything below depends on it; lanes that stay do not use it.
    for r, lanes_of in unresolved(program, here.state, given, inputs, carry.cell, here.a0).items():
        critical[r] = critical[r] | lanes_of
    size, stiff = computed_once(jnp.any(~stays), partial(allowed_size, program), inputs, given, carry, here, critical)
    slow = total([jnp.where(c, rate, zero) for c, rate in zip(critical, here.a, strict=True)])[-1]
    exact = ~pays(size, slow, here.a0)
    if leap_method(program).fixed:
        exact = exact & jnp.isfinite(carry.longest)
    critical = [c | exact for c in critical]
    t, code = leap_end(program, inputs, lanes, here, jnp.where(exact, jnp.inf, size), critical)
    code = jnp.where(steps_resolved(lanes, here, size, slow, exact), code, TOO_FINE)
    return LeapPlan(make_leap(lanes, here, ~jnp.stack(critical), stiff, t, stays), t, code, here.good)
