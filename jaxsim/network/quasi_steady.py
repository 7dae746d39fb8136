"""Take species that turn over fast at their quasi-steady state, so that steps need not follow them."""

from collections.abc import Iterable
from dataclasses import replace

from jaxsim.errors import NetworkError, closest
from jaxsim.network.expression import Binary, Expression, FallingFactorial, Name, Number, names, substitute, to_string
from jaxsim.network.network import Network
from jaxsim.network.parameter import Parameter
from jaxsim.network.reaction import Counts, Reaction


def quasi_steady(network: Network, species: Iterable[str]) -> Network:
    """Return the network without some species, which stand everywhere at production over loss per molecule.

    An explicit step must be shorter than the life of the shortest-lived molecule, though nothing may follow from when
    each was made. Where a species turns over much faster than what makes and breaks it changes, its mean is that of the
    quasi-steady state; its own noise, and delays of the order of its life, are lost.

    Parameters
    ----------
    network : Network
    species : sequence of str
        Each is made at rates that do not read it and lost at rates proportional to it. They are taken one after the
        other, so that one may stand in the quasi-steady state of the next.

    Returns
    -------
    Network
        Reactions that change nothing else are gone; rates and observables read the quasi-steady state. An observable
        that would read an input through it is left out, as observables are of the state alone.

    Raises
    ------
    NetworkError
        If a species is not lost in proportion to its count, is made from itself, or is read by an event or an effect.

    References
    ----------
    Rao & Arkin, J. Chem. Phys. 118 (2003) 4999.

    Examples
    --------
    >>> gene = Network({"M": 2, "P": 0}, ["-> M, a", "M -> , 10", "M -> M + P, b", "P -> , 1"], {"a": 20.0, "b": 50.0})
    >>> quasi_steady(gene, ["M"])
    Network of 1 species and 2 reactions
      species     P = 0
      parameters  a = 20, b = 50
      reactions
        -> P @ b*(a/10)
        P -> @ 1*P
    """
    for name in species:
        network = _without(network, name)
    return network


def _without(network: Network, name: str) -> Network:
    """Return the network with one species at its quasi-steady state."""
    structure = network.structure
    if name not in structure.species:
        raise NetworkError(f"the network has no species '{name}'{closest(name, structure.species)}")
    if structure.events or any(reaction.effects for reaction in structure.reactions):
        raise NetworkError(f"'{name}' cannot be eliminated from a network with events or effects, which may read it")
    state = {name: _state(network, name)}
    kept = []
    for reaction in structure.reactions:
        sides = (_other(reaction.reactants, name), _other(reaction.products, name))
        new = replace(reaction, reactants=sides[0], products=sides[1], rate=substitute(reaction.rate, state))
        if any(new.changes.values()):
            kept.append(new)
    shown = {key: substitute(value, state) for key, value in structure.observables}
    return Network(
        {other: count for other, count in network.initial.items() if other != name},
        kept,
        {
            key: Parameter(value, network.units.get(key, ""), network.descriptions.get(key, ""))
            for key, value in network.parameters.items()
        },
        {key: value for key, value in shown.items() if not names(value) & (set(network.inputs) | {"t"})},
        dict(network.inputs),
        name=network.name,
    )


def _state(network: Network, name: str) -> Expression:
    """Return production over loss per molecule."""
    observables = dict(network.structure.observables)
    made: list[Expression] = []
    lost: list[Expression] = []
    for reaction in network.structure.reactions:
        change = reaction.changes.get(name, 0)
        rate = substitute(reaction.rate, observables)
        if change > 0 and name in names(rate):
            raise NetworkError(
                f"'{name}' is made from itself by reaction '{reaction}', so it has no quasi-steady state"
            )
        if change:
            rate = rate if change > 0 else _per_molecule(rate, name, reaction)
            weighed = rate if abs(change) == 1 else Binary("*", Number(abs(change)), rate)
            (made if change > 0 else lost).append(weighed)
    if not lost:
        raise NetworkError(f"'{name}' is never lost, so it has no quasi-steady state")
    return Binary("/", _sum(made), _sum(lost)) if made else Number(0.0)


def _per_molecule(rate: Expression, name: str, reaction: Reaction) -> Expression:
    """Return a rate without the count to which it is proportional."""
    if rate == Name(name) or rate == FallingFactorial(name, 1):
        return Number(1.0)
    match rate:
        case Binary("*", left, right) if name in names(left) and name not in names(right):
            return _product(_per_molecule(left, name, reaction), right)
        case Binary("*", left, right) if name in names(right) and name not in names(left):
            return _product(left, _per_molecule(right, name, reaction))
        case Binary("/", left, right) if name not in names(right):
            return Binary("/", _per_molecule(left, name, reaction), right)
    raise NetworkError(
        f"the loss '{reaction}' of '{name}' is not its count times what does not read it ({to_string(rate)}), so its "
        f"quasi-steady state is not found"
    )


def _product(left: Expression, right: Expression) -> Expression:
    one = Number(1.0)
    return right if left == one else left if right == one else Binary("*", left, right)


def _sum(terms: list[Expression]) -> Expression:
    total = terms[0]
    for term in terms[1:]:
        total = Binary("+", total, term)
    return total


def _other(side: Counts, name: str) -> Counts:
    """Return one side of a reaction without the species."""
    pairs = side.items() if hasattr(side, "items") else side
    return tuple((species, count) for species, count in pairs if species != name)
