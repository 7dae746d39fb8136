"""Variates of simple laws by inversion from one uniform; normal, Poisson and binomial have files of their own."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Float, Float32, Int32

from jaxsim.random.normal import normal, tails


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
