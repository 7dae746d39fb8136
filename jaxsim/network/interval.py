"""Intervals ``(lower, upper)`` of arrays or numbers, and how operators act on them.

An end that is the same object as the other marks a point: a constant or an exactly known value. The
rules then skip the half of the work that such a point makes needless. Infinite ends mean "unbounded".
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxsim.network import arithmetic
from jaxsim.network.function import Interval

EVERYTHING: Interval = (-math.inf, math.inf)


def ends(interval: Interval) -> tuple[Any, ...]:
    """Return the distinct ends: one for a point, else two."""
    return interval[:1] if interval[0] is interval[1] else interval


def hull(values: list[Any]) -> Interval:
    """Return the least interval that holds the values."""
    lower = upper = values[0]
    for value in values[1:]:
        lower, upper = jnp.minimum(lower, value), jnp.maximum(upper, value)
    return lower, upper


def corners(function: Callable[..., Any], *intervals: Interval) -> Interval:
    """Bound a function that is monotone in each argument when the others are held fixed.

    Such a function takes its extremes over a box at corners of the box.
    """
    return hull([function(*corner) for corner in itertools.product(*map(ends, intervals))])


def increasing(function: Callable[[Any], Any], interval: Interval) -> Interval:
    """Bound a function that never decreases."""
    return hull([function(interval[0])]) if len(ends(interval)) == 1 else (function(interval[0]), function(interval[1]))


def where(condition: Any, inside: Interval, outside: Interval) -> Interval:
    """Choose between two intervals, lane by lane."""
    return (
        jnp.where(condition, inside[0], outside[0]),
        jnp.where(condition, inside[1], outside[1]),
    )


def negate(a: Interval) -> Interval:
    """Bound ``-a``."""
    if len(ends(a)) == 1:
        return hull([arithmetic.negate(a[0])])
    return arithmetic.negate(a[1]), arithmetic.negate(a[0])


def add(a: Interval, b: Interval) -> Interval:
    """Bound ``a + b``."""
    if len(ends(a)) == len(ends(b)) == 1:
        return hull([arithmetic.add(a[0], b[0])])
    return arithmetic.add(a[0], b[0]), arithmetic.add(a[1], b[1])


def subtract(a: Interval, b: Interval) -> Interval:
    """Bound ``a - b``."""
    return add(a, negate(b))


def multiply(a: Interval, b: Interval) -> Interval:
    """Bound ``a * b``."""
    return corners(_product, a, b)


def _product(a: Any, b: Any) -> Any:
    if arithmetic.is_plain(a, b):
        return 0.0 if a == 0 or b == 0 else a * b
    # An infinite end is a limit that is never reached, so zero times it is zero.
    none = jnp.logical_or(jnp.equal(a, 0.0), jnp.equal(b, 0.0))
    return jnp.where(none, 0.0, jnp.multiply(a, b))


def divide(a: Interval, b: Interval) -> Interval:
    """Bound ``a / b``: everything where `b` may be zero."""
    if len(ends(a)) == len(ends(b)) == 1:
        return hull([arithmetic.divide(a[0], b[0])])
    return multiply(a, reciprocal(b))


def reciprocal(b: Interval) -> Interval:
    """Bound ``1 / b``: everything where `b` may be zero."""
    if len(ends(b)) == 1:
        value = arithmetic.divide(1.0, b[0])
        return where(jnp.equal(b[0], 0.0), EVERYTHING, (value, value))
    crosses = jnp.logical_and(jnp.less_equal(b[0], 0.0), jnp.greater_equal(b[1], 0.0))
    return where(crosses, EVERYTHING, (arithmetic.divide(1.0, b[1]), arithmetic.divide(1.0, b[0])))


def power(a: Interval, n: Interval) -> Interval:
    """Bound ``a ^ n``: everything where a negative base may meet a fractional exponent."""
    if len(ends(n)) == 1 and arithmetic.whole(n[0]):
        return _whole_power(a, int(n[0]))
    if len(ends(a)) == len(ends(n)) == 1:
        return hull([arithmetic.power(a[0], n[0])])
    base = (jnp.maximum(a[0], 0.0), jnp.maximum(a[1], 0.0))
    return where(jnp.less(a[0], 0.0), EVERYTHING, corners(arithmetic.power, base, n))


def _whole_power(a: Interval, exponent: int) -> Interval:
    if exponent < 0:
        return reciprocal(_whole_power(a, -exponent))
    if exponent == 0:
        return hull([1.0])
    if exponent % 2:
        return increasing(lambda x: arithmetic.power(x, exponent), a)
    return increasing(lambda x: arithmetic.power(x, exponent), absolute(a))


def absolute(a: Interval) -> Interval:
    """Bound ``abs(a)``."""
    if len(ends(a)) == 1:
        return hull([jnp.abs(a[0])])
    low, high = jnp.abs(a[0]), jnp.abs(a[1])
    crosses = jnp.logical_and(jnp.less_equal(a[0], 0.0), jnp.greater_equal(a[1], 0.0))
    return jnp.where(crosses, 0.0, jnp.minimum(low, high)), jnp.maximum(low, high)


def falling_factorial(x: Interval, order: int) -> Interval:
    """Bound the falling factorial of a count, which never decreases over the integers >= 0."""

    def product(end: Any) -> Any:
        result = jnp.maximum(end, 0.0)
        for step in range(1, order):
            result = jnp.multiply(result, jnp.maximum(arithmetic.subtract(end, float(step)), 0.0))
        return result

    return increasing(product, x)
