"""The step of a leap chain, whatever walks along it: its random words, how often reactions fire, and the counts after.

On a mesh of time every reaction fires a Poisson number of times in a step, with the rate at its start (Gillespie,
J. Chem. Phys. 115 (2001) 1716), and counts are held at zero from below: x' = max(x + nu K, 0). Firings follow from
uniforms by inversion, so that chains at neighbouring rates with the same words are coupled (common random numbers).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, UInt32

from jaxsim.kernels.leaping.leap import apply_firings
from jaxsim.network import Structure
from jaxsim.random import poisson, threefry2x32, uniform


def step_words(key: tuple[Any, Any], reactions: int, step: UInt32[Any, "..."], stream: int = 0) -> UInt32[Array, "R L"]:
    """Return a random word for each reaction of a step, by its number; both words of each cipher call are used."""
    calls = (reactions + 1) // 2
    counter = jnp.arange(calls, dtype=jnp.uint32)[:, None] + np.uint32(stream << 24)
    words = threefry2x32(key[0][None, :], key[1][None, :], step, counter)
    return jnp.concatenate(words)[:reactions]


def poisson_firings(words: UInt32[Array, "R L"], means: Array) -> Int32[Array, "R L"]:
    """Return Poisson numbers of firings of these means; -1 where a mean is negative, not finite or too large."""
    return poisson(uniform(words), means, uniform(~words))


def fire(structure: Structure, x: tuple[Any, ...], firings: Array) -> tuple[tuple[Any, ...], Bool[Array, " L"]]:
    """Return the counts after the firings, held at zero, and in which lanes one was."""
    return hold(apply_firings(structure, x, firings))


def hold(x: tuple[Any, ...]) -> tuple[tuple[Any, ...], Bool[Array, " L"]]:
    """Return the counts held at zero from below, and in which lanes one was."""
    held = jax.tree.reduce(jnp.logical_or, [row < 0 for row in x], jnp.zeros(x[0].shape, bool))
    return tuple(jnp.maximum(row, np.int32(0)) for row in x), held
