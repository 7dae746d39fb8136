"""Why a trajectory ended: read from the state it ended in, outside the event loop."""

from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.context import Context
from jaxsim.kernels.exact.blocked import blocked_propensities
from jaxsim.kernels.exact.partial_propensity import group_propensities
from jaxsim.kernels.program import Arrangement, Program
from jaxsim.kernels.rates import propensities, propensity_bounds, state_values
from jaxsim.kernels.saving import species_rows, stacked_counts
from jaxsim.kernels.state import ABOVE, NEGATIVE, TOO_FINE, TOO_OFTEN, Inputs, Lanes, Owner, Status

WRAPPED = np.int32(-(2**30))  # a count that passed 2**31 - 1 has come round to below this


def diagnose(program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Any:
    """Return the status of each lane, int32 [L]; meaningless in lanes that have not ended."""
    rates = rates_now(program, inputs, given, lanes)
    a0, lowest = jnp.sum(rates, axis=0), jnp.min(rates, axis=0)
    smallest = jnp.min(stacked_counts(program, lanes.x), axis=0)
    draws = lanes.iteration - owner.first if lanes.general is None else lanes.general.draws
    causes = [  # the first that holds
        (smallest <= WRAPPED, Status.OVERFLOW),
        (smallest < 0, Status.NEGATIVE_COUNT),
        ((lowest < 0) | (lanes.pending == NEGATIVE), Status.NEGATIVE_RATE),
        (lanes.pending == ABOVE, Status.BOUND_VIOLATED),
        (lanes.pending == TOO_OFTEN, Status.TRIGGER_LIMIT),
        (~jnp.isfinite(a0), Status.RATE_NOT_FINITE),
        (lanes.pending == TOO_FINE, Status.CLOCK_NOT_RESOLVED),
        (draws >= inputs.max_events, Status.STEP_LIMIT),
    ]
    if program.structure.variables:
        assert lanes.general is not None
        causes.insert(0, (~finite(lanes.general.variables), Status.VARIABLE_NOT_FINITE))
    fault = jnp.full(lanes.t.shape, int(Status.RATE_NOT_FINITE), jnp.int32)
    for holds, status in reversed(causes):
        fault = jnp.where(holds, np.int32(status), fault)
    fine = jnp.where(a0 == 0, np.int32(Status.ABSORBED), np.int32(Status.OK))
    return jnp.where(jnp.isfinite(lanes.t), fine, fault)


def finite(variables: tuple[Any, ...]) -> Any:
    """Return the lanes in which every variable is a finite number."""
    return reduce(jnp.logical_and, (jnp.isfinite(value) for value in variables))


def rates_now(program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Any:
    """Return the propensities (or their bounds over the present cell) in the present state, [reactions, L]."""
    structure, real = program.structure, program.real
    if program.arrangement is Arrangement.ROWS:
        return blocked_propensities(program, given, lanes.x)
    if program.arrangement is Arrangement.GROUPS:
        assert inputs.groups is not None
        return jnp.concatenate(group_propensities(inputs.groups, lanes.x), axis=1).T
    plan = program.rates
    counts = [*zip(structure.species, species_rows(program, lanes.x), strict=True)]
    if lanes.general is not None:
        counts += zip(structure.variables, lanes.general.variables, strict=True)
    state = state_values(plan, given.env, given.precise, counts, real)
    like = jnp.zeros(lanes.t.shape, real)
    if lanes.general is None:
        return jnp.stack(propensities(plan, state, tuple(range(len(structure.reactions))), like))
    leaves = {name: (low[lanes.general.cell], high[lanes.general.cell]) for name, (low, high) in given.bounds.items()}
    return jnp.stack(propensity_bounds(plan, state, leaves, like))
