"""Reversible pairs of reactions that balance, which implicit leaps may pass over.

Source: Cao, Gillespie & Petzold, J. Chem. Phys. 126 (2007) 224101, section III: the leap is selected without the
pairs that balance, and taken if it is far longer than the explicit one; otherwise the network is not stiff at present.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.network import Structure

BALANCE = 0.05  # delta of the paper, eq. 13: a pair balances when its rates differ by less than this part
STIFF = 100.0  # N_stiff of the paper: explicit leaps up to which a pair in balance is not fast, but balanced by chance


def without_balanced(structure: Structure, rates: list[Any]) -> list[Any]:
    """Return the rates with 0 for both of a reversible pair of reactions that balance (Cao et al. 2007, eq. 13)."""
    result = list(rates)
    for i, j in reversible_pairs(structure):
        least = jnp.minimum(rates[i], rates[j])
        balanced = jnp.abs(rates[i] - rates[j]) <= least * least.dtype.type(BALANCE)
        zero = np.zeros((), least.dtype)
        result[i], result[j] = jnp.where(balanced, zero, result[i]), jnp.where(balanced, zero, result[j])
    return result


def reversible_pairs(structure: Structure) -> tuple[tuple[int, int], ...]:
    """Return the pairs of reactions of which one is the other read backwards.

    Examples
    --------
    >>> import jaxsim as js
    >>> reversible_pairs(js.Network({"A": 1, "B": 0}, ["A -> B, 1", "B -> A, 1", "B -> , 1"]).structure)
    ((0, 1),)
    """
    sides = [(sorted(r.reactants), sorted(r.products)) for r in structure.reactions]
    pairs = ((i, j) for i in range(len(sides)) for j in range(i + 1, len(sides)))
    return tuple((i, j) for i, j in pairs if sides[i][0] != sides[i][1] and sides[i] == sides[j][::-1])
