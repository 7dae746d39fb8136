"""Draws that effects and events ask for by name, truncated or not, from two words of the trajectory's stream."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.special import betainc, gammainc, gammaincc, gammaln, ndtr, ndtri
from jax.typing import ArrayLike
from jaxtyping import Float, Float32, Int32

from jaxsim.random.binomial import binomial
from jaxsim.random.normal import normal, tails
from jaxsim.random.poisson import poisson
from jaxsim.random.streams import uniform

# Variates of simple laws by inversion from one uniform; normal, Poisson and binomial have files of their own.


def lognormal(
    u: Float[ArrayLike, "..."],
    median: ArrayLike,
    cv: ArrayLike,
    complement: Float[ArrayLike, "..."] | None = None,
) -> Float32[Array, "..."]:
    """Return the lognormal variate whose distribution function is `u`, nondecreasing in it.

    Parameters
    ----------
    u : float array or scalar
        Uniform in (0, 1).
    median : float, of the shape of `u` or scalar
        Median of the variate itself, positive; its unit is the unit of the result.
    cv : float, of the shape of `u` or scalar
        Coefficient of variation of the variate itself, sd / mean, at least 0. The logarithm's standard
        deviation is sqrt(log(1 + cv**2)).
    complement : float, of the shape of `u`
        1 - u without its rounding, `uniform(~bits)`.

    Returns
    -------
    float32
        Not a number where `median` or `cv` is negative; differentiable in both, in `cv` above 0.

    Examples
    --------
    >>> [round(float(lognormal(u, 2.0, 0.3)), 3) for u in (0.1, 0.5, 0.9)]
    [1.373, 2.0, 2.914]
    """
    median, cv = (jnp.asarray(value).astype(jnp.float32) for value in (median, cv))
    spread = jnp.sqrt(jnp.log1p(cv * cv))
    value = median * jnp.exp(spread * normal(u, complement))
    return jnp.where((median >= np.float32(0)) & (cv >= np.float32(0)), value, np.float32(np.nan))


def bernoulli(
    u: Float[ArrayLike, "..."], p: ArrayLike, complement: Float[ArrayLike, "..."] | None = None
) -> Int32[Array, "..."]:
    """Return 1 with probability p, else 0: whether 1 - u is at most p, so nondecreasing in `u`.

    Parameters
    ----------
    u : float array or scalar
        Uniform in (0, 1).
    p : float, of the shape of `u` or scalar
        Probability of 1, from 0 to 1.
    complement : float, of the shape of `u`
        1 - u without its rounding, `uniform(~bits)`. Give it when p below 1e-4 matters: 1 - u alone is
        known to 2**-25, with it to 2**-33.

    Returns
    -------
    int32
        0 for p = 0, 1 for p = 1, -1 where p is out of its range or not a number.

    Examples
    --------
    >>> [int(bernoulli(u, 0.25)) for u in (0.5, 0.74, 0.76)]
    [0, 0, 1]
    """
    _, upper = tails(u, complement)
    p = jnp.asarray(p).astype(jnp.float32)
    valid = (p >= np.float32(0)) & (p <= np.float32(1))
    return jnp.where(valid, (upper <= p).astype(jnp.int32), np.int32(-1))


# The quantile function of the gamma distribution, in float64 by Halley's method.

_MOST_STEPS = 20
LARGEST_STEP = 8.0  # as a factor; a step of Halley's from far out may leave for where the density is zero
_ENOUGH = 1e-13  # relative change of the last step; a step of third order leaves far less


def gamma_quantile(shape: Array, p: Array, q: Array) -> Any:
    """Return x with P(X < x) = p for a gamma variate of the given shape and scale 1.

    Source: Press et al., Numerical Recipes (2007), section 6.2.1: the start after Wilson and Hilferty, then
    Halley's method; the smaller of the two tails is matched, so that both are accurate.

    Parameters
    ----------
    shape, p, q : float64 arrays of one shape
        Shape parameter, and the probabilities below and above x, ``p + q == 1``.

    Examples
    --------
    >>> import jax
    >>> with jax.enable_x64(True):
    ...     print(f"{gamma_quantile(*map(jnp.float64, (1.0, 0.5, 0.5))):.12f}")
    0.693147180560
    """
    lower = p < q

    def residual(x: Array) -> Any:
        return jnp.where(lower, gammainc(shape, x) - p, q - gammaincc(shape, x))

    def step(carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        number, x, _ = carry
        density = jnp.exp(-x + (shape - 1) * jnp.log(x) - gammaln(shape))
        newton = residual(x) / jnp.where(density > 0, density, np.inf)
        change = newton / (1 - 0.5 * jnp.clip(newton * ((shape - 1) / x - 1), -1.0, 1.0))
        new = jnp.clip(x - change, x / LARGEST_STEP, x * LARGEST_STEP)
        return number + 1, new, jnp.any(jnp.abs(new - x) > _ENOUGH * new)

    def goes_on(carry: tuple[Any, Any, Any]) -> Any:
        return carry[2] & (carry[0] < _MOST_STEPS)

    number, start = jnp.zeros((), jnp.int32), _start(shape, p, q)
    return lax.while_loop(goes_on, step, (number, start, jnp.ones((), bool)))[1]


def _start(shape: Array, p: Array, q: Array) -> Any:
    tail = jnp.minimum(p, q)
    s = jnp.sqrt(-2.0 * jnp.log(tail))
    w = (2.30753 + s * 0.27061) / (1.0 + s * (0.99229 + s * 0.04481)) - s  # about the normal variate of the tail
    cube = 1.0 - 1.0 / (9.0 * shape) + jnp.where(p < q, w, -w) / (3.0 * jnp.sqrt(shape))
    # Of a small probability the first term of the series is a lower bound, and close; the other start fails there.
    series = jnp.exp((jnp.log(p) + gammaln(shape + 1.0)) / shape)
    large = jnp.maximum(shape * jnp.maximum(cube, 0.0) ** 3, series)
    split = 1.0 - shape * (0.253 + shape * 0.12)
    below = p < split
    small = jnp.where(
        below,
        jnp.exp(jnp.log(jnp.where(below, p, split) / jnp.maximum(split, 1e-300)) / shape),
        1.0 - jnp.log(jnp.where(below, 1.0, q / jnp.maximum(1.0 - split, 1e-300))),
    )
    return jnp.maximum(jnp.where(shape > 1.0, large, small), 1e-300)


# Laws of real variates by inversion in float64: quantile and distribution functions, accurate in both tails.
#
# A probability is a pair (below, above) that sums to one, each accurate where it is small.

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


def _standard_normal(p: Array, q: Array) -> Any:
    return jnp.where(p < q, ndtri(p), -ndtri(q))


def _standard_exponential(p: Array, q: Array) -> Any:
    return jnp.where(p < q, -jnp.log1p(-p), -jnp.log(q))


def _exponential_tails(x: Array) -> Pair:
    positive = jnp.maximum(x, 0.0)
    return -jnp.expm1(-positive), jnp.exp(-positive)


def _standard_laplace(p: Array, q: Array) -> Any:
    return jnp.where(p < q, jnp.log(2.0 * p), -jnp.log(2.0 * q))


def _laplace_tails(z: Array) -> Pair:
    tail = 0.5 * jnp.exp(-jnp.abs(z))
    return jnp.where(z < 0, tail, 1.0 - tail), jnp.where(z < 0, 1.0 - tail, tail)


def _standard_cauchy(p: Array, q: Array) -> Any:
    distance = 1.0 / jnp.tan(math.pi * jnp.minimum(p, q))
    return jnp.where(p < q, -distance, distance)


def _cauchy_tails(z: Array) -> Pair:
    return jnp.arctan2(1.0, -z) / math.pi, jnp.arctan2(1.0, z) / math.pi


def _gamma_tails(x: Array, shape: Array, scale: Array) -> Pair:
    z = jnp.clip(x / scale, 0.0, 1e300)
    return gammainc(shape, z), gammaincc(shape, z)


def _uniform_tails(x: Array, low: Array, high: Array) -> Pair:
    return jnp.clip((x - low) / (high - low), 0.0, 1.0), jnp.clip((high - x) / (high - low), 0.0, 1.0)


def _normal_tails(z: Array) -> Pair:
    return ndtr(z), ndtr(-z)


def _logarithm(x: Array) -> Any:
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


_MOST = float(2**31 - 1)


def draw_from(function: str, words: tuple[Any, Any], *arguments: Any) -> Any:
    """Return one variate per lane of the law that an expression names.

    Parameters
    ----------
    function
        Such as ``"random_normal"``: a name of ``jaxsim.network.functions``.
    words : pair of uint32 arrays [lane]
        Random words.
    *arguments : float64 arrays [lane]
        The parameters of the law, and for a truncated one its lowest and highest value.

    Returns
    -------
    float64 [lane]
        NaN where a parameter is out of its range, or nothing lies between the ends of a truncated law.
        Needs 64-bit types.

    Notes
    -----
    By inversion: of a 52-bit uniform for real variates and truncated counts. A truncated law is drawn from the
    probabilities between those of its ends, each tail kept apart, so that far tails are drawn accurately.

    Examples
    --------
    >>> import jax
    >>> with jax.enable_x64(True):
    ...     words = (jnp.full((1,), 2**31, jnp.uint32), jnp.zeros((1,), jnp.uint32))
    ...     print(draw_from("random_normal", words, jnp.float64([5.0]), jnp.float64([1.0])).round(6).tolist())
    [5.0]
    """
    law: Any = REAL_LAWS.get(function) or COUNT_LAWS[function]
    parameters, limits = arguments[: law.parameters], arguments[law.parameters :]
    if isinstance(law, RealLaw):
        return _real(law, words, parameters, limits)
    return _truncated_count(law, words, parameters, limits) if limits else law.sample(words, *parameters)


def _uniforms(words: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return a uniform of the open interval with 52 bits, and one minus it, both exact."""
    bits = ((words[0].astype(jnp.uint64) << np.uint64(32)) | words[1].astype(jnp.uint64)) >> np.uint64(12)
    k = bits.astype(jnp.float64)
    unit = np.float64(2.0**-52)
    return (k + 0.5) * unit, (np.float64(2.0**52 - 1) - k + 0.5) * unit


def _real(law: RealLaw, words: tuple[Any, Any], parameters: tuple[Any, ...], limits: tuple[Any, ...]) -> Any:
    p, q = _uniforms(words)
    good = law.valid(*parameters)
    # Out of its range a law is computed at 1, where all are valid or harmless, and the result thrown away.
    parameters = tuple(jnp.where(good, value, 1.0) for value in parameters)
    if not limits:
        return jnp.where(good, law.quantile(p, q, *parameters), jnp.nan)
    low, high = limits
    (p_low, q_low), (p_high, q_high) = law.probability(low, *parameters), law.probability(high, *parameters)
    value = law.quantile(p_low + p * (p_high - p_low), q_high + q * (q_low - q_high), *parameters)
    good = good & (low <= high) & ((p_high > p_low) | (q_low > q_high) | (low == high))
    return jnp.where(good, jnp.clip(value, low, high), jnp.nan)


class CountLaw(NamedTuple):
    """One law of whole numbers from 0 on."""

    sample: Callable[..., Any]
    """``sample(words, *parameters)``, untruncated."""
    below: Callable[..., Any]
    """``below(k, *parameters)``: the probability of k or less."""
    highest: Callable[..., Any]
    parameters: int


def _poisson(words: tuple[Any, Any], mean: Array) -> Any:
    drawn = poisson(uniform(words[0]), mean.astype(jnp.float32), uniform(~words[0]))
    return _count(drawn)


def _binomial(words: tuple[Any, Any], number: Array, chance: Array) -> Any:
    trials = number.astype(jnp.int32)
    return _count(binomial(uniform(words[0]), trials, chance.astype(jnp.float32), uniform(~words[0])))


def _bernoulli(words: tuple[Any, Any], chance: Array) -> Any:
    good = (chance >= 0) & (chance <= 1)
    return jnp.where(good, (_uniforms(words)[0] < chance).astype(jnp.float64), jnp.nan)


def _count(drawn: Array) -> Any:
    """Return a count as a real number; the samplers return -1 for parameters out of range."""
    return jnp.where(drawn < 0, jnp.nan, drawn.astype(jnp.float64))


def _binomial_below(k: Array, number: Array, chance: Array) -> Any:
    inner = jnp.clip(k, 0.0, jnp.maximum(number - 1.0, 0.0))
    value = betainc(jnp.maximum(number - inner, 1e-300), inner + 1.0, 1.0 - chance)
    return jnp.where(k < 0, 0.0, jnp.where(k >= number, 1.0, value))


def _poisson_below(k: Array, mean: Array) -> Any:
    return jnp.where(k < 0, 0.0, gammaincc(jnp.maximum(k, 0.0) + 1.0, mean))


def _bernoulli_below(k: Array, chance: Array) -> Any:
    return jnp.where(k < 0, 0.0, jnp.where(k < 1, 1.0 - chance, 1.0))


COUNT_LAWS = {
    "binomial": CountLaw(_binomial, _binomial_below, lambda number, chance: number, 2),
    "random_poisson": CountLaw(_poisson, _poisson_below, lambda mean: mean + 40.0 * jnp.sqrt(mean) + 200.0, 1),
    "random_bernoulli": CountLaw(_bernoulli, _bernoulli_below, jnp.ones_like, 1),
}


def _truncated_count(
    law: CountLaw, words: tuple[Any, Any], parameters: tuple[Any, ...], limits: tuple[Any, ...]
) -> Any:
    """Return the smallest count whose distribution function passes the uniform, found by halving."""
    low = jnp.maximum(jnp.ceil(limits[0]), 0.0)
    high = jnp.minimum(jnp.floor(limits[1]), jnp.minimum(law.highest(*parameters), _MOST))
    below = law.below(low - 1.0, *parameters)
    mass = law.below(high, *parameters) - below
    level = below + _uniforms(words)[0] * mass

    def halve(ends: tuple[Any, Any]) -> tuple[Any, Any]:
        left, right = ends
        middle = jnp.floor(0.5 * (left + right))
        passed = law.below(middle, *parameters) >= level
        return jnp.where(passed, left, middle + 1.0), jnp.where(passed, middle, right)

    left, _ = lax.while_loop(lambda ends: jnp.any(ends[0] < ends[1]), halve, (low, jnp.maximum(high, low)))
    return jnp.where((low <= high) & (mass > 0), left, jnp.nan)
