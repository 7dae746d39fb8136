"""Moments of real values over lanes, and their merging in a fixed order.

Source: Chan, Golub & LeVeque, Am. Stat. 37 (1983) 242, for the merging.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float64


class LaneMoments(NamedTuple):
    """Number, mean and sums of squares about the mean of Z values; with a leading axis of times once gathered."""

    count: Any
    """int64."""
    mean: Any
    """float64 [Z]."""
    squares: Any
    """float64 [Z], or [Z, Z] with the products of pairs."""


def lane_moments(values: Float64[Array, "Z L"], valid: Bool[Array, " L"], pairs: bool) -> LaneMoments:
    """Return the moments over the valid lanes, by two passes."""
    count = jnp.sum(valid.astype(jnp.int64))
    kept = jnp.where(valid[None, :], values, 0.0)
    mean = jnp.sum(kept, axis=1) / jnp.maximum(count, np.int64(1)).astype(jnp.float64)
    centred = jnp.where(valid[None, :], values - mean[:, None], 0.0)
    squares = centred @ centred.T if pairs else jnp.sum(centred * centred, axis=1)
    return LaneMoments(count, mean, squares)


def merged(left: LaneMoments, right: LaneMoments) -> LaneMoments:
    """Return the moments of both sets (numpy, with a leading axis of times).

    Examples
    --------
    >>> parts = [LaneMoments(*map(np.array, part)) for part in (([2], [[1.0]], [[2.0]]), ([1], [[4.0]], [[0.0]]))]
    >>> [part.tolist() for part in merged(*parts)]
    [[3], [[2.0]], [[8.0]]]
    """
    count = left.count + right.count
    share = (right.count / np.maximum(count, 1))[:, None]
    apart = right.mean - left.mean
    between = left.count[:, None] * share * apart
    added = between[:, :, None] * apart[:, None, :] if left.squares.ndim == 3 else between * apart
    return LaneMoments(count, left.mean + share * apart, left.squares + right.squares + added)
