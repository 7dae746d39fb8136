"""Explicit leaps: Poisson firings at the rates where the leap begins, or at the middle of it.

Sources: Gillespie, J. Chem. Phys. 115 (2001) 1716, sections IV (explicit) and V (estimated midpoint).
"""

from jaxtyping import Array, Float, Int32

from jaxsim.kernels.context import Context
from jaxsim.kernels.firings import computed_once, draw_firings
from jaxsim.kernels.leap import Leap, leap_rates, moved, real_counts
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs, Owner


def explicit_firings(program: Program, inputs: Inputs, owner: Owner, given: Context, leap: Leap) -> Int32[Array, "R L"]:
    """Draw the firings at the rates of the present state."""

    def means(leap: Leap) -> Float[Array, "R L"]:
        rates = leap_rates(program, inputs, given, leap, real_counts(program, leap.x))
        return rates * leap.size[None, :]

    return draw_firings(owner, leap.draws, 0, computed_once(leap.any, means, leap), leap.any)


def midpoint_firings(program: Program, inputs: Inputs, owner: Owner, given: Context, leap: Leap) -> Int32[Array, "R L"]:
    """Draw the firings at the rates of the state that is expected halfway.

    The expected state is not rounded, other than in the source: falling factorials are smooth.
    """

    def means(leap: Leap) -> Float[Array, "R L"]:
        x = real_counts(program, leap.x)
        half = (leap.size * leap.size.dtype.type(0.5))[None, :]
        expected = moved(program, x, leap_rates(program, inputs, given, leap, x) * half)
        return leap_rates(program, inputs, given, leap, expected) * leap.size[None, :]

    return draw_firings(owner, leap.draws, 0, computed_once(leap.any, means, leap), leap.any)
