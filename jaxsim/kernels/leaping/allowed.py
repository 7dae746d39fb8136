"""The longest leap that all bounds together allow, and whether it passes over fast reactions in balance."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxsim.kernels.context import Context
from jaxsim.kernels.leaping.implicit import STIFF, without_balanced
from jaxsim.kernels.leaping.kinks import kink_size, plan_kinks, spread_weight
from jaxsim.kernels.leaping.leap import Present, all_rates
from jaxsim.kernels.leaping.size import (
    Weights,
    countable_size,
    leap_size,
    lifted,
    relaxation_size,
    shares,
    variation_size,
    weights_by_share,
)
from jaxsim.kernels.leaping.variants import VARIANTS, of_the_path
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import orders
from jaxsim.kernels.state import CellCarry, Inputs
from jaxsim.kernels.stepper import leap_method


def allowed_size(
    program: Program, inputs: Inputs, given: Context, carry: CellCarry, here: Present, exact: list[Any]
) -> tuple[Any, Any]:
    """Return the longest leap of each lane over all but the exact reactions, and the lanes in which it is implicit."""
    structure, x = program.structure, here.x
    leaping = [jnp.where(e, np.zeros((), a.dtype), a) for e, a in zip(exact, here.a, strict=True)]
    method = leap_method(program)
    variant = VARIANTS[method.variant]
    size = jnp.minimum(carry.longest, countable_size(structure, leaping))
    stiff = jnp.full(size.shape, variant.stiff)
    if method.fixed:
        return jnp.minimum(size, inputs.step.astype(program.real)), stiff
    rates = program.rates
    tolerance = inputs.tolerance.astype(program.real)
    order, allowance = orders(structure, rates, here.state, here.a), variant.allowance(tolerance)
    ones = [jnp.ones_like(rate) for rate in here.a]
    even = Weights(ones, ones)
    counts, weights = x, even
    if allowance.by_share:
        counts = lifted(x)
        state = {**here.state, **dict(zip(structure.species, counts, strict=True))}
        share = shares(structure, here.a, all_rates(program, state))
        stale = np.ones((), program.real) if method.hybrid else allowance.drift / tolerance
        weights = weights_by_share(share, exact, stale)
    boxes = {name: (low[carry.cell], high[carry.cell]) for name, (low, high) in given.bounds.items()}
    kinks = kink_size(structure, program.sampled_parameters, here.state, boxes, leaping, tolerance)

    def relaxation(part: ArrayLike) -> Any:
        return relaxation_size(structure, order, x, leaping, part)

    if plan_kinks(structure, program.sampled_parameters).rates.switches:
        finer = tolerance / spread_weight(kinks.line, relaxation(np.ones((), program.real)))
    else:
        finer = tolerance
    explicit = jnp.minimum(
        leap_size(structure, order, counts, weights, leaping, allowance), relaxation(variant.relaxation(finer))
    )
    chosen = explicit
    if variant.stiff:
        slow = without_balanced(structure, leaping)
        implicit = leap_size(structure, order, x, even, slow, of_the_path(tolerance))
        stiff = implicit > explicit * explicit.dtype.type(STIFF)
        stiff = stiff & jnp.isfinite(implicit)  # where nothing slow is left, all that a long leap does is damp
        chosen = jnp.where(stiff, implicit, explicit)
    varies = variation_size(rates, here.state, given, inputs, carry.cell, x[0], tolerance)
    return jnp.minimum(jnp.minimum(size, varies), jnp.minimum(chosen, kinks.leap)), stiff
