"""Keys of a trajectory by its number, and uniforms by their position: what it draws before its first event.

Every method that follows trajectories numbers them in this way, so that the same trajectory has the same parameters and
the same start under all of them.
"""

from typing import Any

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float32, UInt32

from jaxsim.random.streams import threefry2x32, trajectory_key, uniform


def stream_of(
    seed: UInt32[Any, "2"], point: ArrayLike, first: tuple[Any, Any], number: Any, purpose: int
) -> tuple[UInt32[Array, " L"], UInt32[Array, " L"]]:
    """Return the keys of the streams that trajectories draw from for a purpose.

    Parameters
    ----------
    seed
        Two words, see :func:`jaxsim.random.seed_words`.
    point
        uint32: number of the design point, or of whatever else has trajectories of its own.
    first
        uint32, uint32: low and high word of the number of the call's first trajectory.
    number
        int32 or uint32 [L]: numbers of the trajectories within the call, below 2**32.
    purpose
        ``PARAMETERS``, ``INITIAL``, ``EVENTS`` or ``EFFECTS``.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxsim.random import EVENTS, seed_words
    >>> first = np.uint32(0xFFFFFFFF), np.uint32(0)
    >>> key = stream_of(seed_words(1), np.uint32(0), first, jnp.arange(2, dtype=jnp.uint32), EVENTS)
    >>> late = stream_of(seed_words(1), np.uint32(0), (np.uint32(0), np.uint32(1)), jnp.zeros(1, jnp.uint32), EVENTS)
    >>> bool(key[0][1] == late[0][0])
    True
    """
    low = first[0] + number.astype(jnp.uint32)
    high = first[1] + (low < first[0]).astype(jnp.uint32)
    return trajectory_key(seed, point, low, high, purpose)


def word_at(key: tuple[Any, Any], position: int) -> UInt32[Array, " L"]:
    """Return random word number `position` of each stream."""
    counter = jnp.full(key[0].shape, position, jnp.uint32)
    return threefry2x32(*key, counter, jnp.zeros_like(counter))[0]


def uniform_at(key: tuple[Any, Any], position: int) -> Float32[Array, " L"]:
    """Return uniform number `position` of each stream, between 0 and 1."""
    return uniform(word_at(key, position))
