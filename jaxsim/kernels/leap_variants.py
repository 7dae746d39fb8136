"""The variants of tau-leaping: how the firings of a leap are drawn."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxsim.kernels.explicit_leap import explicit_firings, midpoint_firings
from jaxsim.kernels.implicit_leap import implicit_firings
from jaxsim.kernels.trapezoidal_leap import trapezoidal_firings


class Variant(NamedTuple):
    """One rule for the firings of a leap."""

    firings: Callable[..., Any]
    """Of (program, inputs, owner, context, leap): int32 [R, L]; a negative one asks for a shorter leap."""
    stiff: bool = False
    """Whether leaps may be longer than what balances takes to relax."""


VARIANTS = {
    "tau_leap": Variant(explicit_firings),
    "midpoint_tau_leap": Variant(midpoint_firings),
    "trapezoidal_tau_leap": Variant(trapezoidal_firings),
    "implicit_tau_leap": Variant(implicit_firings, stiff=True),
}
