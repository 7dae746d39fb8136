"""The context of a step: parameters, constants of the rates, bounds over the cells; what it reads and leaves."""

from typing import Any, NamedTuple

import numpy as np

from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import leaf_bounds, leaves_before, parameter_values, rounded
from jaxsim.kernels.state import Inputs, Owner


class Context(NamedTuple):
    """Values by name, constant while lanes keep their trajectories."""

    env: dict[str, Any]
    """Parameters and constants of the rates: scalars, or [L] where they are sampled."""
    bounds: dict[str, tuple[Any, Any]]
    """Lower and upper bound of every leaf in time over every cell, [C]."""
    precise: dict[str, Any]
    """Parameters and constants in float64, for assignments, triggers and differences of counts."""


def context(program: Program, inputs: Inputs, owner: Owner) -> Context:
    """Compute what the steps read for the trajectories that the lanes hold."""
    plan = program.rates
    precise = leaves_before(plan, parameter_values(inputs.parameters, owner.parameters, np.float64), np.float64)
    env = rounded(precise, program.real)
    if not plan.in_time:
        return Context(env, {}, precise)
    shared = {n: v for n, v in inputs.parameters.items() if n not in program.sampled_parameters}
    found = leaf_bounds(plan, program.structure, shared, inputs.timeline)
    real = program.real
    bounds = {name: (low.astype(real), high.astype(real)) for name, (low, high) in found.items()}
    return Context(env, bounds, precise)
