"""The longest leap that all bounds together allow, and whether it passes over fast reactions in balance."""

from typing import Any

import jax.numpy as jnp

from jaxsim.kernels.balance import STIFF, without_balanced
from jaxsim.kernels.context import Context
from jaxsim.kernels.leap_size import countable_size, leap_size, stable_size
from jaxsim.kernels.leap_variants import VARIANTS
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import plan_rates
from jaxsim.kernels.state import General, Inputs
from jaxsim.kernels.variation import variation_size


def allowed_size(
    program: Program,
    inputs: Inputs,
    given: Context,
    general: General,
    state: dict[str, Any],
    x: list[Any],
    a: list[Any],
    leaping: list[Any],
) -> tuple[Any, Any]:
    """Return the longest leap of each lane, and the lanes in which it has to be implicit."""
    structure = program.structure
    assert program.leap is not None
    assert general.limit is not None
    size = jnp.minimum(general.limit, countable_size(structure, leaping))
    stiff = jnp.full(size.shape, VARIANTS[program.leap.variant].stiff)
    if program.leap.fixed:
        return jnp.minimum(size, inputs.step.astype(program.real)), stiff
    rates = plan_rates(structure, program.sampled_parameters)
    tolerance = inputs.tolerance.astype(program.real)
    explicit = leap_size(structure, rates, state, x, a, leaping, tolerance)
    explicit = jnp.minimum(explicit, stable_size(structure, x, leaping))
    chosen = explicit
    if VARIANTS[program.leap.variant].stiff:
        implicit = leap_size(structure, rates, state, x, a, without_balanced(structure, leaping), tolerance)
        stiff = implicit > explicit * explicit.dtype.type(STIFF)
        stiff = stiff & jnp.isfinite(implicit)  # where nothing slow is left, all that a long leap does is damp
        chosen = jnp.where(stiff, implicit, explicit)
    varies = variation_size(rates, state, given, inputs, general.cell, x[0], tolerance)
    return jnp.minimum(jnp.minimum(size, varies), chosen), stiff
