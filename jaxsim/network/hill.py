"""The Hill function ``x^n/(k^n + x^n)``: a switch of steepness `n` that is half on at ``x = k``."""

from typing import Any

from jaxsim.network import arithmetic, interval
from jaxsim.network.function import Function, Interval


def _constant(x: float, k: float, n: float) -> float:
    return x**n / (k**n + x**n)


def _value(x: Any, k: Any, n: Any) -> Any:
    # The power of the smaller over the larger never overflows, where x^n does (2e9^5 > float32).
    below = arithmetic.less(x, k)
    low, high = arithmetic.where(below, x, k), arithmetic.where(below, k, x)
    ratio = arithmetic.power(arithmetic.divide(low, high), n)
    return arithmetic.divide(arithmetic.where(below, ratio, 1.0), arithmetic.add(1.0, ratio))


def _bounds(x: Interval, k: Interval, n: Interval) -> Interval:
    """Take the corners, as for x, k >= 0 the function is monotone in each argument and within 0 and 1."""
    lower, upper = interval.corners(_value, x, k, n)
    undefined = arithmetic.either(arithmetic.is_nan(lower), arithmetic.is_nan(upper))
    inside = interval.where(undefined, (0.0, 1.0), (lower, upper))
    positive = arithmetic.both(arithmetic.greater_equal(x[0], 0.0), arithmetic.greater_equal(k[0], 0.0))
    return interval.where(positive, inside, interval.EVERYTHING)


HILL = Function(3, _constant, _value, _bounds)
