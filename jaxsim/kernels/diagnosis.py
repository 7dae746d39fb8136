"""Diagnose why a trajectory ended, from the state it ended in, outside the event loop."""

from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.context import Context
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import ABOVE, NEGATIVE, TOO_FINE, TOO_OFTEN, Inputs, Lanes, Owner, Status

WRAPPED = np.int32(-(2**30))  # a count that passed 2**31 - 1 has come round to below this


def diagnose(program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Any:
    """Return the status of each lane, int32 [L]; meaningless in lanes that have not ended."""
    rates = program.stepper.propensities(program, inputs, given, lanes)
    a0, lowest = jnp.sum(rates, axis=0), jnp.min(rates, axis=0)
    smallest = jnp.min(program.stepper.stacked(program, lanes.x), axis=0)
    draws = program.stepper.draws(owner, lanes)
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
        causes.insert(0, (~finite_variables(lanes.carried.variables), Status.VARIABLE_NOT_FINITE))
    fault = jnp.full(lanes.t.shape, int(Status.RATE_NOT_FINITE), jnp.int32)
    for holds, status in reversed(causes):
        fault = jnp.where(holds, np.int32(status), fault)
    fine = jnp.where(a0 == 0, np.int32(Status.ABSORBED), np.int32(Status.OK))
    return jnp.where(jnp.isfinite(lanes.t), fine, fault)


def finite_variables(variables: tuple[Any, ...]) -> Any:
    """Return the lanes in which every variable is a finite number."""
    return reduce(jnp.logical_and, (jnp.isfinite(value) for value in variables))
