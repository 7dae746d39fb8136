"""The static part of a network: everything but the numbers. It keys compiled programs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from jaxsim.network.event import Event
from jaxsim.network.expression import Expression, names
from jaxsim.network.reaction import Reaction

CONSTANT, TIME_VARYING = "constant", "time-varying"


@dataclass(frozen=True, eq=False)
class Structure:
    """Names, reactions and events of a network, without values; equal structures hash equal.

    Observables are already substituted in rates, effects and triggers.

    Attributes
    ----------
    species, parameters, inputs
        Names, in the order in which values are stored.
    reactions
        In the order of the columns of the stoichiometry.
    observables
        Pairs of name and expression of species, parameters, inputs and ``t``.
    events
        Triggered assignments.
    variables
        Names of real-valued quantities that events set.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"X": 0}, ["-> X @ k", "X -> @ d*X"], parameters={"k": 10.0, "d": 1.0})
    >>> net.structure.parameters
    ('k', 'd')
    """

    species: tuple[str, ...]
    parameters: tuple[str, ...]
    reactions: tuple[Reaction, ...]
    observables: tuple[tuple[str, Expression], ...] = ()
    inputs: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    variables: tuple[str, ...] = ()

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return (
            self.species,
            self.parameters,
            self.reactions,
            self.observables,
            self.inputs,
            self.events,
            self.variables,
        )

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return NotImplemented
        return self is other or (self._hash == other._hash and self._key == other._key)

    def __repr__(self) -> str:
        return f"<Structure of {len(self.species)} species and {len(self.reactions)} reactions>"


def stoichiometry(structure: Structure) -> Int64[np.ndarray, "species reactions"]:
    """Return the change of every species when each reaction fires, effects left out.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> stoichiometry(Network({"A": 9, "B": 0}, ["2 A -> B, 1"]).structure)
    array([[-2],
           [ 1]])
    """
    row = {name: index for index, name in enumerate(structure.species)}
    matrix = np.zeros((len(structure.species), len(structure.reactions)), np.int64)
    for column, reaction in enumerate(structure.reactions):
        for species, change in reaction.changes.items():
            matrix[row[species], column] = change
    return matrix


def names_of_time(structure: Structure) -> frozenset[str]:
    """Return the names whose values change with time alone: ``t`` and the inputs.

    Examples
    --------
    >>> names_of_time(Structure(("A",), (), ()))
    frozenset({'t'})
    """
    return frozenset({"t", *structure.inputs})


def rate_class(structure: Structure) -> tuple[str, ...]:
    """Return for each reaction whether its rate is constant or time-varying between two firings.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> rate_class(Network({"A": 9}, ["A -> , 1", "-> A @ 2 + sin(t)"]).structure)
    ('constant', 'time-varying')
    """
    time = names_of_time(structure)
    return tuple(TIME_VARYING if time & names(reaction.rate) else CONSTANT for reaction in structure.reactions)


def changed_species(reaction: Reaction) -> frozenset[str]:
    """Return the species whose count may differ after the reaction fires.

    Examples
    --------
    >>> sorted(changed_species(Reaction({"E": 1, "A": 1}, {"E": 1}, "k*E*A")))
    ['A']
    """
    moved = {species for species, change in reaction.changes.items() if change}
    return frozenset(moved | {species for species, _ in reaction.effects})


def dependency_graph(structure: Structure) -> tuple[frozenset[int], ...]:
    """Return for each reaction the reactions whose propensity may change when it fires.

    Source: Gibson & Bruck, J. Phys. Chem. A 104 (2000) 1876, definition 5.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"A": 9, "B": 0}, ["A -> B, 1", "B -> , 1", "-> A, 1"])
    >>> [sorted(after) for after in dependency_graph(net.structure)]
    [[0, 1], [1], [0]]
    """
    readers: dict[str, set[int]] = {}
    for index, reaction in enumerate(structure.reactions):
        for name in names(reaction.rate):
            readers.setdefault(name, set()).add(index)
    return tuple(
        frozenset().union(*(readers.get(name, ()) for name in changed_species(reaction)))
        for reaction in structure.reactions
    )
