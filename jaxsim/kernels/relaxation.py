"""How long a leap may be beside the time over which deviations from balance relax.

Where fast reactions balance, the bounds on the change of propensities look at their noise alone. They allow leaps as
long as deviations take to relax, over which a rule of first order makes the spread too wide (each variant says by how
much, and so which part it may take), and beyond which the explicit step oscillates: it multiplies a deviation by
1 - tau times the rate of relaxation.
"""

from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsim.kernels.leap_size import consumption, weighted
from jaxsim.network import Structure, names

STABLE = 1.0  # of a relaxation time that a leap may take at most; explicit leaps are unstable from 2


def relaxation_size(
    structure: Structure, orders: list[Any], x: list[Any], leaping: list[Any], part: Any
) -> Float[Array, " L"]:
    """Return the leap that takes a part, at most half, of the shortest relaxation time of a species.

    A deviation of species s relaxes by what consumes it, and no faster than at the sum of order x rate / x_s; where
    what it turns into turns back, that adds as much again, at balance (Gershgorin's bound on the Jacobian matrix in
    relative counts, of which production that does not answer to the deviation is left out).
    """
    strong = [rate * order for rate, order in zip(leaping, orders, strict=True)]
    inverse = jnp.zeros_like(leaping[0])
    for s in range(len(structure.species)):
        consumed = consumption(structure, s, strong)
        if consumed is None:
            continue
        back = [rate if r in returns(structure, s) else jnp.zeros_like(rate) for r, rate in enumerate(strong)]
        returned = weighted(structure, s, back, lambda change: float(max(0, change)))
        if returned is not None:
            consumed = consumed + jnp.minimum(returned, consumed)
        inverse = jnp.maximum(inverse, consumed / jnp.maximum(x[s], np.ones((), x[s].dtype)))
    return jnp.minimum(part, inverse.dtype.type(STABLE)) / inverse


@lru_cache(maxsize=1024)
def returns(structure: Structure, s: int) -> frozenset[int]:
    """Return the reactions that make species s at a rate that reads something made where s is consumed.

    Examples
    --------
    >>> import jaxsim as js
    >>> pair = js.Network({"A": 1, "B": 0}, ["A -> B, 1", "B -> A, 1", "-> A, 1"]).structure
    >>> sorted(returns(pair, 0))
    [1]
    """
    species = structure.species[s]
    made = {
        name
        for reaction in structure.reactions
        if reaction.changes.get(species, 0) < 0
        for name, change in reaction.changes.items()
        if change > 0
    }
    return frozenset(
        r
        for r, reaction in enumerate(structure.reactions)
        if reaction.changes.get(species, 0) > 0 and names(reaction.rate) & made
    )
