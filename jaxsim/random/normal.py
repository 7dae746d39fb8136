"""The standard normal distribution by inversion, accurate in both tails to float32's last digits."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Float, Float32

_SMALLEST, _LARGEST = 2.0**-33, 1.0 - 2.0**-24  # the range of `uniform`; 0 and 1 would give infinities

# Minimax fits of w / (2u - 1) (Giles 2012, "Approximating the erfinv function", GPU Computing Gems 2,
# equation 5, refitted for 1 - u down to 2**-33; `scripts/fit_quantiles.py` makes them again). With
# l = -log(4 u (1 - u)): relative error 9e-8 as a polynomial in l - 2.5 where l < 5, and 3e-7 as one in
# sqrt(l) - 3.4418 in the tails, l from 5 to 21.5.
_SPLIT = 5.0
CENTRE = (
    *(2.12331357, 0.34880266, -5.9081709e-3, -1.77301022e-3, 3.09150138e-4),
    *(-6.21797146e-6, -4.99054762e-6, 4.86101979e-7, 4.03531693e-8),
)
TAIL_ORIGIN = 3.441824
_TAIL = (
    *(4.63422464, 1.42405847, 5.20911095e-3, -3.25404204e-3, 1.71861202e-3),
    *(-1.33968163e-3, 9.68169996e-4, -2.61249474e-4, -2.79307671e-5),
)


def normal(u: Float[ArrayLike, "..."], complement: Float[ArrayLike, "..."] | None = None) -> Float32[Array, "..."]:
    """Return the standard normal variate whose distribution function is `u`.

    Relative error below 6e-7, so the distribution function of the result is `u` within 1.2e-7; with the
    complement, both tails reach 6.3 standard deviations, and without it the upper one ends at 5.3. Fits
    after Giles (2012), "Approximating the erfinv function", GPU Computing Gems 2. Nondecreasing in `u`
    but for neighbours within 4 units of the last place.

    Parameters
    ----------
    u : float array or scalar
        Uniform in (0, 1), taken as float32; 0 and 1 count as the nearest values of `uniform`.
    complement : float, of the shape of `u`
        1 - u without its rounding, `uniform(~bits)`, if the upper tail matters beyond 2**-24.

    Returns
    -------
    float32, of the shape of `u`

    Examples
    --------
    >>> [round(float(normal(u)), 4) for u in (0.5, 0.975, 1e-9)]
    [0.0, 1.96, -5.9978]
    """
    return normal_of_tails(*tails(u, complement))


def tails(
    u: Float[ArrayLike, "..."], complement: Float[ArrayLike, "..."] | None
) -> tuple[Float32[Array, "..."], Float32[Array, "..."]]:
    """Return u and 1 - u in float32, both at least 2**-33."""
    lower = jnp.clip(jnp.asarray(u).astype(jnp.float32), np.float32(_SMALLEST), np.float32(_LARGEST))
    if complement is None:
        return lower, np.float32(1) - lower
    return lower, jnp.maximum(jnp.asarray(complement).astype(jnp.float32), np.float32(_SMALLEST))


def normal_of_tails(u: Float32[Array, "..."], c: Float32[Array, "..."]) -> Float32[Array, "..."]:
    """Return the standard normal variate with u below it and c = 1 - u above it."""
    depth = -jnp.log(np.float32(4) * u * c)
    centre = polynomial(CENTRE, depth - np.float32(_SPLIT / 2))
    tail = polynomial(_TAIL, jnp.sqrt(depth) - np.float32(TAIL_ORIGIN))
    return (u - c) * jnp.where(depth < np.float32(_SPLIT), centre, tail)


def polynomial(coefficients: tuple, x: float | Float32[Array, "..."]) -> Float32[ArrayLike, "..."]:
    """Evaluate a polynomial, lowest order first, by Horner's rule; numbers are taken as float32."""
    terms = [np.float32(c) if isinstance(c, float) else c for c in coefficients]
    value = terms[-1]
    for term in terms[-2::-1]:
        value = value * x + term
    return value
