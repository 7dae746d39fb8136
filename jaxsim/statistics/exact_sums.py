"""Sums of products of counts without rounding, so that no order of summation shows in a result."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, Int64, UInt64

LOW_WORD = np.uint64(0xFFFFFFFF)


def sum_of_counts(
    counts: Int32[Array, "species time lane"], valid: Bool[Array, "time lane"]
) -> Int64[Array, "species time"]:
    """Sum counts over the valid lanes, exactly (for fewer than 2**32 trajectories)."""
    return jnp.sum(jnp.where(valid[None], counts, np.int32(0)).astype(jnp.int64), axis=2)


def sum_of_products(
    left: Int32[Array, "n time lane"], right: Int32[Array, "n time lane"], valid: Bool[Array, "time lane"]
) -> tuple[UInt64[Array, "n time"], UInt64[Array, "n time"]]:
    """Sum products of counts over the valid lanes, exactly, in two words of base 2**32.

    A product of two counts needs 62 bits, so a plain 64-bit sum could overflow at the fifth
    trajectory. The two words overflow after 2**32 trajectories.
    """
    product = jnp.where(valid[None], left, np.int32(0)).astype(jnp.uint64) * right.astype(jnp.uint64)
    low = jnp.sum(product & LOW_WORD, axis=2)
    high = jnp.sum(product >> np.uint64(32), axis=2)
    return low, high


def joined(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Join the two words into Python integers of any size (an object array)."""
    return np.asarray(high, dtype=object) * (1 << 32) + np.asarray(low, dtype=object)


def central_product(count: np.ndarray, left: np.ndarray, right: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return the unbiased covariance from exact sums: (n sum(xy) - sum(x) sum(y)) / (n (n - 1)).

    The subtraction is done in integers: nothing cancels. Fewer than two trajectories give NaN.
    """
    number = np.asarray(count, dtype=object)
    numerator = number * products - np.asarray(left, dtype=object) * np.asarray(right, dtype=object)
    denominator = number * (number - 1)
    enough = np.asarray(count) > 1
    result = np.full(np.shape(numerator), np.nan)
    enough = np.broadcast_to(enough, result.shape)
    denominator = np.broadcast_to(denominator, result.shape)
    result[enough] = [float(a / b) for a, b in zip(numerator[enough], denominator[enough], strict=True)]
    return result
