"""Sums over trajectories in float64, in an order that no chunk changes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

GROUP = 64  # trajectories that are added first; the sums of groups are added in the order of their numbers


class LevelSums(NamedTuple):
    """Of values y, controls c and finer values f, less a fixed shift each."""

    number: int = 0
    totals: tuple[float, ...] = (0.0,) * 7
    """y, c, f, y^2, y c, c^2, f^2."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Of y and of f: about their means, so that squares do not cancel."""
    nonzero: int = 0
    """Values y that are not zero."""

    def add(self, y: Float[np.ndarray, " n"], c: Float[np.ndarray, " n"], f: Float[np.ndarray, " n"]) -> "LevelSums":
        """Return the sums with more trajectories, a multiple of GROUP of them.

        Examples
        --------
        >>> x = np.arange(128.0)
        >>> both = LevelSums().add(x, x, x)
        >>> both == LevelSums().add(x[:64], x[:64], x[:64]).add(x[64:], x[64:], x[64:]), both.mean(False)
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


# Sample sizes for a wanted error at least cost, and the interval that they give.

CONFIDENCE = 0.95
_RARE = 10  # values that differ from zero below which a sample variance is not believed


class Share(NamedTuple):
    """One level as the allocation sees it."""

    variance: float
    """Of one trajectory."""
    cost: float
    """Of one trajectory, nanoseconds."""


def total_cost(shares: Sequence[Share], target: float) -> float:
    """Return the least cost at which the variances of the levels, over their sample sizes, add up to `target`.

    Examples
    --------
    >>> total_cost([Share(4.0, 1.0), Share(1.0, 4.0)], 0.01)
    1600.0
    """
    return float(sum(n * share.cost for n, share in zip(sample_sizes(shares, target), shares, strict=True)))


def sample_sizes(shares: Sequence[Share], target: float, run: Sequence[int] = ()) -> list[int]:
    """Return how many trajectories of each level that takes.

    A level has at least one group of trajectories, or those that were `run` already. Where that is more than it needs,
    the others share what it leaves of the variance.

    Source: Giles, Oper. Res. 56 (2008) 607, section 3.

    Examples
    --------
    >>> sample_sizes([Share(4.0, 1.0), Share(1.0, 4.0)], 0.01)
    [800, 200]
    >>> sample_sizes([Share(4.0, 1.0), Share(1.0, 4.0)], 0.01, [64, 400])
    [534, 400]
    """
    least = [max(GROUP, n) for n in run] or [GROUP] * len(shares)
    sizes, free = list(least), set(range(len(shares)))
    while free:
        left = target - sum(shares[k].variance / least[k] for k in range(len(shares)) if k not in free)
        root = sum(np.sqrt(shares[k].variance * shares[k].cost) for k in free)
        wanted = {k: np.sqrt(shares[k].variance / shares[k].cost) * root / left for k in free}
        enough = {k for k in free if wanted[k] <= least[k]}
        if not enough:
            return [int(np.ceil(min(wanted[k], 2.0**62))) if k in free else n for k, n in enumerate(sizes)]
        free -= enough
    return sizes


def believed_variance(level: Any, scale: float) -> float:
    """Return the variance of one trajectory of a level; at least what rare values that were not seen may add.

    Where almost all values are zero, a sample of n may have missed what happens once in n/3: `scale` is then how large
    a value is taken to be.
    """
    nonzero, number = level.sums.nonzero, level.sums.number
    found: float = level.variance
    return found if nonzero >= _RARE else max(found, (nonzero + 3.0) / number * scale**2)


def spread_of_levels(
    variances: Sequence[float], numbers: Sequence[int], freedoms: Sequence[int]
) -> tuple[float, float]:
    """Return the standard error of a sum of means, and the half-width of its interval in standard errors.

    By Student's t with the degrees of freedom of Welch, Biometrika 34 (1947) 28.

    Examples
    --------
    >>> spread_of_levels([1.0, 1.0], [100, 10_000], [99, 9_999])[0] < 0.1006
    True
    """
    from scipy.stats import t

    parts = [variance / number for variance, number in zip(variances, numbers, strict=True)]
    whole = float(sum(parts))
    if whole == 0.0:
        return 0.0, float(t.ppf(0.5 + CONFIDENCE / 2, np.inf))
    freedom = whole**2 / sum(part**2 / free for part, free in zip(parts, freedoms, strict=True))
    return float(np.sqrt(whole)), float(t.ppf(0.5 + CONFIDENCE / 2, freedom))
