"""The present of every lane: counts, what rates read, propensities, and whether all are sound."""

from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float

from jaxsim.kernels.context import Context
from jaxsim.kernels.leap import all_rates, real_counts, state_at
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import largest, plan_rates, propensity_bounds, total
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
    x = real_counts(program, lanes.x)
    state = state_at(program, inputs, given, x, general.cell, lanes.t)
    a = all_rates(program, state)
    a0 = total(a)[-1]
    good = faultless(lanes.x, [a[r] for r in program.checked_rates], a0, largest(program.real), True)
    leaves = {name: (low[general.cell], high[general.cell]) for name, (low, high) in given.bounds.items()}
    rates = plan_rates(program.structure, program.sampled_parameters)
    upper = propensity_bounds(rates, state, leaves, x[0])
    return Present(x, state, a, upper, a0, good & (general.draws < inputs.max_events))
