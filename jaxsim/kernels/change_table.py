"""What each reaction changes, as arrays: so that applying a reaction is a look-up, not code of its own."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from jaxsim.network import Structure


class ChangeTable(NamedTuple):
    """Species that each reaction changes, and by how much; as many columns as the reaction that changes most has."""

    species: Int32[np.ndarray, "reaction most"]
    """The number of species where there is none."""
    change: Int32[np.ndarray, "reaction most"]
    """0 where there is none."""


def tabulate_changes(structure: Structure, order: Sequence[int]) -> ChangeTable:
    """Tabulate the constant changes of the reactions, in the order given.

    Examples
    --------
    >>> import jaxsim as js
    >>> table = tabulate_changes(js.Network({"A": 1, "B": 0}, ["A -> B, 1", "-> A, 1"]).structure, [1, 0])
    >>> table.species.tolist(), table.change.tolist()
    ([[0, 2], [0, 1]], [[1, 0], [-1, 1]])
    """
    row_of = {name: s for s, name in enumerate(structure.species)}
    deltas = [[(row_of[n], c) for n, c in structure.reactions[r].changes.items() if c] for r in order]
    shape = (len(deltas), max(1, *map(len, deltas)) if deltas else 1)
    species, change = np.full(shape, len(row_of), np.int32), np.zeros(shape, np.int32)
    for row, delta in enumerate(deltas):
        for column, (s, c) in enumerate(delta):
            species[row, column], change[row, column] = s, c
    return ChangeTable(species, change)
