"""Poisson variates by inversion of the distribution function from one uniform."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Float, Float32, Int32

from jaxsim.random.normal import normal_of_tails, polynomial, tails

# The continuous quantile function that Poisson and binomial variates are the integer part of.
#
# For a Poisson or binomial variate K with variance sigma**2 and skewness theta / sigma (theta = 1 for the
# Poisson, 1 - 2p for the binomial), the function C(x) = P(K < x) has a smooth continuation between the
# integers, an incomplete gamma or beta function. If C(x) = u then K = floor(x) has distribution function u
# (Giles 2016, "Algorithm 955", ACM TOMS 42:7, section 2). With w the normal variate of u, his expansions
#
#     x = mean + sigma w + theta (w**2 - 1) / 6 + 1/2 + O(1 / sigma)
#
# (equation 6 there for theta = 1) are resummed here as Temme (1979) does for the gamma function: as w / sigma
# stays fixed, x - mean = sigma w + 1/2 + w**2 R(v) + A(v) + B(v) / sigma**2, with v = w / (theta w + 7/2 sigma)
# in place of w / sigma to keep the polynomials short. The tables were fitted to exact quantiles for
# sigma**2 from 6 to 1e5, theta from 0 to 1, |w| < 6.3; exchanging p and 1 - p shows that R, A and B are odd
# in (v, theta) together, so half of the coefficients are zero.

SMALLEST_VARIANCE = 6.0

# Row i multiplies v**i; its entries multiply theta, theta**3, ... for even i and 1, theta**2, ... for odd i.
# `scripts/fit_quantiles.py` makes them again.
R = (
    (0.16668832, -2.0422566e-05),
    (-0.072605797, 0.024093354, -6.8949594e-05),
    (-0.023821734, 0.020823304),
    (-0.031332375, 0.00089774581, 0.016191921),
    (0.0030460038, -0.0062966779),
    (0.028205803, -0.053035956, 0.012864662),
    (-0.033010654, 0.050771598),
    (-0.13626215, 0.15365599, -0.034695203),
)
_A = (
    (-0.166715, 5.3017393e-05),
    (0.072929732, -0.17198497, 0.002046109),
    (0.20916453, -0.20318552),
    (-0.058682651, 0.36626786, -0.37851237),
    (0.11185702, -0.092731229),
    (0.17221305, -0.3355693, 0.10712423),
    (-0.32285782, -0.092395451),
)
B = (
    (-0.021549709, 0.0017339995),
    (0.029312358, 0.035041611, -0.005237048),
    (-0.2209929, 0.13034602),
    (0.09777363, -0.65364113, 0.93021386),
)
# x reaches 0 near v = -0.67 whatever theta is; beyond it the fit means nothing and the variate is 0.
LOWEST = -0.66


def quantile_above_mean(
    w: Float32[Array, "..."], sigma: Float32[Array, "..."], theta: float | Float32[Array, "..."]
) -> Float32[Array, "..."]:
    """Return x - mean, where P(K < x) is the standard normal distribution function at `w`.

    Parameters
    ----------
    w : float32
        Standard normal variate.
    sigma : float32
        Standard deviation of K, at least sqrt(6).
    theta : float or float32
        Skewness times sigma, from 0 to 1.

    Returns
    -------
    float32
        Error below 3e-5 where K is likely, 1e-3 in the tails.

    Examples
    --------
    The median of a Poisson variate lies one third above its mean:

    >>> zero, sigma = jnp.float32(0), jnp.float32(100)
    >>> round(float(quantile_above_mean(zero, sigma, 1.0)), 4)
    0.3333
    """
    v = jnp.maximum(w / (theta * w + np.float32(3.5) * sigma), np.float32(LOWEST))
    r, a, b = (polynomial(_at(table, theta), v) for table in (R, _A, B))
    return sigma * w + (w * w * r + (a + b / (sigma * sigma) + np.float32(0.5)))


def _at(table: tuple, theta: float | Float32[Array, "..."]) -> tuple:
    """Sum each row over the powers of theta; for a number this happens once, while tracing."""
    sums = [polynomial(row, theta * theta) for row in table]
    return tuple(total * theta if i % 2 == 0 else total for i, total in enumerate(sums))


LARGEST_MEAN = 2.0**30  # six standard deviations more still fit an int32
TERMS = 30  # P(K > 30) is 8e-13 at mean 6, below the smallest 1 - u, 2**-33
INVALID = -1  # no count; a negative number of firings cannot go unnoticed


def poisson(
    u: Float[ArrayLike, "..."], mean: ArrayLike, complement: Float[ArrayLike, "..."] | None = None
) -> Int32[Array, "..."]:
    """Return the smallest k with P(K <= k) > u, for K a Poisson variate.

    Below mean 6 the distribution function is summed from the upper tail down, so that rare firings keep
    their relative accuracy; from 6 on, k is the integer part of the continuous quantile (Giles 2016,
    "Algorithm 955", ACM TOMS 42:7; see `jaxsim.random.poisson`). There is no rejection and no loop.
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
