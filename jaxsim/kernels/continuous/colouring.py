"""Which columns of the drift's Jacobian can be found by one difference, because no row has an entry in two of them.

Source: Curtis, Powell & Reid, J. Inst. Maths Applics 13 (1974) 117.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int

from jaxsim.kernels.continuous.effects import expected_effects
from jaxsim.network import Structure, names, stoichiometry


@lru_cache(maxsize=256)
def jacobian_pattern(structure: Structure) -> Bool[np.ndarray, "S S"]:
    """Return where the Jacobian may differ from zero: [of the drift of a species, by a species].

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"A": 5, "B": 0, "C": 1}, ["A -> B, k", "C -> , k"], {"k": 1.0})
    >>> jacobian_pattern(net.structure).astype(int).tolist()
    [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    """
    moves = stoichiometry(structure) != 0
    pattern = np.zeros((len(structure.species),) * 2, bool)
    place = {name: s for s, name in enumerate(structure.species)}
    for r, reaction in enumerate(structure.reactions):
        read = [place[name] for name in names(reaction.rate) if name in place]
        pattern[np.ix_(moves[:, r], read)] = True
        for (species, other), value in expected_effects(structure).items():
            if other == r:
                also = [place[name] for name in names(value) if name in place]
                pattern[place[species], [*read, *also, place[species]]] = True
    return pattern


@lru_cache(maxsize=256)
def column_colours(structure: Structure) -> Int[np.ndarray, " S"]:
    """Return a colour from 0 for each species: columns of one colour have no row in common.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"A": 5, "B": 0, "C": 1}, ["A -> B, k", "B -> , k", "C -> , k"], {"k": 1.0})
    >>> column_colours(net.structure).tolist()
    [0, 1, 0]
    """
    pattern = jacobian_pattern(structure)
    colours = np.full(pattern.shape[1], -1)
    taken: list[np.ndarray] = []  # rows of each colour
    for s in np.argsort(-pattern.sum(axis=0), kind="stable"):  # the fullest first, which needs fewer
        column = pattern[:, s]
        free = (c for c, rows in enumerate(taken) if not np.any(rows & column))
        colour = next(free, len(taken))
        if colour == len(taken):
            taken.append(np.zeros(pattern.shape[0], bool))
        taken[colour] |= column
        colours[s] = colour
    return colours
