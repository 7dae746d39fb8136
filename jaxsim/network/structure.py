"""The static part of a network: everything but the numbers. It keys compiled programs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from jaxtyping import Int64

from jaxsim.errors import NetworkError, closest
from jaxsim.network.event import Event
from jaxsim.network.expression import Expression, Number, names, size, substitute, to_string
from jaxsim.network.functions import RESERVED, is_random
from jaxsim.network.reaction import Reaction, as_expression, parse_reaction

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


# Check that the parts of a network fit together, and put the observables into the rates.

# Far above any model (a sum over 10,000 species has 20,000 nodes), far below what exhausts memory.
LARGEST_EXPRESSION = 1_000_000

_KINDS = "a species, parameter, observable or input"


def build_structure(
    species: tuple[str, ...],
    parameters: tuple[str, ...],
    reactions: Iterable[Any],
    observables: Mapping[str, Any],
    inputs: tuple[str, ...],
    events: Iterable[Any],
    variables: tuple[str, ...] = (),
) -> Structure:
    """Return the static part of a network after checking every name in it.

    Raises
    ------
    NetworkError
        If a name is unknown, duplicate or reserved, or a rate is random or negative.
    """
    declared = {
        "species": species,
        "parameter": parameters,
        "observable": tuple(observables),
        "input": inputs,
        "variable": variables,
    }
    _check_names(declared)
    known = {name for group in declared.values() for name in group} | {"t"}
    values = _resolve(observables, known)
    parsed = _parse_all(reactions)
    for reaction in parsed:
        _check_reaction(reaction, set(species), set(variables), known, set(inputs))
    for event in (events := tuple(events)):
        _check_event(event, {*species, *variables}, known, set(inputs))
    return Structure(
        species=species,
        parameters=parameters,
        reactions=tuple(_inline_reaction(reaction, values) for reaction in parsed),
        observables=tuple(values.items()),
        inputs=inputs,
        events=tuple(_inline_event(event, values) for event in events),
        variables=variables,
    )


def _check_names(declared: Mapping[str, tuple[str, ...]]) -> None:
    seen: dict[str, str] = {}
    for kind, group in declared.items():
        for name in group:
            if not isinstance(name, str) or not name.isidentifier():
                raise NetworkError(f"{kind} {name!r} is not a name; use letters, digits and '_', a letter first")
            if name in RESERVED:
                raise NetworkError(f"{kind} '{name}' has a reserved name (time, function or constant); rename it")
            if name in seen:
                raise NetworkError(f"'{name}' is declared as a {seen[name]} and as a {kind}; rename one of them")
            seen[name] = kind


def _parse_all(reactions: Iterable[Any]) -> tuple[Reaction, ...]:
    if isinstance(reactions, (str, Reaction)):
        raise NetworkError("reactions must be a list of reactions; put the one in brackets")
    parsed: list[Reaction] = []
    for item in reactions:
        parsed.extend((item,) if isinstance(item, Reaction) else parse_reaction(item))
    seen: set[str] = set()
    for reaction in parsed:
        if reaction.name and reaction.name in seen:
            raise NetworkError(f"two reactions are named '{reaction.name}'; rename one of them")
        seen.add(reaction.name)
    return tuple(parsed)


def _resolve(observables: Mapping[str, Any], known: set[str]) -> dict[str, Expression]:
    """Return the observables with observables inside them substituted, in the order given."""
    pending = {name: as_expression(value) for name, value in observables.items()}
    for name, value in pending.items():
        _check_known(names(value), known, f"observable '{name}'")
        _refuse_random(value, f"observable '{name}'")
    sorter = TopologicalSorter({name: names(value) & pending.keys() for name, value in pending.items()})
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        cycle = "', '".join(sorted(set(error.args[1]), key=list(pending).index))
        raise NetworkError(f"the observables '{cycle}' read each other in a circle; break it") from error
    done: dict[str, Expression] = {}
    for name in order:
        done[name] = _written_out(pending[name], done, f"observable '{name}'")
    return {name: done[name] for name in pending}


def _check_known(read: Iterable[str], known: set[str], where: str) -> None:
    for name in sorted(read):
        if name not in known:
            remedy = f"{guess} Declare" if (guess := closest(name, known)) else "; declare"
            raise NetworkError(f"{where}: unknown name '{name}'{remedy} it as {_KINDS}")


def _check_species(read: Iterable[str], species: set[str], where: str) -> None:
    for name in read:
        if name not in species:
            raise NetworkError(f"{where}: '{name}' is not a species{closest(name, species)}")


def _refuse_random(expression: Expression, where: str) -> None:
    if is_random(expression):
        raise NetworkError(f"{where}: {to_string(expression):.60} is random; it may only be used in an effect or event")


def _check_reaction(
    reaction: Reaction, species: set[str], variables: set[str], known: set[str], inputs: set[str]
) -> None:
    where = f"reaction '{reaction}'"
    _check_species(reaction.changes, species, where)
    _check_known(names(reaction.rate), known, where)
    _refuse_random(reaction.rate, where)
    if isinstance(reaction.rate, Number) and reaction.rate.value < 0:
        raise NetworkError(f"{where}: the rate is negative; a propensity is 0 or more")
    _check_assignments(reaction.effects, species | variables, known - inputs - {"t"}, where)


def _check_event(event: Event | str, settable: set[str], known: set[str], inputs: set[str]) -> None:
    if not isinstance(event, Event):
        raise NetworkError(f"an event must be an Event, not {event!r:.60}")
    where = f"event '{event}'"
    _check_known(names(event.trigger), known - inputs, where)
    _refuse_random(event.trigger, where)
    _check_assignments(event.set, settable, known - inputs, where)


def _check_assignments(pairs: Any, species: set[str], known: set[str], where: str) -> None:
    _check_species((name for name, _ in pairs), species, where)
    for _, value in pairs:
        _check_known(names(value), known, where)


def _written_out(expression: Expression, values: Mapping[str, Expression], where: str) -> Expression:
    """Return the expression with observables substituted, if that is of reasonable size."""
    result = substitute(expression, values)
    if size(result) > LARGEST_EXPRESSION:
        raise NetworkError(
            f"{where} has {size(result)} terms with its observables written out, more than {LARGEST_EXPRESSION}; "
            f"use observables of observables more sparingly"
        )
    return result


def _inline(pairs: Any, values: Mapping[str, Expression], where: str) -> Any:
    return tuple((name, _written_out(value, values, where)) for name, value in pairs)


def _inline_reaction(reaction: Reaction, values: Mapping[str, Expression]) -> Reaction:
    if not values:
        return reaction
    where = f"reaction '{reaction}'"
    rate = _written_out(reaction.rate, values, where)
    return replace(reaction, rate=rate, effects=_inline(reaction.effects, values, where))


def _inline_event(event: Event, values: Mapping[str, Expression]) -> Event:
    where = f"event '{event}'"
    trigger = _written_out(event.trigger, values, where)
    return replace(event, trigger=trigger, set=_inline(event.set, values, where))
