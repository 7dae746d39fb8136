"""The variants of tau-leaping: how the firings of a leap are drawn."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.explicit_leap import explicit_firings, midpoint_firings
from jaxsim.kernels.hybrid_leap import hybrid_firings
from jaxsim.kernels.implicit_leap import implicit_firings
from jaxsim.kernels.trapezoidal_leap import trapezoidal_firings


class Variant(NamedTuple):
    """One rule for the firings of a leap.

    What a leap does to the noise of a linear relaxation follows from its rule. Over h relaxation times the standard
    deviation of a stationary birth-death process comes out too wide by about h/4 with the explicit rule, h/2 with the
    midpoint rule and h**3/16 with the trapezoidal one; `relaxation` makes that half of the tolerance.
    """

    firings: Callable[..., Any]
    """Of (program, inputs, owner, context, leap): int32 [R, L]; a negative one asks for a shorter leap."""
    relaxation: Callable[[Any], Any]
    """Of the tolerance: longest leap, in relaxation times."""
    stiff: bool = False
    """Whether leaps may be longer than what balances takes to relax."""
    mixed: bool = False
    """Whether reactions are divided into leaped and exact ones by propensity and population."""


def _explicit(tolerance: Any) -> Any:
    return tolerance + tolerance


def _midpoint(tolerance: Any) -> Any:
    return tolerance


def _trapezoidal(tolerance: Any) -> Any:
    return jnp.cbrt(tolerance * np.asarray(8.0, tolerance.dtype))


VARIANTS = {
    "tau_leap": Variant(explicit_firings, _explicit),
    "midpoint_tau_leap": Variant(midpoint_firings, _midpoint),
    "trapezoidal_tau_leap": Variant(trapezoidal_firings, _trapezoidal),
    "implicit_tau_leap": Variant(implicit_firings, _explicit, stiff=True),
    "hybrid": Variant(hybrid_firings, _trapezoidal, stiff=True, mixed=True),
}
