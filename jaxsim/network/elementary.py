"""The elementary functions: exp, logarithms, sqrt, sin, cos, tan, abs, min, max, floor, ceil, pow."""

import math
from functools import partial
from typing import Any

import jax.numpy as jnp

from jaxsim.network import arithmetic, interval
from jaxsim.network.function import Function, Interval


def _monotone(constant: Any, value: Any) -> Function:
    return Function(1, constant, value, partial(interval.increasing, value))


def _with_domain(constant: Any, value: Any) -> Function:
    """Make a function that increases from 0 on and has no real value below 0."""

    def bounds(a: Interval) -> Interval:
        if len(interval.ends(a)) == 1:
            inside = interval.hull([value(jnp.maximum(a[0], 0.0))])
        else:
            inside = (value(jnp.maximum(a[0], 0.0)), value(jnp.maximum(a[1], 0.0)))
        return interval.where(jnp.less(a[0], 0.0), interval.EVERYTHING, inside)

    return Function(1, constant, value, bounds)


def _reaches(a: Interval, phase: float, period: float) -> Any:
    """Return whether the interval holds ``phase + k*period`` for some integer k.

    A few units of rounding are allowed for: a false yes only loosens the bound.
    """
    slack = 1e-6 * (jnp.abs(a[0]) + jnp.abs(a[1]))
    nearest = jnp.ceil((a[0] - slack - phase) / period) * period + phase
    return jnp.less_equal(nearest, a[1] + slack)


def _wave(value: Any, peak: float, trough: float, a: Interval) -> Interval:
    if len(interval.ends(a)) == 1:
        return interval.hull([value(a[0])])
    first, last = value(a[0]), value(a[1])
    lower = jnp.where(_reaches(a, trough, 2 * math.pi), -1.0, jnp.minimum(first, last))
    upper = jnp.where(_reaches(a, peak, 2 * math.pi), 1.0, jnp.maximum(first, last))
    return lower, upper


def _tangent(a: Interval) -> Interval:
    if len(interval.ends(a)) == 1:
        return interval.hull([jnp.tan(a[0])])
    inside = (jnp.tan(a[0]), jnp.tan(a[1]))
    return interval.where(_reaches(a, math.pi / 2, math.pi), interval.EVERYTHING, inside)


def _chain(pair: Any, *values: Any) -> Any:
    result = values[0]
    for value in values[1:]:
        result = pair(result, value)
    return result


def _extreme(constant: Any, pair: Any) -> Function:
    value = partial(_chain, pair)
    return Function(None, constant, value, partial(interval.corners, value))


def _round(constant: Any, value: Any) -> Function:
    return _monotone(lambda x: float(constant(x)), value)


ELEMENTARY: dict[str, Function] = {
    "exp": _monotone(math.exp, jnp.exp),
    "log": _with_domain(math.log, jnp.log),
    "log10": _with_domain(math.log10, jnp.log10),
    "sqrt": _with_domain(math.sqrt, jnp.sqrt),
    "sin": Function(1, math.sin, jnp.sin, partial(_wave, jnp.sin, math.pi / 2, -math.pi / 2)),
    "cos": Function(1, math.cos, jnp.cos, partial(_wave, jnp.cos, 0.0, math.pi)),
    "tan": Function(1, math.tan, jnp.tan, _tangent),
    "abs": Function(1, abs, jnp.abs, interval.absolute),
    "min": _extreme(min, jnp.minimum),
    "max": _extreme(max, jnp.maximum),
    "floor": _round(math.floor, jnp.floor),
    "ceil": _round(math.ceil, jnp.ceil),
    "pow": Function(2, math.pow, arithmetic.power, interval.power),
}
