"""Poisson variates by inversion of the distribution function from one uniform."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Float, Float32, Int32

from jaxsim.random.normal import normal_of_tails, tails
from jaxsim.random.quantile import SMALLEST_VARIANCE, quantile_above_mean

LARGEST_MEAN = 2.0**30  # six standard deviations more still fit an int32
TERMS = 30  # P(K > 30) is 8e-13 at mean 6, below the smallest 1 - u, 2**-33
INVALID = -1  # no count; a negative number of firings cannot go unnoticed


def poisson(
    u: Float[ArrayLike, "..."], mean: ArrayLike, complement: Float[ArrayLike, "..."] | None = None
) -> Int32[Array, "..."]:
    """Return the smallest k with P(K <= k) > u, for K a Poisson variate.

    Below mean 6 the distribution function is summed from the upper tail down, so that rare firings keep
    their relative accuracy; from 6 on, k is the integer part of the continuous quantile (Giles 2016,
    "Algorithm 955", ACM TOMS 42:7; see `jaxsim.random.quantile`). There is no rejection and no loop.
    The largest error over all 2**32 uniforms, with `complement`, measured against the exact law:

    ===============  =======  =====  =======  =======  =======  =======  =======  =======
    mean             0.001    1      5.9      6        20       1e3      5e3      1e6
    ===============  =======  =====  =======  =======  =======  =======  =======  =======
    total variation  1e-10    8e-8   2e-7     3.5e-6   1.3e-6   9e-7     2e-6     3e-5
    in P(K <= k)     7e-11    8e-8   2e-7     1.0e-6   6e-7     1e-7     8e-8     8e-8
    ===============  =======  =====  =======  =======  =======  =======  =======  =======

    The total variation grows with the number of values that 2**32 uniforms have to tell apart, to 3e-4 at
    mean 1e8.

    Nondecreasing in `u`, except that from mean 6 on uniforms within 4 units of the last place of a step
    may fall on either side of it; nondecreasing in the mean to the accuracy in the table.

    Parameters
    ----------
    u : float array or scalar
        Uniform in (0, 1), taken as float32.
    mean : float, of the shape of `u` or scalar
        From 0, which gives 0, to 2**30; taken as float32.
    complement : float, of the shape of `u`
        1 - u without its rounding, `uniform(~bits)`. Give it when means below 1e-3 matter: 1 - u alone
        is a multiple of 2**-24, so a mean of 1e-7 would fire a tenth too rarely, and one of 5e-8 never.

    Returns
    -------
    int32
        The count; -1 where the mean is negative, not a number or above 2**30.

    Examples
    --------
    >>> [int(poisson(0.9, mean)) for mean in (0.0, 0.5, 10.0, 1e6)]
    [0, 1, 14, 1001282]
    """
    lower, upper = tails(u, complement)
    mean = jnp.asarray(mean).astype(jnp.float32)
    threshold = np.float32(SMALLEST_VARIANCE)
    few = _count_steps(upper, jnp.minimum(mean, threshold))
    many = _round_quantile(lower, upper, jnp.maximum(mean, threshold))
    valid = (mean >= np.float32(0)) & (mean <= np.float32(LARGEST_MEAN))
    return jnp.where(valid, jnp.where(mean < threshold, few, many), np.int32(INVALID))


def _count_steps(upper: Float32[Array, "..."], mean: Float32[Array, "..."]) -> Int32[Array, "..."]:
    """Count the j >= 1 with P(K >= j) >= 1 - u."""
    terms = [jnp.exp(-mean)]
    for j in range(1, TERMS + 1):
        terms.append(terms[-1] * (mean * np.float32(1 / j)))
    return count_tails(upper, terms)


def count_tails(upper: Float32[Array, "..."], terms: list[Float32[Array, "..."]]) -> Int32[Array, "..."]:
    """Count the j >= 1 whose tail terms[j] + terms[j + 1] + ... is at least `upper`, adding small terms first."""
    tail = jnp.zeros_like(terms[0])
    count = jnp.zeros(jnp.broadcast_shapes(upper.shape, tail.shape), jnp.int32)
    for term in terms[:0:-1]:
        tail = tail + term
        count = count + (tail >= upper).astype(jnp.int32)
    return count


def _round_quantile(
    lower: Float32[Array, "..."], upper: Float32[Array, "..."], mean: Float32[Array, "..."]
) -> Int32[Array, "..."]:
    """Return the integer part of the continuous quantile, at least 0."""
    above = quantile_above_mean(normal_of_tails(lower, upper), jnp.sqrt(mean), 1.0)
    # float32 holds no fractions of a large mean, so whole and fractional parts are added apart.
    whole = jnp.floor(mean)
    steps = jnp.floor((mean - whole) + above)
    return jnp.maximum(whole.astype(jnp.int32) + steps.astype(jnp.int32), np.int32(0))
