"""Inverses of small matrices, one for each lane, with pivots of their own."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32


def invert(matrix: Float64[Array, "S S L"]) -> tuple[Float64[Array, "S S L"], Int32[Array, "S L"]]:
    """Return the inverse of every lane's matrix, with rows and columns in the order of its pivots, and that order.

    Gauss-Jordan elimination in place. The pivot of a column is the largest entry among the rows not used before; rows
    are not moved. A singular matrix gives values that are not finite.

    Parameters
    ----------
    matrix
        Lanes last, so that every operation runs along them.

    Returns
    -------
    inverse, order
        To be used by :func:`solve`.
    """
    size, _, lanes = matrix.shape
    rows = jnp.arange(size, dtype=jnp.int32)

    def eliminate(k: Any, carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        a, used, order = carry
        column = lax.dynamic_index_in_dim(a, k, axis=1, keepdims=False)
        chosen = jnp.argmax(jnp.where(used, -1.0, jnp.abs(column)), axis=0).astype(jnp.int32)
        is_pivot = rows[:, None] == chosen[None, :]
        pivot = jnp.sum(jnp.where(is_pivot, column, 0.0), axis=0)
        row = jnp.take_along_axis(a, chosen[None, None, :], axis=0)[0] / pivot[None, :]
        here = rows == k
        row = jnp.where(here[:, None], 1.0 / pivot[None, :], row)
        rest = jnp.where(here[None, :, None], 0.0, a)
        reduced = rest - column[:, None, :] * row[None, :, :]
        a = jnp.where(is_pivot[:, None, :], row[None, :, :], reduced)
        return a, used | is_pivot, lax.dynamic_update_index_in_dim(order, chosen, k, axis=0)

    first = (matrix, jnp.zeros((size, lanes), bool), jnp.zeros((size, lanes), jnp.int32))
    inverse, _, order = lax.fori_loop(np.int32(0), np.int32(size), eliminate, first)
    return inverse, order


def solve(
    inverse: Float64[Array, "S S L"], order: Int32[Array, "S L"], right: Float64[Array, "S L"]
) -> Float64[Array, "S L"]:
    """Return the solution of every lane's equations.

    Examples
    --------
    >>> import jax
    >>> with jax.enable_x64(True):
    ...     matrix = jnp.array([[0.0, 2.0], [4.0, 1.0]])[:, :, None]
    ...     found = solve(*invert(matrix), jnp.array([[2.0], [9.0]]))
    >>> found[:, 0].tolist()
    [2.0, 1.0]
    """
    sorted_right = jnp.take_along_axis(right, order, axis=0)
    product = jnp.sum(inverse * sorted_right[None, :, :], axis=1)
    return jnp.take_along_axis(product, order, axis=0)
