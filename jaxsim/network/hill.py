"""The Hill function ``x^n/(k^n + x^n)``: a switch of steepness `n` that is half on at ``x = k``."""

from typing import Any

import jax.numpy as jnp

from jaxsim.network import arithmetic, interval
from jaxsim.network.function import Function, Interval


def _constant(x: float, k: float, n: float) -> float:
    return x**n / (k**n + x**n)


def _value(x: Any, k: Any, n: Any) -> Any:
    # The power of the smaller over the larger never overflows, where x^n does (2e9^5 > float32).
    below = jnp.less(x, k)
    low, high = jnp.where(below, x, k), jnp.where(below, k, x)
    ratio = arithmetic.power(jnp.divide(low, high), n)
    return jnp.divide(jnp.where(below, ratio, 1.0), jnp.add(1.0, ratio))


def _bounds(x: Interval, k: Interval, n: Interval) -> Interval:
    """Take the corners, as for x, k >= 0 the function is monotone in each argument and within 0 and 1."""
    lower, upper = interval.corners(_value, x, k, n)
    defined = jnp.logical_not(jnp.logical_or(jnp.isnan(lower), jnp.isnan(upper)))
    inside = interval.where(defined, (lower, upper), (0.0, 1.0))
    positive = jnp.logical_and(jnp.greater_equal(x[0], 0.0), jnp.greater_equal(k[0], 0.0))
    return interval.where(positive, inside, interval.EVERYTHING)


HILL = Function(3, _constant, _value, _bounds)
