"""The partition of the hybrid method: which reactions are leaped over at present, and which fire one by one.

A reaction is leaped over while it changes large populations only and fires often; any other is exact. Both bounds
have a hysteresis, so that a count which fluctuates about one of them does not change the treatment at every step.

Source: Salis & Kaznessis, J. Chem. Phys. 122 (2005) 054103, whose two conditions these are. They fix how often a
reaction has to fire; here that bound follows from the leap, so that rare reactions never end most leaps.
"""

from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from jaxsim.kernels.program import Program
from jaxsim.network import Expression, Structure, names

LARGE = (
    100  # molecules, per molecule that the reaction changes, from which on it may be leaped over (the paper's value)
)
SMALL = 50  # below which it is exact again
RARE = 1.0  # firings of all rare reactions together that are expected in a leap
OFTEN = 2.0  # times RARE, from which on a reaction is no longer rare


def watched(program: Program) -> tuple[Expression, ...]:
    """Return the conditions on the state that the request looks at."""
    return tuple(condition for _, condition in program.passages)


@lru_cache(maxsize=256)
def felt_changes(structure: Structure, conditions: tuple[Expression, ...]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Return for each reaction the species whose small counts matter, with the size of the change of each.

    A species that nothing reads, neither a rate nor an effect, a trigger or a passage, is a mere record: leaping over
    its changes does no harm, however small it is.
    """
    read = [*(reaction.rate for reaction in structure.reactions), *conditions]
    for actor in structure.reactions:
        read += [value for _, value in actor.effects]
    for event in structure.events:
        read += [event.trigger, *(value for _, value in event.set)]
    felt = frozenset().union(*map(names, read)) if read else frozenset()
    index = {name: s for s, name in enumerate(structure.species)}
    return tuple(
        tuple((index[name], abs(change)) for name, change in reaction.changes.items() if change and name in felt)
        for reaction in structure.reactions
    )


def is_large(
    structure: Structure,
    conditions: tuple[Expression, ...],
    x: tuple[Int32[Array, " L"], ...],
    fast: Bool[Array, "R L"],
) -> Bool[Array, "R L"]:
    """Return the reactions that change large populations only, given those that were leaped over last.

    A reaction with an effect, which is no fixed change, never is one of them.
    """
    result = []
    for r, (reaction, changes) in enumerate(zip(structure.reactions, felt_changes(structure, conditions), strict=True)):
        large = jnp.full(x[0].shape, not reaction.effects)
        for s, change in changes:
            least = jnp.where(fast[r], np.int32(SMALL * change), np.int32(LARGE * change))
            large = large & (x[s] >= least)
        result.append(large)
    return jnp.stack(result)


def fires_often(a: Float[Array, "R L"], size: Float[Array, " L"], fast: Bool[Array, "R L"]) -> Bool[Array, "R L"]:
    """Return the reactions that are not rare over a leap of this size.

    Below the bound all rare reactions together are expected to end fewer than every second leap.
    """
    share = a.dtype.type(RARE / a.shape[0])
    least = jnp.where(fast, share, share * a.dtype.type(OFTEN))
    return a * size[None, :] >= least
