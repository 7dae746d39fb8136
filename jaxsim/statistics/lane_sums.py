"""Sums over lanes that vectorise.

XLA on the CPU turns a reduction along the contiguous axis into a tree of windows of 32, which it runs
element by element. Adding slices of the lanes to each other is plain arithmetic on whole vectors. The
wide layouts of a GPU are reduced in one piece: slices would be unrolled into thousands of operations,
and a GPU reduces a contiguous axis well.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

SLICE = 32  # lanes that are left to the reduction
SLICED_LANES = 2048  # lanes up to which slices are added; the layouts of a CPU are narrower


def lane_sum(function: Callable[..., Any], *arrays: Any) -> Any:
    """Return the sum of ``function(*arrays)`` over the last axis, in the dtype of the function.

    The function is elementwise; the arrays have lanes on their last axis.
    """
    partial = function(*arrays) if _wide(arrays[0]) else _by_slices(jnp.add, function, *arrays)
    return jnp.sum(partial, axis=-1, dtype=partial.dtype)


def lane_or(array: Any) -> Any:
    """Return lanes joined bit by bit with "or": the last axis becomes at most SLICE long."""
    if _wide(array):
        return jnp.bitwise_or.reduce(array, axis=-1, keepdims=True)
    return _by_slices(jnp.bitwise_or, lambda values: values, array)


def _wide(array: Any) -> bool:
    return bool(array.shape[-1] > SLICED_LANES)


def _by_slices(operation: Callable[[Any, Any], Any], function: Callable[..., Any], *arrays: Any) -> Any:
    lanes = arrays[0].shape[-1]
    if lanes % SLICE:
        return function(*arrays)
    joined = None
    for start in range(0, lanes, SLICE):
        values = function(*(array[..., start : start + SLICE] for array in arrays))
        joined = values if joined is None else operation(joined, values)
    return joined
