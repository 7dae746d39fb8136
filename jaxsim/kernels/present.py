"""The present of every lane: counts, what rates read, propensities, and whether all are sound."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxsim.kernels.context import Context
from jaxsim.kernels.leap import all_rates, real_counts, state_at
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import largest, propensity_bounds, total
from jaxsim.kernels.selection import faultless
from jaxsim.kernels.state import Inputs, Lanes


class Present(NamedTuple):
    """What a plan is made from."""

    x: list[Float[Array, " L"]]
    """Counts, in the dtype of propensities."""
    state: dict[str, Any]
    """All that rates read, by name."""
    a: list[Float[Array, " L"]]
    """Propensities."""
    upper: list[Float[Array, " L"]]
    """Their bounds over the present cell, where rates vary in time."""
    a0: Float[Array, " L"]
    good: Bool[Array, " L"]
    """Lanes whose counts and rates are in range, and which may go on."""


def present(program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Present:
    """Evaluate all propensities where the lanes stand."""
    general = lanes.general
    assert general is not None
    here = present_at(program, inputs, given, real_counts(program, lanes.x), general.cell, lanes.t)
    rates = [here.a[r] for r in program.checked_rates]
    good = faultless(lanes.x, rates, here.a0, largest(program.real), True)
    return here._replace(good=good & (general.draws < inputs.max_events))


def present_at(program: Program, inputs: Inputs, given: Context, x: list[Any], cell: Any, t: Any) -> Present:
    """Evaluate all propensities at real counts [L] each, in cells [L], at times t [L]."""
    state = state_at(program, inputs, given, x, cell, t)
    a = all_rates(program, state)
    leaves = {name: (low[cell], high[cell]) for name, (low, high) in given.bounds.items()}
    rates = program.rates
    upper = propensity_bounds(rates, state, leaves, x[0])
    return Present(x, state, a, upper, total(a)[-1], jnp.ones(x[0].shape, bool))
