"""Intervals ``(lower, upper)`` of arrays or numbers, and how operators act on them.

An interval whose ends are one object (or equal Python numbers) is a point: a constant or an exactly
known value. Where all operands are points nothing here is called, and where some are, the rules try
fewer corners. Infinite ends mean "unbounded". Tests are written so that nan falls on the unbounded side.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

from jax.typing import ArrayLike

from jaxsim.network import arithmetic

Interval = tuple[Any, Any]
EVERYTHING: Interval = (-math.inf, math.inf)


def is_point(interval: Interval) -> bool:
    """Return whether the interval is one exactly known value."""
    return interval[0] is interval[1] or (arithmetic.is_plain(*interval) and interval[0] == interval[1])


def hull(values: list[Any]) -> Interval:
    """Return the least interval that holds the values."""
    lower = upper = values[0]
    for value in values[1:]:
        lower, upper = arithmetic.minimum(lower, value), arithmetic.maximum(upper, value)
    return lower, upper


def corners(function: Callable[..., Any], *intervals: Interval) -> Interval:
    """Bound a function that is monotone in each argument when the others are held fixed.

    Such a function takes its extremes over a box at corners of the box.
    """
    ends = [interval[:1] if is_point(interval) else interval for interval in intervals]
    return hull([function(*corner) for corner in itertools.product(*ends)])


def increasing(function: Callable[[Any], Any], a: Interval) -> Interval:
    """Bound a function that never decreases."""
    return function(a[0]), function(a[1])


def where(condition: Any, inside: Interval, outside: Interval) -> Interval:
    """Choose between two intervals, lane by lane."""
    return arithmetic.where(condition, inside[0], outside[0]), arithmetic.where(condition, inside[1], outside[1])


def excludes_zero(a: Interval) -> Any:
    """Return whether 0 is certainly not in the interval."""
    return arithmetic.either(arithmetic.greater(a[0], 0.0), arithmetic.less(a[1], 0.0))


def negate(a: Interval) -> Interval:
    """Bound ``-a``."""
    return arithmetic.negate(a[1]), arithmetic.negate(a[0])


def add(a: Interval, b: Interval) -> Interval:
    """Bound ``a + b``."""
    return arithmetic.add(a[0], b[0]), arithmetic.add(a[1], b[1])


def subtract(a: Interval, b: Interval) -> Interval:
    """Bound ``a - b``."""
    return arithmetic.subtract(a[0], b[1]), arithmetic.subtract(a[1], b[0])


def multiply(a: Interval, b: Interval) -> Interval:
    """Bound ``a * b``."""
    return corners(_product, a, b)


def _product(a: ArrayLike, b: ArrayLike) -> Any:
    if arithmetic.is_plain(a, b):
        return 0.0 if a == 0 or b == 0 else a * b
    # An infinite end is a limit that is never reached, so zero times it is zero.
    zero = arithmetic.either(arithmetic.equal(a, 0.0), arithmetic.equal(b, 0.0))
    return arithmetic.where(zero, 0.0, arithmetic.multiply(a, b))


def product_with_point(point: ArrayLike, end: ArrayLike) -> Any:
    """Return the product of an exactly known value and one end of an interval."""
    if arithmetic.is_plain(point, end):
        return _product(point, end)
    # An infinite end is a limit that is never reached, so zero times it is zero.
    return arithmetic.where(arithmetic.equal(point, 0.0), 0.0, arithmetic.multiply(point, end))


def divide(a: Interval, b: Interval) -> Interval:
    """Bound ``a / b``: everything where `b` may be zero."""
    if is_point(b):
        return corners(arithmetic.divide, a, b)
    return multiply(a, reciprocal(b))


def reciprocal(b: Interval) -> Interval:
    """Bound ``1 / b``: everything where `b` may be zero."""
    ends = (arithmetic.divide(1.0, b[1]), arithmetic.divide(1.0, b[0]))
    return where(excludes_zero(b), ends, EVERYTHING)


def power(a: Interval, n: Interval) -> Interval:
    """Bound ``a ^ n``: everything where a negative base may meet a fractional exponent."""
    if is_point(n) and arithmetic.whole(n[0]):
        return _whole_power(a, int(n[0]))
    base = (arithmetic.maximum(a[0], 0.0), arithmetic.maximum(a[1], 0.0))
    return where(arithmetic.greater_equal(a[0], 0.0), corners(arithmetic.power, base, n), EVERYTHING)


def _whole_power(a: Interval, exponent: int) -> Interval:
    if exponent < 0:
        return reciprocal(_whole_power(a, -exponent))
    if exponent == 0:
        return 1.0, 1.0
    base = a if exponent % 2 else absolute(a)
    return arithmetic.power(base[0], exponent), arithmetic.power(base[1], exponent)


def absolute(a: Interval) -> Interval:
    """Bound ``abs(a)``."""
    low, high = arithmetic.absolute(a[0]), arithmetic.absolute(a[1])
    return arithmetic.where(excludes_zero(a), arithmetic.minimum(low, high), 0.0), arithmetic.maximum(low, high)


def falling_factorial(x: Interval, order: int) -> Interval:
    """Bound the falling factorial of a count, which never decreases over the integers from 0 on."""
    return _clamped_factorial(x[0], order), _clamped_factorial(x[1], order)


def _clamped_factorial(x: ArrayLike, order: int) -> Any:
    result = arithmetic.maximum(x, 0.0)
    for step in range(1, order):
        result = arithmetic.multiply(result, arithmetic.maximum(arithmetic.subtract(x, float(step)), 0.0))
    return result
