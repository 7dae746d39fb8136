"""Sample sizes for a wanted error at least cost, and the interval that they give."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxsim.estimation.sums import GROUP

CONFIDENCE = 0.95
RARE = 10  # values that differ from zero below which a sample variance is not believed


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
    return found if nonzero >= RARE else max(found, (nonzero + 3.0) / number * scale**2)


def spread(variances: Sequence[float], numbers: Sequence[int], freedoms: Sequence[int]) -> tuple[float, float]:
    """Return the standard error of a sum of means, and the half-width of its interval in standard errors.

    By Student's t with the degrees of freedom of Welch, Biometrika 34 (1947) 28.

    Examples
    --------
    >>> spread([1.0, 1.0], [100, 10_000], [99, 9_999])[0] < 0.1006
    True
    """
    from scipy.stats import t

    parts = [variance / number for variance, number in zip(variances, numbers, strict=True)]
    whole = float(sum(parts))
    if whole == 0.0:
        return 0.0, float(t.ppf(0.5 + CONFIDENCE / 2, np.inf))
    freedom = whole**2 / sum(part**2 / free for part, free in zip(parts, freedoms, strict=True))
    return float(np.sqrt(whole)), float(t.ppf(0.5 + CONFIDENCE / 2, freedom))
