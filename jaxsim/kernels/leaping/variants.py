"""The variants of tau-leaping: how the firings of a leap are drawn."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from jaxsim.kernels.context import Context
from jaxsim.kernels.leaping.implicit import implicit_firings, reversible_pairs
from jaxsim.kernels.leaping.leap import Leap, computed_once, draw_firings, leap_rates, moved, real_counts
from jaxsim.kernels.leaping.size import Allowance
from jaxsim.kernels.leaping.trapezoidal import trapezoidal_firings
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs, Owner

# Explicit leaps: Poisson firings at the rates where the leap begins, or at the middle of it.
#
# Sources: Gillespie, J. Chem. Phys. 115 (2001) 1716, sections IV (explicit) and V (estimated midpoint).


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


# Leaps of the hybrid method: trapezoidal, and implicit where they pass over fast reactions in balance.


def hybrid_firings(program: Program, inputs: Inputs, owner: Owner, given: Context, leap: Leap) -> Int32[Array, "R L"]:
    """Draw the firings of the leaping reactions, by the rule that each lane needs.

    Both rules read the same random words, and each lane takes one of them.
    """
    if not reversible_pairs(program.structure):
        return trapezoidal_firings(program, inputs, owner, given, leap)
    leaps = leap.size > 0
    explicit = leap._replace(any=jnp.any(leaps & ~leap.stiff))
    implicit = leap._replace(any=jnp.any(leaps & leap.stiff))
    firings = trapezoidal_firings(program, inputs, owner, given, explicit)
    corrected = implicit_firings(program, inputs, owner, given, implicit)
    return jnp.where(leap.stiff[None, :], corrected, firings)


DRIFT, NOISE = 1.0, 2.0  # fourth powers of the change of a rate in mean and by noise, in parts of the tolerance


class Variant(NamedTuple):
    """One rule for the firings of a leap.

    What a leap does to the noise of a linear relaxation follows from its rule. Over h relaxation times the standard
    deviation of a stationary birth-death process comes out too wide by about h/4 with the explicit rule, h/2 with the
    midpoint rule and h**3/5 with the trapezoidal one; `relaxation` makes that half of the tolerance.
    """

    firings: Callable[..., Any]
    """Of (program, inputs, owner, context, leap): int32 [R, L]; a negative one asks for a shorter leap."""
    relaxation: Callable[[Any], Any]
    """Of the tolerance: longest leap, in relaxation times."""
    allowance: Callable[[Any], Allowance]
    """Of the tolerance: by how much propensities may change in a leap."""
    stiff: bool = False
    """Whether leaps may be longer than what balances takes to relax."""
    hybrid: bool = False
    """Whether reactions are divided into leaped and exact ones by propensity and population."""


def _explicit(tolerance: Array) -> Any:
    return tolerance + tolerance


def _midpoint(tolerance: Array) -> Any:
    return tolerance


def _trapezoidal(tolerance: Array) -> Any:
    return jnp.cbrt(tolerance * np.asarray(2.4, tolerance.dtype))


def of_the_path(tolerance: Array) -> Allowance:
    """Return the bounds of Cao, Gillespie & Petzold 2006 (eq. 33)."""
    return Allowance(tolerance, tolerance)


def of_the_moments(tolerance: Array) -> Allowance:
    """Return bounds under which means and spreads err by less than the tolerance, for the trapezoidal rule.

    A rate that changes by a part h in mean over each leap is off by some h**4/120 on the whole, and one that fluctuates
    by a part s through its curvature alone, by s**2/2 before what the second stage corrects. With these numbers the
    error was below the tolerance on the networks of the benchmarks, in mean and in standard deviation.
    """

    def fourth_root(part: float) -> Any:
        return jnp.sqrt(jnp.sqrt(tolerance * np.asarray(part, tolerance.dtype)))

    return Allowance(fourth_root(DRIFT), fourth_root(NOISE), by_share=True)


VARIANTS = {
    "tau_leap": Variant(explicit_firings, _explicit, of_the_path),
    "midpoint_tau_leap": Variant(midpoint_firings, _midpoint, of_the_path),
    "trapezoidal_tau_leap": Variant(trapezoidal_firings, _trapezoidal, of_the_moments),
    "implicit_tau_leap": Variant(implicit_firings, _explicit, of_the_path, stiff=True),
    "hybrid": Variant(hybrid_firings, _trapezoidal, of_the_moments, stiff=True, hybrid=True),
}
