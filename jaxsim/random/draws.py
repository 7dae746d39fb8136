"""Draws that effects and events ask for by name, truncated or not, from two words of the trajectory's stream."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import betainc, gammaincc

from jaxsim.random.binomial import binomial
from jaxsim.random.laws import REAL_LAWS, RealLaw
from jaxsim.random.poisson import poisson
from jaxsim.random.streams import uniform

MOST = float(2**31 - 1)


def draw_from(function: str, words: tuple[Any, Any], *arguments: Any) -> Any:
    """Return one variate per lane of the law that an expression names.

    Parameters
    ----------
    function
        Such as ``"random_normal"``: a name of ``jaxsim.network.randomness``.
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


def _poisson(words: tuple[Any, Any], mean: Any) -> Any:
    drawn = poisson(uniform(words[0]), mean.astype(jnp.float32), uniform(~words[0]))
    return _count(drawn)


def _binomial(words: tuple[Any, Any], number: Any, chance: Any) -> Any:
    trials = number.astype(jnp.int32)
    return _count(binomial(uniform(words[0]), trials, chance.astype(jnp.float32), uniform(~words[0])))


def _bernoulli(words: tuple[Any, Any], chance: Any) -> Any:
    good = (chance >= 0) & (chance <= 1)
    return jnp.where(good, (_uniforms(words)[0] < chance).astype(jnp.float64), jnp.nan)


def _count(drawn: Any) -> Any:
    """Return a count as a real number; the samplers return -1 for parameters out of range."""
    return jnp.where(drawn < 0, jnp.nan, drawn.astype(jnp.float64))


def _binomial_below(k: Any, number: Any, chance: Any) -> Any:
    inner = jnp.clip(k, 0.0, jnp.maximum(number - 1.0, 0.0))
    value = betainc(jnp.maximum(number - inner, 1e-300), inner + 1.0, 1.0 - chance)
    return jnp.where(k < 0, 0.0, jnp.where(k >= number, 1.0, value))


def _poisson_below(k: Any, mean: Any) -> Any:
    return jnp.where(k < 0, 0.0, gammaincc(jnp.maximum(k, 0.0) + 1.0, mean))


def _bernoulli_below(k: Any, chance: Any) -> Any:
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
    high = jnp.minimum(jnp.floor(limits[1]), jnp.minimum(law.highest(*parameters), MOST))
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
