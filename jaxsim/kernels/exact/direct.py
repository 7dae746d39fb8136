"""The direct method for rates that are constant between events: one event per iteration.

Source: Gillespie, J. Comput. Phys. 22 (1976) 403.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.change import apply_change, plan_changes, values_before
from jaxsim.kernels.context import Context
from jaxsim.kernels.draws import (
    choice_uniform,
    choose,
    draw_bits,
    exponential_of,
    faultless,
    in_single_precision,
    resolved,
    running_sums,
    waiting_time,
)
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import largest, propensities, state_values, total
from jaxsim.kernels.saving import save_after_event, save_before_event, watch
from jaxsim.kernels.state import TOO_FINE, Inputs, Lanes, Owner
from jaxsim.kernels.stepper import Stepper


@dataclass(frozen=True)
class Direct(Stepper):
    """One event per step, with propensities that are constant between events."""

    method = "direct"

    def step(self, program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Lanes:
        """Apply the pending reaction of every lane, then draw when and which reaction is next.

        A lane whose time is at the end, or infinite after a fault, stays as it is.
        """
        structure, real = program.structure, program.real
        plan, changes = program.rates, plan_changes(structure)
        end = inputs.times[-1]
        running = lanes.t < end
        if program.saving is Saving.CROSSING:
            lanes = save_before_event(program, lanes, inputs.times)
        pending = jnp.where(running, lanes.pending, np.int32(-1))
        before = values_before(structure, given.precise, lanes.x, (), lanes.t) if any(changes.assignments) else {}
        x = apply_change(structure, changes, lanes.x, pending, before)
        lanes = watch(program, lanes._replace(x=x), given.precise)
        if program.saving is Saving.EVERY_EVENT:
            lanes = save_after_event(program, lanes, inputs.times)

        state = state_values(plan, given.env, given.precise, zip(structure.species, x, strict=True), real)
        like = jnp.zeros(lanes.t.shape, real)
        a = propensities(plan, state, tuple(range(len(structure.reactions))), like)
        a0 = total(a)[-1]
        wait = exponential_of(lanes.bits, real)
        draws = lanes.iteration - owner.first
        good = faultless(x, [a[r] for r in program.checked_rates], a0, largest(real), program.checked_counts)
        fine = resolved(a0, lanes.t)
        good = good & fine & (draws < inputs.max_events)
        proposed = lanes.t + waiting_time(wait, a0)
        t = jnp.where(good, jnp.where(proposed < end, proposed, end), jnp.inf)

        def chosen_exactly() -> Any:
            sums = running_sums(a)
            return choose(choice_uniform(lanes.bits) * sums[-1], sums)

        chosen = in_single_precision(program, plan, lanes.bits, a, [], running, chosen_exactly)
        pending = jnp.where(fine, chosen, TOO_FINE)
        return lanes._replace(
            t=jnp.where(running, t, lanes.t),
            pending=jnp.where(running, pending, lanes.pending),
            bits=draw_bits(owner.key0, owner.key1, draws + np.uint32(1)),
            iteration=lanes.iteration + np.uint32(1),
        )

    def propensities(self, program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Any:
        """Return the propensities of all reactions, [reactions, L]."""
        counts = zip(program.structure.species, lanes.x, strict=True)
        state = state_values(program.rates, given.env, given.precise, counts, program.real)
        like = jnp.zeros(lanes.t.shape, program.real)
        return jnp.stack(propensities(program.rates, state, tuple(range(len(program.structure.reactions))), like))

    def cost(self, program: Program) -> float:
        """Return about what a step costs, in ns a lane."""
        return 6.0 + len(program.structure.reactions)
