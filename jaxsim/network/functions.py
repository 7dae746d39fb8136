"""The table of functions an expression may call: a new one is a file and a line here."""

import math
from collections.abc import Callable
from functools import partial, reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxsim.network import arithmetic, interval
from jaxsim.network.expression import Expression, fold
from jaxsim.network.interval import Interval

# Random functions that effects and events may call: a new one is a line here and a sampler in ``jaxsim.random``.
#
# Each takes its parameters, and optionally two more: the lowest and highest value of a truncated law.

# Parameters of each law, in order.
RANDOM: dict[str, tuple[str, ...]] = {
    "binomial": ("trials", "probability"),
    "random_normal": ("mean", "standard deviation"),
    "random_uniform": ("lowest", "highest"),
    "random_exponential": ("rate",),
    "random_gamma": ("shape", "scale"),
    "random_poisson": ("mean",),
    "random_lognormal": ("mean of the logarithm", "standard deviation of the logarithm"),
    "random_cauchy": ("location", "scale"),
    "random_laplace": ("location", "scale"),
    "random_rayleigh": ("scale",),
    "random_bernoulli": ("probability",),
}

TRUNCATED = 2  # arguments more than parameters


def is_random(expression: Expression) -> bool:
    """Return whether the expression draws random numbers.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> is_random(parse("1 + random_normal(0, s)")), is_random(parse("1 + s"))
    (True, False)
    """

    def visit(node: Expression, below: list[bool]) -> bool:
        return any(below) or getattr(node, "function", None) in RANDOM

    return fold(expression, visit)


# What the parser, the evaluation and the bounds need to know about one function.

# An array of any shape (lanes) or a scalar; truth values are boolean arrays.
Value = Shaped[ArrayLike, "..."]


class KineticFunction(NamedTuple):
    """One deterministic function that an expression may call.

    Attributes
    ----------
    arity
        Number of arguments; ``None`` means two or more.
    constant
        The function of Python floats, used when all arguments are constants.
    value
        The function of arrays of one floating dtype (or Python floats), in ``jax.numpy``.
    bounds
        From one interval per argument to an interval that holds every value.

    Examples
    --------
    >>> from jaxsim.network.functions import FUNCTIONS
    >>> FUNCTIONS["hill"].arity
    3
    """

    arity: int | None
    constant: Callable[..., float]
    value: Callable[..., Any]
    bounds: Callable[..., Interval]


# The elementary functions: powers, logarithms, trigonometric, hyperbolic and their inverses, extremes, steps.


def _log10(x: ArrayLike) -> Any:
    # Of a Python number jnp.log10 is not weakly typed and would widen what it meets.
    return jnp.divide(jnp.log(x), math.log(10.0))


def _increasing(constant: Callable[..., Any], value: Callable[..., Any]) -> KineticFunction:
    return KineticFunction(1, constant, value, partial(interval.increasing, value))


def _increasing_from_zero(constant: Callable[..., Any], value: Callable[..., Any]) -> KineticFunction:
    """Describe a function that increases from 0 on and has no real value below 0."""

    def bounds(a: Interval) -> Interval:
        inside = (value(jnp.maximum(a[0], 0.0)), value(jnp.maximum(a[1], 0.0)))
        return interval.where(jnp.greater_equal(a[0], 0.0), inside, interval.EVERYTHING)

    return KineticFunction(1, constant, value, bounds)


def _increasing_within(
    constant: Callable[..., Any], value: Callable[..., Any], low: float, high: float
) -> KineticFunction:
    """Describe a function that increases from `low` to `high` and has no real value elsewhere."""

    def bounds(a: Interval) -> Interval:
        inside = jnp.logical_and(jnp.greater_equal(a[0], low), jnp.less_equal(a[1], high))
        return interval.where(
            inside, (value(jnp.maximum(a[0], low)), value(jnp.minimum(a[1], high))), interval.EVERYTHING
        )

    return KineticFunction(1, constant, value, bounds)


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


def _wave_bounds(value: Callable[..., Any], peak: float, trough: float, a: Interval) -> Interval:
    first, last = value(a[0]), value(a[1])
    lower = jnp.where(_misses(a, trough, 2 * math.pi), jnp.minimum(first, last), -1.0)
    upper = jnp.where(_misses(a, peak, 2 * math.pi), jnp.maximum(first, last), 1.0)
    return lower, upper


def _tangent_bounds(a: Interval) -> Interval:
    inside = (jnp.tan(a[0]), jnp.tan(a[1]))
    return interval.where(_misses(a, math.pi / 2, math.pi), inside, interval.EVERYTHING)


def _extreme(constant: Callable[..., Any], pair: Any) -> KineticFunction:
    def value(*arguments: Any) -> Any:
        return reduce(pair, arguments)

    def bounds(*arguments: Interval) -> Interval:
        return value(*(a[0] for a in arguments)), value(*(a[1] for a in arguments))

    return KineticFunction(None, constant, value, bounds)


ELEMENTARY: dict[str, KineticFunction] = {
    "exp": _increasing(math.exp, jnp.exp),
    "log": _increasing_from_zero(math.log, jnp.log),
    "log10": _increasing_from_zero(math.log10, _log10),
    "sqrt": _increasing_from_zero(math.sqrt, jnp.sqrt),
    "sin": KineticFunction(1, math.sin, jnp.sin, partial(_wave_bounds, jnp.sin, math.pi / 2, -math.pi / 2)),
    "cos": KineticFunction(1, math.cos, jnp.cos, partial(_wave_bounds, jnp.cos, 0.0, math.pi)),
    "tan": KineticFunction(1, math.tan, jnp.tan, _tangent_bounds),
    "asin": _increasing_within(math.asin, jnp.arcsin, -1.0, 1.0),
    "acos": KineticFunction(1, math.acos, jnp.arccos, _arc_cosine_bounds),
    "atan": _increasing(math.atan, jnp.arctan),
    "sinh": _increasing(math.sinh, jnp.sinh),
    "cosh": KineticFunction(1, math.cosh, jnp.cosh, _cosh_bounds),
    "tanh": _increasing(math.tanh, jnp.tanh),
    "asinh": _increasing(math.asinh, jnp.arcsinh),
    "acosh": _increasing_within(math.acosh, jnp.arccosh, 1.0, math.inf),
    "atanh": _increasing_within(math.atanh, jnp.arctanh, -1.0, 1.0),
    "abs": KineticFunction(1, abs, jnp.abs, interval.absolute),
    "min": _extreme(min, jnp.minimum),
    "max": _extreme(max, jnp.maximum),
    "floor": _increasing(math.floor, jnp.floor),
    "ceil": _increasing(math.ceil, jnp.ceil),
    "pow": KineticFunction(2, math.pow, arithmetic.power, interval.power),
}


# The Hill function ``x^n/(k^n + x^n)``: a switch of steepness `n` that is half on at ``x = k``.


def _hill_constant(x: float, k: float, n: float) -> float:
    return x**n / (k**n + x**n)


def _hill(x: ArrayLike, k: ArrayLike, n: ArrayLike) -> Any:
    # The power of the smaller over the larger never overflows, where x^n does (2e9^5 > float32).
    below = arithmetic.less(x, k)
    low, high = arithmetic.where(below, x, k), arithmetic.where(below, k, x)
    ratio = arithmetic.power(arithmetic.divide(low, high), n)
    return arithmetic.divide(arithmetic.where(below, ratio, 1.0), arithmetic.add(1.0, ratio))


def _hill_bounds(x: Interval, k: Interval, n: Interval) -> Interval:
    """Take the corners, as for x, k >= 0 the function is monotone in each argument and within 0 and 1."""
    lower, upper = interval.corners(_hill, x, k, n)
    undefined = arithmetic.either(arithmetic.is_nan(lower), arithmetic.is_nan(upper))
    inside = interval.where(undefined, (0.0, 1.0), (lower, upper))
    positive = arithmetic.both(arithmetic.greater_equal(x[0], 0.0), arithmetic.greater_equal(k[0], 0.0))
    return interval.where(positive, inside, interval.EVERYTHING)


HILL = KineticFunction(3, _hill_constant, _hill, _hill_bounds)


# Michaelis-Menten kinetics ``vmax*x/(km + x)``.


def _michaelis_menten_constant(x: float, vmax: float, km: float) -> float:
    return vmax * x / (km + x)


def _michaelis_menten(x: ArrayLike, vmax: ArrayLike, km: ArrayLike) -> Any:
    return arithmetic.divide(arithmetic.multiply(vmax, x), arithmetic.add(km, x))


def _michaelis_menten_bounds(x: Interval, vmax: Interval, km: Interval) -> Interval:
    """Take the corners: for x >= 0 and km > 0 the function is monotone in each argument."""
    regular = jnp.logical_and(jnp.greater_equal(x[0], 0.0), jnp.greater(km[0], 0.0))
    return interval.where(regular, interval.corners(_michaelis_menten, x, vmax, km), interval.EVERYTHING)


MICHAELIS_MENTEN = KineticFunction(3, _michaelis_menten_constant, _michaelis_menten, _michaelis_menten_bounds)


FUNCTIONS: dict[str, KineticFunction] = {
    **ELEMENTARY,
    "hill": HILL,
    "michaelis_menten": MICHAELIS_MENTEN,
}

SYNONYMS = {"ln": "log"}

# Special in evaluation: `if` takes a truth value, random functions draw. Numbers of arguments.
SPECIAL_ARITY = {"if": 3, **{name: len(parameters) for name, parameters in RANDOM.items()}}

RESERVED = (
    frozenset(FUNCTIONS)
    | frozenset(SYNONYMS)
    | frozenset(SPECIAL_ARITY)
    | {
        "t",
        "pi",
        "and",
        "or",
        "not",
    }
)
