"""Sums over trajectories in float64, in an order that no chunk changes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

GROUP = 64  # trajectories that are added first; the sums of groups are added in the order of their numbers


class Sums(NamedTuple):
    """Of values y, controls c and finer values f, less a fixed shift each."""

    number: int = 0
    totals: tuple[float, ...] = (0.0,) * 7
    """y, c, f, y^2, y c, c^2, f^2."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Of y and of f: about their means, so that squares do not cancel."""
    nonzero: int = 0
    """Values y that are not zero."""

    def add(self, y: Float[np.ndarray, " n"], c: Float[np.ndarray, " n"], f: Float[np.ndarray, " n"]) -> "Sums":
        """Return the sums with more trajectories, a multiple of GROUP of them.

        Examples
        --------
        >>> x = np.arange(128.0)
        >>> both = Sums().add(x, x, x)
        >>> both == Sums().add(x[:64], x[:64], x[:64]).add(x[64:], x[64:], x[64:]), both.mean(False)
        (True, 63.5)
        """
        nonzero = self.nonzero + int(np.count_nonzero(y))
        y, f = y - self.shift[0], f - self.shift[1]
        rows = np.stack([y, c, f, y * y, y * c, c * c, f * f]).reshape(7, -1, GROUP).sum(axis=2)
        running = np.cumsum(np.concatenate([np.array(self.totals)[:, None], rows], axis=1), axis=1)[:, -1]
        return self._replace(number=self.number + y.size, totals=tuple(running.tolist()), nonzero=nonzero)

    def mean(self, controlled: bool) -> float:
        """Return the mean of y, or of y - c."""
        y, c = self.totals[0] / self.number, self.totals[1] / self.number
        return self.shift[0] + (y - c if controlled else y)

    def variance(self, controlled: bool) -> float:
        """Return the unbiased variance of y, or of y - c."""
        y, c, _, yy, yc, cc, _ = self.totals
        first, second = (y - c, yy - 2.0 * yc + cc) if controlled else (y, yy)
        return max(second - first * first / self.number, 0.0) / (self.number - 1)

    @property
    def finer_mean(self) -> float:
        """The mean of f."""
        return self.shift[1] + self.totals[2] / self.number

    @property
    def finer_variance(self) -> float:
        """The unbiased variance of f."""
        f, ff = self.totals[2], self.totals[6]
        return max(ff - f * f / self.number, 0.0) / (self.number - 1)

    @property
    def controlled(self) -> bool:
        """Whether taking the control away makes the variance smaller."""
        return self.variance(True) < self.variance(False)
