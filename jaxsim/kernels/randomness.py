"""The draws of the event loop: one cipher call gives the two words of an event."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, UInt32, UInt64

from jaxsim.random import threefry2x32, uniform

HALF = np.uint64(32)


def draw_bits(
    key0: UInt32[Array, " L"], key1: UInt32[Array, " L"], counter: UInt32[Array, " L"]
) -> UInt64[Array, " L"]:
    """Return both words of draw number `counter`, packed.

    One packed array is one fusion in XLA; two arrays would be two, each with the whole cipher.
    """
    first, second = threefry2x32(key0, key1, counter, jnp.zeros_like(counter))
    return (first.astype(jnp.uint64) << HALF) | second.astype(jnp.uint64)


def two_uniforms(bits: UInt64[Array, " L"], real: type) -> tuple[Float[Array, " L"], Float[Array, " L"]]:
    """Unpack the words into two uniforms of the open interval (0, 1)."""
    first, second = (bits >> HALF).astype(jnp.uint32), bits.astype(jnp.uint32)
    if real == jnp.float64:
        scale, half = np.float64(2.0**-32), np.float64(2.0**-33)
        return first.astype(real) * scale + half, second.astype(real) * scale + half
    return uniform(first), uniform(second)


def waiting_threshold(bits: UInt64[Array, " L"]) -> Float64[Array, " L"]:
    """Return an exponential of mean 1 from the first word, with both of its tails resolved.

    A leap asks whether a rare event falls into it, with a chance that may be far below the 2**-24 at which float32
    resolves uniforms near 1; their complements reach down to 2**-33.
    """
    first = (bits >> HALF).astype(jnp.uint32)
    short, long = -jnp.log1p(-uniform(~first)), -jnp.log(uniform(first))
    return jnp.where(first >= np.uint32(1 << 31), short, long).astype(jnp.float64)
