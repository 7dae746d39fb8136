"""Reactions: whole stoichiometry, the kinetic law as propensity, reversible ones as a pair."""

from typing import Any

from jaxsim.errors import NetworkError
from jaxsim.formats.constant_value import constant_value
from jaxsim.formats.problems import Refused
from jaxsim.formats.sbml.draft import Draft
from jaxsim.formats.sbml.quantities import Role
from jaxsim.formats.sbml.reversible import split_reversible
from jaxsim.formats.whole import MOST_COUNT
from jaxsim.network import Reaction
from jaxsim.network.randomness import is_random


def read_reactions(draft: Draft) -> None:
    """Translate all reactions."""
    for i in range(draft.model.getNumReactions()):
        element = draft.model.getReaction(i)
        try:
            draft.reactions.extend(_reaction(draft, element))
        except Refused:
            continue


def _reaction(draft: Draft, element: Any) -> list[Reaction]:
    place = f"reaction '{element.getId()}'"
    refuse = draft.refusal(place, element)
    reactants = _side(draft, [element.getReactant(i) for i in range(element.getNumReactants())], place)
    products = _side(draft, [element.getProduct(i) for i in range(element.getNumProducts())], place)
    law = element.getKineticLaw()
    if law is None or law.getMath() is None:
        raise refuse("has no kinetic law; give it a rate")
    rate = draft.translate(law.getMath(), place, law, _local_parameters(draft, element, law))
    if is_random(rate):
        raise refuse("has a random rate; a draw may only be in an event or an initial assignment")
    name = draft.identifiers.name(element.getId())
    try:
        if not element.getReversible():
            return [Reaction(reactants, products, rate, name=name)]
        parts = split_reversible(rate, draft)
        if parts is None:
            raise refuse(
                "is reversible, and its law is not the difference of a forward and a backward rate that are "
                "never negative; write it as forward - backward, or as two reactions"
            )
        forward, backward = parts
        if backward is None:
            return [Reaction(reactants, products, forward, name=name)]
        reverse = draft.identifiers.name(f"{name}_reverse")
        return [
            Reaction(reactants, products, forward, name=name),
            Reaction(products, reactants, backward, name=reverse),
        ]
    except NetworkError as error:
        raise refuse(str(error)) from error


def _side(draft: Draft, references: list[Any], place: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reference in references:
        quantity = draft.quantities.get(reference.getSpecies())
        if quantity is None or quantity.kind != "species":
            raise Refused(place)  # noted when it was marked as moved
        number = _stoichiometry(draft, reference, place)
        if quantity.moved and quantity.role is Role.COUNT and number:
            counts[quantity.name] = counts.get(quantity.name, 0) + number
    return counts


def _stoichiometry(draft: Draft, reference: Any, place: str) -> int:
    refuse = draft.refusal(place, reference)
    what = f"the stoichiometry of '{reference.getSpecies()}'"
    value = _stoichiometry_value(draft, reference, place)
    if value is None:
        raise refuse(f"{what} is missing or changes; give a whole number")
    if value != value or not 0 <= value <= MOST_COUNT or not float(value).is_integer():
        raise refuse(f"{what} is {value:g}; give a whole number from 0 to {MOST_COUNT}")
    return int(value)


def _stoichiometry_value(draft: Draft, reference: Any, place: str) -> float | None:
    identifier = reference.getId()
    if identifier and draft.model.getRule(identifier) is not None:
        return None
    formula = reference.getStoichiometryMath()
    if formula is not None:
        return _constant(draft, formula.getMath(), place, formula)
    assignment = draft.model.getInitialAssignment(identifier) if identifier else None
    if assignment is not None:
        return _constant(draft, assignment.getMath(), place, assignment)
    if reference.isSetStoichiometry():
        return float(reference.getStoichiometry())
    return 1.0 if draft.model.getLevel() == 2 else None


def _constant(draft: Draft, node: Any, place: str, element: Any) -> float | None:
    expression = draft.translate(node, place, element)
    try:
        return constant_value(expression, _constants(draft))
    except (KeyError, ArithmeticError, ValueError):
        return None


def _constants(draft: Draft) -> dict[str, float]:
    return {
        quantity.name: quantity.value
        for quantity in draft.quantities.values()
        if quantity.role is Role.CONSTANT and quantity.value is not None and not quantity.drawn
    }


def _local_parameters(draft: Draft, reaction: Any, law: Any) -> dict[str, str]:
    """Give each local parameter a name of its own; return them by identifier."""
    local = {}
    number = law.getNumLocalParameters() or law.getNumParameters()
    for i in range(number):
        element = law.getLocalParameter(i) if law.getNumLocalParameters() else law.getParameter(i)
        place = f"local parameter '{element.getId()}' of reaction '{reaction.getId()}'"
        value = float(element.getValue()) if element.isSetValue() else float("nan")
        if value != value or abs(value) == float("inf"):
            draft.problems.add(place, "has no finite value; give it one", element.getLine())
            value = 0.0
        name = draft.identifiers.name(f"{reaction.getId()}_{element.getId()}")
        draft.extra_parameters[name] = value
        local[element.getId()] = name
    return local
