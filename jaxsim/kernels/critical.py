"""Critical reactions: those that few firings would leave without molecules (Cao, Gillespie & Petzold 2006, II.C).

They fire at most once in a leap, at a time drawn from the exact clock, which ends the leap.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.network import Structure

FIRINGS = 10  # n_c of the paper: a reaction is critical when fewer firings than this would exhaust a reactant


def critical_reactions(structure: Structure, x: tuple[Any, ...]) -> list[Any]:
    """Return for each reaction the lanes in which it is critical, bool [L].

    A reaction with an effect, which is no fixed change, always is: its effect is applied firing by firing.
    """
    result = []
    for reaction in structure.reactions:
        critical = jnp.full(x[0].shape, bool(reaction.effects))
        for name, change in reaction.changes.items():
            if change < 0:
                critical = critical | (x[structure.species.index(name)] < np.int32(FIRINGS * -change))
        result.append(critical)
    return result
