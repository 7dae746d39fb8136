"""Confidence intervals of an ensemble of cells, and the range of an ensemble of animals."""

from statistics import NormalDist

import numpy as np
from jaxtyping import Float

LEVEL = 0.95
BAND = (0.05, 0.5, 0.95)  # quantiles over animals, wherever a middle and a range of them is shown


def wilson(
    fraction: Float[np.ndarray, "..."], trials: int | np.integer, level: float = LEVEL
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Return the Wilson score interval of fractions observed in `trials` independent cells.

    Unlike the normal interval it stays within 0 and 1, and at 0 of n it has a width.

    Parameters
    ----------
    fraction
        Observed, from 0 to 1; NaN gives NaN.
    trials
        Number of cells.
    level
        Coverage, in (0, 1).

    Returns
    -------
    low, high
        Arrays of the shape of `fraction`.

    References
    ----------
    Wilson, J. Am. Stat. Assoc. 22 (1927) 209.

    Examples
    --------
    >>> low, high = wilson(np.array([0.0, 0.1]), 1000)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.0829], [0.0038, 0.1202])
    """
    z = normal_quantile(level)
    share = z * z / trials
    centre = (fraction + share / 2) / (1 + share)
    half = z * np.sqrt(fraction * (1 - fraction) / trials + share / (4 * trials)) / (1 + share)
    # at 0 and 1 the two terms cancel but for rounding
    low = np.where(fraction == 0, 0.0, np.maximum(centre - half, 0.0))
    return low, np.where(fraction == 1, 1.0, np.minimum(centre + half, 1.0))


def normal_quantile(level: float = LEVEL) -> float:
    """Return how many standard errors the two-sided normal interval of this coverage extends.

    Examples
    --------
    >>> round(normal_quantile(0.95), 2)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + level / 2)
