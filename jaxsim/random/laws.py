"""Laws of real variates by inversion in float64: quantile and distribution functions, accurate in both tails.

A probability is a pair (below, above) that sums to one, each accurate where it is small.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.scipy.special import gammainc, gammaincc, ndtr, ndtri

from jaxsim.random.gamma_quantile import gamma_quantile

Pair = tuple[Any, Any]


class RealLaw(NamedTuple):
    """One law of a real variate, by functions of its parameters."""

    quantile: Callable[..., Any]
    """``quantile(below, above, *parameters)``."""
    probability: Callable[..., Pair]
    """``probability(x, *parameters)``, below and above x."""
    valid: Callable[..., Any]
    """Whether the parameters are in their range."""
    parameters: int = 2


def _standard_normal(p: Any, q: Any) -> Any:
    return jnp.where(p < q, ndtri(p), -ndtri(q))


def _standard_exponential(p: Any, q: Any) -> Any:
    return jnp.where(p < q, -jnp.log1p(-p), -jnp.log(q))


def _exponential_tails(x: Any) -> Pair:
    positive = jnp.maximum(x, 0.0)
    return -jnp.expm1(-positive), jnp.exp(-positive)


def _standard_laplace(p: Any, q: Any) -> Any:
    return jnp.where(p < q, jnp.log(2.0 * p), -jnp.log(2.0 * q))


def _laplace_tails(z: Any) -> Pair:
    tail = 0.5 * jnp.exp(-jnp.abs(z))
    return jnp.where(z < 0, tail, 1.0 - tail), jnp.where(z < 0, 1.0 - tail, tail)


def _standard_cauchy(p: Any, q: Any) -> Any:
    distance = 1.0 / jnp.tan(math.pi * jnp.minimum(p, q))
    return jnp.where(p < q, -distance, distance)


def _cauchy_tails(z: Any) -> Pair:
    return jnp.arctan2(1.0, -z) / math.pi, jnp.arctan2(1.0, z) / math.pi


def _gamma_tails(x: Any, shape: Any, scale: Any) -> Pair:
    z = jnp.clip(x / scale, 0.0, 1e300)
    return gammainc(shape, z), gammaincc(shape, z)


def _uniform_tails(x: Any, low: Any, high: Any) -> Pair:
    return jnp.clip((x - low) / (high - low), 0.0, 1.0), jnp.clip((high - x) / (high - low), 0.0, 1.0)


def _normal_tails(z: Any) -> Pair:
    return ndtr(z), ndtr(-z)


def _logarithm(x: Any) -> Any:
    return jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), -jnp.inf)


def _of_location(standard: Callable[..., Any], tails: Callable[[Any], Pair]) -> RealLaw:
    """Return the law of ``location + scale * z``."""
    return RealLaw(
        lambda p, q, location, scale: location + scale * standard(p, q),
        lambda x, location, scale: tails((x - location) / scale),
        lambda location, scale: jnp.isfinite(location) & (scale > 0) & jnp.isfinite(scale),
    )


def _positive(*values: Any) -> Any:
    good = jnp.ones((), bool)
    for value in values:
        good = good & (value > 0) & jnp.isfinite(value)
    return good


REAL_LAWS = {
    "random_normal": _of_location(_standard_normal, _normal_tails),
    "random_laplace": _of_location(_standard_laplace, _laplace_tails),
    "random_cauchy": _of_location(_standard_cauchy, _cauchy_tails),
    "random_uniform": RealLaw(
        lambda p, q, low, high: jnp.where(p < q, low + p * (high - low), high - q * (high - low)),
        _uniform_tails,
        lambda low, high: jnp.isfinite(low) & jnp.isfinite(high) & (low < high),
    ),
    "random_exponential": RealLaw(
        lambda p, q, rate: _standard_exponential(p, q) / rate,
        lambda x, rate: _exponential_tails(rate * x),
        _positive,
        1,
    ),
    "random_gamma": RealLaw(lambda p, q, shape, scale: scale * gamma_quantile(shape, p, q), _gamma_tails, _positive),
    "random_lognormal": RealLaw(
        lambda p, q, mean, deviation: jnp.exp(mean + deviation * _standard_normal(p, q)),
        lambda x, mean, deviation: _normal_tails((_logarithm(x) - mean) / deviation),
        lambda mean, deviation: jnp.isfinite(mean) & _positive(deviation),
    ),
    "random_rayleigh": RealLaw(
        lambda p, q, scale: scale * jnp.sqrt(2.0 * _standard_exponential(p, q)),
        lambda x, scale: _exponential_tails(0.5 * jnp.square(jnp.maximum(x, 0.0) / scale)),
        _positive,
        1,
    ),
}
