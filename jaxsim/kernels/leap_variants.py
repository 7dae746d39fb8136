"""The variants of tau-leaping: how the firings of a leap are drawn."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.explicit_leap import explicit_firings, midpoint_firings
from jaxsim.kernels.hybrid_leap import hybrid_firings
from jaxsim.kernels.implicit_leap import implicit_firings
from jaxsim.kernels.leap_size import Allowance
from jaxsim.kernels.trapezoidal_leap import trapezoidal_firings

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
    mixed: bool = False
    """Whether reactions are divided into leaped and exact ones by propensity and population."""


def _explicit(tolerance: Any) -> Any:
    return tolerance + tolerance


def _midpoint(tolerance: Any) -> Any:
    return tolerance


def _trapezoidal(tolerance: Any) -> Any:
    return jnp.cbrt(tolerance * np.asarray(2.4, tolerance.dtype))


def of_the_path(tolerance: Any) -> Allowance:
    """Return the bounds of Cao, Gillespie & Petzold 2006 (eq. 33)."""
    return Allowance(tolerance, tolerance)


def of_the_moments(tolerance: Any) -> Allowance:
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
    "hybrid": Variant(hybrid_firings, _trapezoidal, of_the_moments, stiff=True, mixed=True),
}
