"""The variants of tau-leaping: how the firings of a leap are drawn."""

from jaxsim.kernels.explicit_leap import explicit_firings, midpoint_firings
from jaxsim.kernels.trapezoidal_leap import trapezoidal_firings

VARIANTS = {
    "tau_leap": explicit_firings,
    "midpoint_tau_leap": midpoint_firings,
    "trapezoidal_tau_leap": trapezoidal_firings,
}
