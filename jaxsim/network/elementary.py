"""The elementary functions: powers, logarithms, trigonometric, hyperbolic and their inverses, extremes, steps."""

import math
from functools import partial, reduce
from typing import Any

import jax.numpy as jnp

from jaxsim.network import arithmetic, interval
from jaxsim.network.function import Function, Interval


def _log10(x: Any) -> Any:
    # Of a Python number jnp.log10 is not weakly typed and would widen what it meets.
    return jnp.divide(jnp.log(x), math.log(10.0))


def _increasing(constant: Any, value: Any) -> Function:
    return Function(1, constant, value, partial(interval.increasing, value))


def _increasing_from_zero(constant: Any, value: Any) -> Function:
    """Describe a function that increases from 0 on and has no real value below 0."""

    def bounds(a: Interval) -> Interval:
        inside = (value(jnp.maximum(a[0], 0.0)), value(jnp.maximum(a[1], 0.0)))
        return interval.where(jnp.greater_equal(a[0], 0.0), inside, interval.EVERYTHING)

    return Function(1, constant, value, bounds)


def _increasing_within(constant: Any, value: Any, low: float, high: float) -> Function:
    """Describe a function that increases from `low` to `high` and has no real value elsewhere."""

    def bounds(a: Interval) -> Interval:
        inside = jnp.logical_and(jnp.greater_equal(a[0], low), jnp.less_equal(a[1], high))
        return interval.where(
            inside, (value(jnp.maximum(a[0], low)), value(jnp.minimum(a[1], high))), interval.EVERYTHING
        )

    return Function(1, constant, value, bounds)


def _arc_cosine_bounds(a: Interval) -> Interval:
    inside = jnp.logical_and(jnp.greater_equal(a[0], -1.0), jnp.less_equal(a[1], 1.0))
    return interval.where(
        inside, (jnp.arccos(jnp.minimum(a[1], 1.0)), jnp.arccos(jnp.maximum(a[0], -1.0))), interval.EVERYTHING
    )


def _cosh_bounds(a: Interval) -> Interval:
    return interval.increasing(jnp.cosh, interval.absolute(a))


def _misses(a: Interval, phase: float, period: float) -> Any:
    """Return whether the interval surely holds no ``phase + k*period``.

    Rounding of the ends is allowed for: a false no loosens the bound by as little.
    """
    slack = 1e-6 * (jnp.abs(a[0]) + jnp.abs(a[1]))
    nearest = jnp.ceil((a[0] - slack - phase) / period) * period + phase
    return jnp.greater(nearest, a[1] + slack)


def _wave_bounds(value: Any, peak: float, trough: float, a: Interval) -> Interval:
    first, last = value(a[0]), value(a[1])
    lower = jnp.where(_misses(a, trough, 2 * math.pi), jnp.minimum(first, last), -1.0)
    upper = jnp.where(_misses(a, peak, 2 * math.pi), jnp.maximum(first, last), 1.0)
    return lower, upper


def _tangent_bounds(a: Interval) -> Interval:
    inside = (jnp.tan(a[0]), jnp.tan(a[1]))
    return interval.where(_misses(a, math.pi / 2, math.pi), inside, interval.EVERYTHING)


def _extreme(constant: Any, pair: Any) -> Function:
    def value(*arguments: Any) -> Any:
        return reduce(pair, arguments)

    def bounds(*arguments: Interval) -> Interval:
        return value(*(a[0] for a in arguments)), value(*(a[1] for a in arguments))

    return Function(None, constant, value, bounds)


ELEMENTARY: dict[str, Function] = {
    "exp": _increasing(math.exp, jnp.exp),
    "log": _increasing_from_zero(math.log, jnp.log),
    "log10": _increasing_from_zero(math.log10, _log10),
    "sqrt": _increasing_from_zero(math.sqrt, jnp.sqrt),
    "sin": Function(1, math.sin, jnp.sin, partial(_wave_bounds, jnp.sin, math.pi / 2, -math.pi / 2)),
    "cos": Function(1, math.cos, jnp.cos, partial(_wave_bounds, jnp.cos, 0.0, math.pi)),
    "tan": Function(1, math.tan, jnp.tan, _tangent_bounds),
    "asin": _increasing_within(math.asin, jnp.arcsin, -1.0, 1.0),
    "acos": Function(1, math.acos, jnp.arccos, _arc_cosine_bounds),
    "atan": _increasing(math.atan, jnp.arctan),
    "sinh": _increasing(math.sinh, jnp.sinh),
    "cosh": Function(1, math.cosh, jnp.cosh, _cosh_bounds),
    "tanh": _increasing(math.tanh, jnp.tanh),
    "asinh": _increasing(math.asinh, jnp.arcsinh),
    "acosh": _increasing_within(math.acosh, jnp.arccosh, 1.0, math.inf),
    "atanh": _increasing_within(math.atanh, jnp.arctanh, -1.0, 1.0),
    "abs": Function(1, abs, jnp.abs, interval.absolute),
    "min": _extreme(min, jnp.minimum),
    "max": _extreme(max, jnp.maximum),
    "floor": _increasing(math.floor, jnp.floor),
    "ceil": _increasing(math.ceil, jnp.ceil),
    "pow": Function(2, math.pow, arithmetic.power, interval.power),
}
