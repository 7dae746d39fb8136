"""The quantile function of the gamma distribution, in float64 by Halley's method."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import gammainc, gammaincc, gammaln

MOST_STEPS = 20
LARGEST_STEP = 8.0  # as a factor; a step of Halley's from far out may leave for where the density is zero
ENOUGH = 1e-13  # relative change of the last step; a step of third order leaves far less


def gamma_quantile(shape: Any, p: Any, q: Any) -> Any:
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

    def residual(x: Any) -> Any:
        return jnp.where(lower, gammainc(shape, x) - p, q - gammaincc(shape, x))

    def step(carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        number, x, _ = carry
        density = jnp.exp(-x + (shape - 1) * jnp.log(x) - gammaln(shape))
        newton = residual(x) / jnp.where(density > 0, density, np.inf)
        change = newton / (1 - 0.5 * jnp.clip(newton * ((shape - 1) / x - 1), -1.0, 1.0))
        new = jnp.clip(x - change, x / LARGEST_STEP, x * LARGEST_STEP)
        return number + 1, new, jnp.any(jnp.abs(new - x) > ENOUGH * new)

    def goes_on(carry: tuple[Any, Any, Any]) -> Any:
        return carry[2] & (carry[0] < MOST_STEPS)

    number, start = jnp.zeros((), jnp.int32), _start(shape, p, q)
    return lax.while_loop(goes_on, step, (number, start, jnp.ones((), bool)))[1]


def _start(shape: Any, p: Any, q: Any) -> Any:
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
