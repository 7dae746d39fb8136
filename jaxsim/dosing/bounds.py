"""Rigorous bounds of a sum of exponentials over each cell."""

from types import ModuleType
from typing import Any

from jaxtyping import Float

PIECES = 16  # parts of a cell bounded apart; the gap to the true extremum falls with their square
INFLATION = 1e-6  # relative to the largest term: covers the float32 evaluation in a kernel


def bounds(
    xp: ModuleType,
    base: Float[Any, " c"],
    amplitude: Float[Any, "c m"],
    rate: Float[Any, " m"],
    width: Float[Any, " c"],
) -> tuple[Float[Any, " c"], Float[Any, " c"]]:
    """Bound ``base + sum_m amplitude exp(-rate s)``, known to be non-negative, over ``0 <= s <= width``.

    Each of `PIECES` equal parts of a cell is bounded twice: every term is monotone, so it lies between its values at
    the ends of the part; and a curve rises above its chord by at most ``h^2/8 max(-f'')`` and sinks below it by at
    most ``h^2/8 max(f'')``, where ``f''`` is bounded term by term in the same way. The tighter bound counts.

    Examples
    --------
    >>> import numpy
    >>> one = numpy.ones(1)
    >>> lower, upper = bounds(numpy, 0 * one, numpy.array([[1.0, -1.0]]), numpy.array([1.0, 2.0]), 3 * one)
    >>> bool(upper[0] >= 0.25), bool(upper[0] < 0.253)
    (True, True)
    """
    dtype = base.dtype
    grid = xp.linspace(0.0, 1.0, PIECES + 1, dtype=dtype)
    s = width[:, None] * grid[None, :]
    terms = amplitude[:, None, :] * xp.exp(-rate[None, None, :] * s[:, :, None])
    value = base[:, None] + xp.sum(terms, axis=2)
    left, right = terms[:, :-1], terms[:, 1:]
    largest, smallest = xp.maximum(left, right), xp.minimum(left, right)
    eighth = (rate * rate)[None, None, :] * ((width / PIECES) ** 2 / 8.0)[:, None, None]
    above = xp.maximum(-xp.sum(smallest * eighth, axis=2), 0.0)
    below = xp.maximum(xp.sum(largest * eighth, axis=2), 0.0)
    upper = xp.minimum(base[:, None] + xp.sum(largest, axis=2), xp.maximum(value[:, :-1], value[:, 1:]) + above)
    lower = xp.maximum(base[:, None] + xp.sum(smallest, axis=2), xp.minimum(value[:, :-1], value[:, 1:]) - below)
    # rounding is relative to the terms, not to their possibly small sum
    slack = (INFLATION + 16.0 * float(xp.finfo(dtype).eps)) * (xp.abs(base) + xp.sum(xp.abs(amplitude), axis=1))
    return xp.maximum(xp.min(lower, axis=1) - slack, 0.0), xp.max(upper, axis=1) + slack
