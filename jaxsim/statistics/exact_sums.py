"""Sums of products of counts without rounding, so that no order of summation shows in a result."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, Int64, UInt64

# Sums over lanes that vectorise.
#
# XLA on the CPU turns a reduction along the contiguous axis into a tree of windows of 32, which it runs
# element by element. Adding slices of the lanes to each other is plain arithmetic on whole vectors. The
# wide layouts of a GPU are reduced in one piece: slices would be unrolled into thousands of operations,
# and a GPU reduces a contiguous axis well.

_SLICE = 32  # lanes that are left to the reduction
SLICED_LANES = 2048  # lanes up to which slices are added; the layouts of a CPU are narrower


def lane_sum(function: Callable[..., Any], *arrays: Any) -> Any:
    """Return the sum of ``function(*arrays)`` over the last axis, in the dtype of the function.

    The function is elementwise; the arrays have lanes on their last axis.
    """
    partial = function(*arrays) if _wide(arrays[0]) else _by_slices(jnp.add, function, *arrays)
    return jnp.sum(partial, axis=-1, dtype=partial.dtype)


def lane_or(array: Array) -> Any:
    """Return lanes joined bit by bit with "or": the last axis becomes at most SLICE long."""
    if _wide(array):
        return jnp.bitwise_or.reduce(array, axis=-1, keepdims=True)
    return _by_slices(jnp.bitwise_or, lambda values: values, array)


def _wide(array: Array) -> bool:
    return bool(array.shape[-1] > SLICED_LANES)


def _by_slices(operation: Callable[[Any, Any], Any], function: Callable[..., Any], *arrays: Any) -> Any:
    lanes = arrays[0].shape[-1]
    if lanes % _SLICE:
        return function(*arrays)
    joined = None
    for start in range(0, lanes, _SLICE):
        values = function(*(array[..., start : start + _SLICE] for array in arrays))
        joined = values if joined is None else operation(joined, values)
    return joined


LOW_WORD, _WORD = np.uint64(0xFFFFFFFF), np.uint64(32)


def number_valid(valid: Bool[Array, "time lane"]) -> Int64[Array, " time"]:
    """Count the valid lanes."""
    return lane_sum(lambda v: v.astype(jnp.int64), valid)


def sum_of_counts(
    counts: Int32[Array, "species time lane"], valid: Bool[Array, "time lane"]
) -> Int64[Array, "species time"]:
    """Sum counts over the valid lanes, exactly (for fewer than 2**32 trajectories)."""
    return lane_sum(lambda x, v: jnp.where(v, x, np.int32(0)).astype(jnp.int64), counts, valid[None])


def sum_of_products(
    left: Int32[Array, "n time lane"], right: Int32[Array, "n time lane"], valid: Bool[Array, "time lane"]
) -> tuple[UInt64[Array, "n time"], UInt64[Array, "n time"]]:
    """Sum products of counts over the valid lanes, exactly, in two words of base 2**32.

    A product of two counts needs 62 bits, so a plain 64-bit sum could overflow at the fifth
    trajectory. While all counts are small the sum is taken in one word and split afterwards. The
    two words overflow after 2**32 trajectories.
    """

    def product(x: Array, y: Array, v: Array) -> Array:
        return jnp.where(v, x, np.int32(0)).astype(jnp.uint64) * y.astype(jnp.uint64)

    def small(x: Array, y: Array, v: Array) -> tuple[Array, Array]:
        total = lane_sum(product, x, y, v)
        return total & LOW_WORD, total >> _WORD

    def large(x: Array, y: Array, v: Array) -> tuple[Array, Array]:
        low = lane_sum(lambda *a: product(*a) & LOW_WORD, x, y, v)
        return low, lane_sum(lambda *a: product(*a) >> _WORD, x, y, v)

    lanes = left.shape[-1]
    limit = np.int32(1 << (63 - (lanes - 1).bit_length()) // 2)  # lanes * limit**2 <= 2**63
    highest = lane_or(left) | lane_or(right)
    return lax.cond(jnp.all((highest >= 0) & (highest < limit)), small, large, left, right, valid[None])


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
