"""How often each reaction fires in a leap: Poisson counts, each by inversion of one uniform."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int32, UInt32

from jaxsim.kernels.randomness import HALF
from jaxsim.kernels.state import Owner
from jaxsim.network import Structure
from jaxsim.random import poisson, threefry2x32, uniform


def computed_once(needed: Bool[Array, ""], make: Callable[..., Any], *given: Any) -> Any:
    """Return make(*given), or zeros where it is not needed, as arrays that every reader finds in memory.

    XLA on the CPU computes anew, inside each of its readers, whatever does not leave a loop or a condition, and
    vectorises neither stacked rows nor a Poisson quantile that it finds fused with what they are made from.
    """
    shapes = jax.eval_shape(make, *given)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return lax.cond(needed, make, lambda *_: zeros, *given)


def draw_firings(
    owner: Owner, draws: UInt32[Array, " L"], stage: Any, means: Float[Array, "R L"], needed: Bool[Array, ""]
) -> Int32[Array, "R L"]:
    """Return Poisson counts with these means, which have been computed once.

    The random word is a function of the trajectory's key, its number of draws, the stage within the leap
    and the reaction; the second counter is 0 for the clock of the exact events, so no word serves twice.
    One cipher call serves two reactions.
    """
    number = means.shape[0]
    calls = (number + 1) // 2
    first = np.uint32(1) + jnp.asarray(stage).astype(jnp.uint32) * np.uint32(calls)

    def make_words(owner: Owner, draws: Any, first: Any) -> Any:
        shape = (calls, draws.shape[0])
        position = jnp.broadcast_to((first + jnp.arange(calls, dtype=jnp.uint32))[:, None], shape)
        key0, key1, draw = (jnp.broadcast_to(word[None, :], shape) for word in (owner.key0, owner.key1, draws))
        high, low = threefry2x32(key0, key1, draw, position)
        return (high.astype(jnp.uint64) << HALF) | low.astype(jnp.uint64)

    def invert(words: Any, means: Any) -> tuple[Any, Any]:
        high, low = (words >> HALF).astype(jnp.uint32), words[: number - calls].astype(jnp.uint32)
        return _count(high, means[:calls]), _count(low, means[calls:])

    words = computed_once(needed, make_words, owner, draws, first)
    return jnp.concatenate(computed_once(needed, invert, words, means))


def _count(bits: UInt32[Array, "R L"], means: Float[Array, "R L"]) -> Int32[Array, "R L"]:
    return poisson(uniform(bits), means, uniform(~bits))


def apply_firings(structure: Structure, x: tuple[Any, ...], firings: Int32[Array, "R L"]) -> tuple[Any, ...]:
    """Return the counts after the firings; integer arithmetic, so that conservation laws hold exactly."""
    result = []
    for name, value in zip(structure.species, x, strict=True):
        for r, reaction in enumerate(structure.reactions):
            change = reaction.changes.get(name, 0)
            if change:
                value = value + (firings[r] if change == 1 else firings[r] * np.int32(change))
        result.append(value)
    return tuple(result)
