"""Weak trapezoidal leaps: two Poisson stages whose errors cancel, of second order in mean and variance.

Source: Anderson & Koyama, Multiscale Model. Simul. 10 (2012) 1493, with theta = 1/2: leap to y over half of
the time at the rates a(x), then over the other half at the rates max(0, 2 a(y) - a(x)).
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from jaxsim.kernels.context import Context
from jaxsim.kernels.firings import apply_firings, computed_once, draw_firings
from jaxsim.kernels.leap import Leap, leap_rates, real_counts
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs, Owner


def trapezoidal_firings(
    program: Program, inputs: Inputs, owner: Owner, given: Context, leap: Leap
) -> Int32[Array, "R L"]:
    """Draw the firings of both stages and return their sums."""
    half = (leap.size * leap.size.dtype.type(0.5))[None, :]

    def first(leap: Leap) -> Float[Array, "R L"]:
        return leap_rates(program, inputs, given, leap, real_counts(program, leap.x)) * half

    def second(leap: Leap, firings: Any, before: Any) -> Float[Array, "R L"]:
        y = apply_firings(program.structure, leap.x, firings)
        means = leap_rates(program, inputs, given, leap, real_counts(program, y)) * half
        return jnp.maximum(means + means - before, np.zeros((), means.dtype))

    before = computed_once(leap.any, first, leap)
    half_way = draw_firings(owner, leap.draws, 0, before, leap.any)
    after = computed_once(leap.any, second, leap, half_way, before)
    return half_way + draw_firings(owner, leap.draws, 1, after, leap.any)
