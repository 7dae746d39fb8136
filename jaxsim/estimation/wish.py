"""How accurate an estimate is to be, and what it may cost."""

from typing import Any, NamedTuple

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.estimation.allocation import CONFIDENCE

ROUNDING = 2.0**-23  # of the value, that single precision of rates and slopes may be off by
FINEST = 2e-6  # of the value, below which rounding would be a good part of the error
MARGIN = 0.9  # of the wanted half-width that is planned for, because variances are estimates


class Wish(NamedTuple):
    """A half-width, relative to the mean or absolute."""

    relative: float | None
    absolute: float | None
    limit_seconds: float

    def half_width(self, value: float) -> float:
        """Return the half-width that is wanted about a value."""
        return self.absolute if self.absolute is not None else (self.relative or 0.0) * abs(value)

    def target(self, value: float, bias: float = 0.0) -> float:
        """Return the variance of the estimate to plan for."""
        from scipy.stats import norm

        if 0 < self.half_width(value) < FINEST * abs(value):
            raise SimulationError(
                f"an error of {self.half_width(value):.2g} is less than {FINEST:g} of the value, {value:.7g}, and "
                f"rates are computed in single precision; ask for a larger error"
            )
        error = MARGIN * max(self.half_width(value) - bias, 0.0) / float(norm.ppf(0.5 + CONFIDENCE / 2))
        return error**2

    def refuse_above_limit(self, nanoseconds: float) -> None:
        """Refuse an estimate that would cost too much."""
        if not nanoseconds * 1e-9 <= self.limit_seconds:
            raise SimulationError(
                f"this error takes about {nanoseconds * 1e-9:,.0f} processor seconds, more than limit_seconds="
                f"{self.limit_seconds:g}; ask for a larger error, or raise the limit"
            )


def read_wish(relative: Any, absolute: Any, limit: Any) -> Wish:
    """Check the arguments.

    Examples
    --------
    >>> read_wish(0.01, None, 60).half_width(-50.0)
    0.5
    """
    if absolute is not None:
        return Wish(None, _positive("absolute_error", absolute), _positive("limit_seconds", limit))
    relative = _positive("relative_error", relative)
    if relative >= 1:
        raise SimulationError(f"relative_error is {relative:g}; give a half-width relative to the mean, below 1")
    if relative < FINEST:
        raise SimulationError(
            f"relative_error is {relative:g}, and rates are computed in single precision; give {FINEST:g} or more"
        )
    return Wish(relative, None, _positive("limit_seconds", limit))


def _positive(name: str, value: Any) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not 0 < value < np.inf:
        raise SimulationError(f"{name} is {value!r}; give a positive number")
    return float(value)
