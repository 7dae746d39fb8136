"""The draws of the event loop: one cipher call gives the two words of an event."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64, UInt32, UInt64

from jaxsim.random import threefry2x32, uniform

HALF = np.uint64(32)
SHORT = 2.0**-12  # waits, in parts of their mean, below which the uniform near 1 is too coarse


def draw_bits(
    key0: UInt32[Array, " L"], key1: UInt32[Array, " L"], counter: UInt32[Array, " L"]
) -> UInt64[Array, " L"]:
    """Return both words of draw number `counter`, packed.

    One packed array is one fusion in XLA; two arrays would be two, each with the whole cipher.
    """
    first, second = threefry2x32(key0, key1, counter, jnp.zeros_like(counter))
    return (first.astype(jnp.uint64) << HALF) | second.astype(jnp.uint64)


def wait_and_choice(bits: UInt64[Array, " L"], real: type) -> tuple[Float[Array, " L"], Float64[Array, " L"]]:
    """Unpack the words into an exponential of mean 1, in the dtype of propensities, and a uniform of (0, 1).

    Both tails of the exponential are resolved: it lies between 2**-33 and 22.87. A wait is compared with the length of
    a cell of time, which may be a small part of the mean wait. Near 1 uniforms are known to 2**-24 in single precision,
    so that waits below 2**-12 are made from their complement c, by -log(1 - c) = c + c**2/2 + O(c**3).

    The uniform chooses among propensities, of which one may be a small part of the sum. It has 40 bits, the last 8 of
    which are the last of the first word: the wait shows them only beyond 5.5 times its mean, in its last digits.
    """
    return exponential(bits, real), choice_uniform(bits)


def exponential(bits: UInt64[Array, " L"], real: type) -> Float[Array, " L"]:
    """Return the exponential of mean 1 of :func:`wait_and_choice`."""
    word = (bits >> HALF).astype(jnp.uint32)
    if real == jnp.float64:
        return -jnp.log(word.astype(real) * np.float64(2.0**-32) + np.float64(2.0**-33))
    complement = uniform(~word)
    short = complement + np.float32(0.5) * complement * complement
    return jnp.where(complement < np.float32(SHORT), short, -jnp.log(uniform(word)))


def choice_uniform(bits: UInt64[Array, " L"]) -> Float64[Array, " L"]:
    """Return the uniform that chooses among propensities: 2**-41 to 1 - 2**-41 in steps of 2**-40."""
    high = bits.astype(jnp.uint32).astype(jnp.float64) * np.float64(2.0**-32)
    low = (bits >> HALF).astype(jnp.uint32) & np.uint32(0xFF)
    return high + (low.astype(jnp.float64) * np.float64(2.0**-40) + np.float64(2.0**-41))


def waiting_threshold(bits: UInt64[Array, " L"]) -> Float64[Array, " L"]:
    """Return an exponential of mean 1 from the first word, with both of its tails resolved.

    A leap asks whether a rare event falls into it, with a chance that may be far below the 2**-24 at which float32
    resolves uniforms near 1; their complements reach down to 2**-33.
    """
    first = (bits >> HALF).astype(jnp.uint32)
    short, long = -jnp.log1p(-uniform(~first)), -jnp.log(uniform(first))
    return jnp.where(first >= np.uint32(1 << 31), short, long).astype(jnp.float64)
