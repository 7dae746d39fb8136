"""Conservation laws: the weighted sums of counts that no reaction changes."""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
from jaxtyping import Int64

from jaxsim.network.structure import Structure

Vector = dict[int, Fraction]


def conservation_laws(structure: Structure) -> Int64[np.ndarray, "laws species"]:
    """Return a basis of the integer weights `w` with ``w @ stoichiometry == 0``.

    Each row has coprime integer entries. A law with negative weights is made non-negative where adding
    multiples of the other laws can do so. A species that an effect or event sets takes part in none,
    since what it becomes is known only at run time; doses are not reactions and may change the sums.

    Raises
    ------
    OverflowError
        If a weight does not fit int64.

    Notes
    -----
    Exact: reduced column echelon form of the stoichiometry in rational arithmetic. Source: Heinrich &
    Schuster, The Regulation of Cellular Systems (1996), section 3.1.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"E": 5, "S": 90, "ES": 0, "P": 0}, ["E + S <-> ES, 1, 1", "ES -> E + P, 1"])
    >>> conservation_laws(net.structure)
    array([[1, 0, 1, 0],
           [0, 1, 1, 1]])
    """
    return _laws(structure).copy()


@lru_cache(maxsize=64)
def _laws(structure: Structure) -> Int64[np.ndarray, "laws species"]:
    basis = _echelon(structure)
    free = [index for index in range(len(structure.species)) if index not in basis]
    laws = [_integers(_law(index, basis)) for index in free]
    matrix = np.zeros((len(laws), len(structure.species)), np.int64)
    for row, law in enumerate(_without_negatives(laws)):
        for index, weight in law.items():
            matrix[row, index] = weight
    return matrix


def _changes(structure: Structure) -> list[Vector]:
    """Return the distinct change vectors, with a free direction for each species that is set."""
    position = {name: index for index, name in enumerate(structure.species)}
    moves = {tuple(sorted(reaction.changes.items())) for reaction in structure.reactions}
    pairs = [pair for reaction in structure.reactions for pair in reaction.effects]
    pairs += [pair for event in structure.events for pair in event.set]
    moves |= {((name, 1),) for name, _ in pairs if name in position}
    return [{position[name]: Fraction(change) for name, change in move if change} for move in sorted(moves)]


def _echelon(structure: Structure) -> dict[int, Vector]:
    """Return the reduced echelon form: for each pivot species the vector that alone contains it."""
    basis: dict[int, Vector] = {}
    users: dict[int, set[int]] = {}
    for vector in _changes(structure):
        for pivot in [index for index in vector if index in basis]:
            _subtract(vector, vector[pivot], basis[pivot])
        if not vector:
            continue
        pivot = max(vector)
        scale = vector[pivot]
        vector = {index: value / scale for index, value in vector.items()}
        for other in users.pop(pivot, set()):
            if pivot in basis[other]:
                _subtract(basis[other], basis[other][pivot], vector)
                _register(other, vector, users)
        basis[pivot] = vector
        _register(pivot, vector, users)
    return basis


def _register(pivot: int, vector: Vector, users: dict[int, set[int]]) -> None:
    for index in vector:
        users.setdefault(index, set()).add(pivot)


def _subtract(vector: Vector, factor: Fraction, other: Vector) -> None:
    for index, value in other.items():
        result = vector.get(index, 0) - factor * value
        if result:
            vector[index] = Fraction(result)
        else:
            vector.pop(index, None)


def _law(free: int, basis: dict[int, Vector]) -> Vector:
    weights = {pivot: -vector[free] for pivot, vector in basis.items() if free in vector}
    return {free: Fraction(1), **weights}


def _integers(law: Vector) -> dict[int, int]:
    scale = math.lcm(*(value.denominator for value in law.values()))
    whole = {index: int(value * scale) for index, value in law.items()}
    divisor = math.gcd(*whole.values())
    return {index: value // divisor for index, value in whole.items()}


def _without_negatives(laws: list[dict[int, int]]) -> list[dict[int, int]]:
    """Add non-negative laws to the others as long as that makes one more of them non-negative."""
    laws = list(laws)
    improved = True
    while improved:
        improved = False
        helpful = [law for law in laws if min(law.values()) >= 0]
        for row, law in enumerate(laws):
            mended = law if min(law.values()) >= 0 else _mend(law, helpful)
            if mended is not law and min(mended.values()) >= 0:
                laws[row], improved = mended, True
    return laws


def _mend(law: dict[int, int], helpful: list[dict[int, int]]) -> dict[int, int]:
    result = dict(law)
    for other in helpful:
        times = max((-(result.get(index, 0) // value) for index, value in other.items() if value), default=0)
        if times > 0:
            for index, value in other.items():
                result[index] = result.get(index, 0) + times * value
    kept = {index: value for index, value in result.items() if value}
    divisor = math.gcd(*kept.values())
    return {index: value // divisor for index, value in kept.items()}
