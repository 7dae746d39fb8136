"""Binomial variates by inversion of the distribution function from one uniform."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Bool, Float, Float32, Int32

from jaxsim.random.normal import normal_of_tails, tails
from jaxsim.random.poisson import INVALID, SMALLEST_VARIANCE, TERMS, count_tails, quantile_above_mean

LARGEST_NUMBER = 2**31 - 1


def binomial(
    u: Float[ArrayLike, "..."],
    n: ArrayLike,
    p: ArrayLike,
    complement: Float[ArrayLike, "..."] | None = None,
) -> Int32[Array, "..."]:
    """Return the smallest k with P(K <= k) > u, for K the successes in n trials of probability p.

    For p > 1/2 failures are counted. Below a variance n p (1 - p) of 6 the distribution function is summed
    from the upper tail down, starting from exp(n log(1 - p)), which stays above 1e-7 there whatever n is;
    from 6 on, k is the integer part of the continuous quantile (`jaxsim.random.poisson`, after Giles 2016,
    "Algorithm 955", ACM TOMS 42:7). There is no rejection and no loop. Total variation distance from the
    exact law over all 2**32 uniforms, with `complement`:

    =======  ========  ========  ========  ========
    n        p = 0.01  p = 0.1   p = 0.3   p = 0.5
    =======  ========  ========  ========  ========
    10       1e-9      1e-7      2e-7      9e-8
    100      2e-8      5e-6      3e-6      2e-6
    1000     2e-6      9e-7      1e-6      6e-7
    100000   9e-7      3e-6      4e-6      5e-6
    =======  ========  ========  ========  ========

    It is largest where the second method takes over, 1.2e-5 at n = 24, p = 0.5, and grows as the number of
    values to tell apart by 2**32 uniforms does, to 1.4e-4 at n = 1e8; P(K <= k) stays within 4e-6.

    Nondecreasing in `u`, except that from variance 6 on uniforms within 4 units of the last place of a step
    may fall on either side of it. Always 0 <= k <= n.

    Parameters
    ----------
    u : float array or scalar
        Uniform in (0, 1), taken as float32.
    n : integer, of the shape of `u` or scalar
        Number of trials, from 0 to 2**31 - 1; a float is rounded down.
    p : float, of the shape of `u` or scalar
        Probability of success, from 0 to 1, taken as float32; 0 gives 0 and 1 gives n.
    complement : float, of the shape of `u`
        1 - u without its rounding, `uniform(~bits)`; without it the upper tail is resolved to 2**-25.

    Returns
    -------
    int32
        The count; -1 where n or p is out of its range or not a number.

    Examples
    --------
    >>> [int(binomial(0.9, n, 0.5)) for n in (0, 1, 10, 10**6)]
    [0, 1, 7, 500641]
    """
    lower, upper = tails(u, complement)
    number, possible = _trials(n)
    p = jnp.asarray(p).astype(jnp.float32)
    swapped = p > np.float32(0.5)
    rare = jnp.where(swapped, np.float32(1) - p, p)
    below, above = jnp.where(swapped, upper, lower), jnp.where(swapped, lower, upper)
    count = jnp.clip(_rare_successes(below, above, number, rare), np.int32(0), number)
    count = jnp.where(swapped, number - count, count)
    valid = possible & (p >= np.float32(0)) & (p <= np.float32(1))
    return jnp.where(valid, count, np.int32(INVALID))


def _trials(n: ArrayLike) -> tuple[Int32[Array, "..."], Bool[Array, "..."]]:
    """Return n as int32, and where it is a number of trials that int32 can hold."""
    n = jnp.asarray(n)
    if jnp.issubdtype(n.dtype, jnp.floating):
        possible = (n >= 0) & (n < LARGEST_NUMBER)
    elif jnp.iinfo(n.dtype).max > LARGEST_NUMBER:
        possible = (n >= 0) & (n <= LARGEST_NUMBER)
    else:
        possible = n >= 0
    return jnp.where(possible, n, jnp.zeros_like(n)).astype(jnp.int32), possible


def _rare_successes(
    lower: Float32[Array, "..."], upper: Float32[Array, "..."], n: Int32[Array, "..."], p: Float32[Array, "..."]
) -> Int32[Array, "..."]:
    """Invert for p at most 1/2."""
    variance = n.astype(jnp.float32) * p * (np.float32(1) - p)
    small = variance < np.float32(SMALLEST_VARIANCE)
    few = _count_steps(upper, jnp.where(small, n, np.int32(0)).astype(jnp.float32), p)
    sigma = jnp.sqrt(jnp.maximum(variance, np.float32(SMALLEST_VARIANCE)))
    above = quantile_above_mean(normal_of_tails(lower, upper), sigma, np.float32(1) - np.float32(2) * p)
    whole, fraction = _mean_parts(n, p)
    return jnp.where(small, few, whole + jnp.floor(fraction + above).astype(jnp.int32))


def _count_steps(
    upper: Float32[Array, "..."], n: Float32[Array, "..."], p: Float32[Array, "..."]
) -> Int32[Array, "..."]:
    """Count the j >= 1 with P(K >= j) >= 1 - u."""
    odds = p / (np.float32(1) - p)
    terms = [jnp.exp(n * jnp.log1p(-p))]
    for j in range(1, TERMS + 1):
        terms.append(terms[-1] * ((n - np.float32(j - 1)) * (odds * np.float32(1 / j))))
    return count_tails(upper, terms)


def _mean_parts(n: Int32[Array, "..."], p: Float32[Array, "..."]) -> tuple[Int32[Array, "..."], Float32[Array, "..."]]:
    """Return n p for p at most 1/2 as a whole number and the rest, which float32 would round to 2**-24 of n p."""
    # p = a / 2**12 + rest and n = high 2**12 + low make high * a and low * a exact.
    a = jnp.floor(p * np.float32(4096))
    rest = p - a * np.float32(1 / 4096)
    high, low = n >> np.int32(12), n & np.int32(4095)
    fraction = low.astype(jnp.float32) * a * np.float32(1 / 4096) + n.astype(jnp.float32) * rest
    whole = jnp.floor(fraction)
    return high * a.astype(jnp.int32) + whole.astype(jnp.int32), fraction - whole
