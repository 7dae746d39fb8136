"""The continuous quantile function that Poisson and binomial variates are the integer part of.

For a Poisson or binomial variate K with variance sigma**2 and skewness theta / sigma (theta = 1 for the
Poisson, 1 - 2p for the binomial), the function C(x) = P(K < x) has a smooth continuation between the
integers, an incomplete gamma or beta function. If C(x) = u then K = floor(x) has distribution function u
(Giles 2016, "Algorithm 955", ACM TOMS 42:7, section 2). With w the normal variate of u, his expansions

    x = mean + sigma w + theta (w**2 - 1) / 6 + 1/2 + O(1 / sigma)

(equation 6 there for theta = 1) are resummed here as Temme (1979) does for the gamma function: as w / sigma
stays fixed, x - mean = sigma w + 1/2 + w**2 R(v) + A(v) + B(v) / sigma**2, with v = w / (theta w + 7/2 sigma)
in place of w / sigma to keep the polynomials short. The tables were fitted to exact quantiles for
sigma**2 from 6 to 1e5, theta from 0 to 1, |w| < 6.3; exchanging p and 1 - p shows that R, A and B are odd
in (v, theta) together, so half of the coefficients are zero.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float32

from jaxsim.random.normal import polynomial

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
A = (
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
    r, a, b = (polynomial(_at(table, theta), v) for table in (R, A, B))
    return sigma * w + (w * w * r + (a + b / (sigma * sigma) + np.float32(0.5)))


def _at(table: tuple, theta: float | Float32[Array, "..."]) -> tuple:
    """Sum each row over the powers of theta; for a number this happens once, while tracing."""
    sums = [polynomial(row, theta * theta) for row in table]
    return tuple(total * theta if i % 2 == 0 else total for i, total in enumerate(sums))
