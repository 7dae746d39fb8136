"""First step: the declared quantities and functions, and what role each quantity has."""

import math
from typing import Any

from jaxsim.formats.reading import Refused
from jaxsim.formats.sbml.draft import Draft, Quantity, Role
from jaxsim.formats.sbml.mathml import type_names
from jaxsim.network import Expression, Name

NOT_MOLECULES = ("mole", "kilogram", "gram", "avogadro")


def declare(draft: Draft) -> None:
    """Read compartments, species, parameters and functions."""
    model = draft.model
    for i in range(model.getNumCompartments()):
        _compartment(draft, model.getCompartment(i))
    for i in range(model.getNumSpecies()):
        _species(draft, model.getSpecies(i))
    for i in range(model.getNumParameters()):
        _parameter(draft, model.getParameter(i))
    for i in range(model.getNumFunctionDefinitions()):
        _function(draft, model.getFunctionDefinition(i))
    refuse_elsewhere(draft)
    if model.getNumConstraints():
        draft.notes.append(f"{model.getNumConstraints()} constraints are not checked while simulating")


def _add(draft: Draft, quantity: Quantity) -> None:
    if quantity.id in draft.quantities:
        draft.problems.add(quantity.place, "is declared twice; rename one of the two", quantity.line)
        return
    draft.quantities[quantity.id] = quantity


def _compartment(draft: Draft, element: Any) -> None:
    given = element.isSetSize()
    value = float(element.getSize()) if given else (1.0 if element.getSpatialDimensions() == 0 else None)
    name = draft.identifiers.name(element.getId())
    _add(draft, Quantity(element.getId(), "compartment", element, name, value, Role.NUMBER))


def _species(draft: Draft, element: Any) -> None:
    name = draft.identifiers.name(element.getId())
    compartment = draft.quantities.get(element.getCompartment())
    quantity = Quantity(element.getId(), "species", element, name, None, Role.CONSTANT, compartment)
    _add(draft, quantity)
    if compartment is None or compartment.kind != "compartment":
        problem = f"is in '{element.getCompartment()}', which is no compartment of the file"
        draft.problems.add(quantity.place, problem, quantity.line)
        return
    flat = compartment.element.getSpatialDimensions() == 0
    quantity.per_volume = not element.getHasOnlySubstanceUnits() and not flat
    unit = element.getSubstanceUnits() or draft.model.getSubstanceUnits() or ""
    if unit in NOT_MOLECULES:
        draft.notes.append(f"species '{element.getId()}' is given in {unit}; its amounts are taken as molecules")
    if element.isSetConversionFactor() or draft.model.isSetConversionFactor():
        draft.problems.add(quantity.place, "has a conversion factor, which is not supported", quantity.line)
    if element.isSetInitialAmount():
        quantity.value = float(element.getInitialAmount())
    elif element.isSetInitialConcentration() and compartment.value is not None:
        quantity.value = float(element.getInitialConcentration()) * compartment.value
    elif element.isSetInitialConcentration():
        problem = f"has a concentration, and its compartment '{compartment.id}' has no size; give it one"
        draft.problems.add(quantity.place, problem, quantity.line)


def _parameter(draft: Draft, element: Any) -> None:
    value = float(element.getValue()) if element.isSetValue() else None
    name = draft.identifiers.name(element.getId())
    quantity = Quantity(element.getId(), "parameter", element, name, value)
    if value is not None and not math.isfinite(value):
        quantity.role = Role.NUMBER
        if math.isnan(value):
            quantity.value, quantity.role = None, Role.CONSTANT
    _add(draft, quantity)


def _function(draft: Draft, element: Any) -> None:
    place = f"function '{element.getId()}'"
    refuse = draft.refusal(place, element)
    node = element.getMath()
    try:
        if node is None or type_names().get(node.getType()) != "AST_LAMBDA" or node.getNumChildren() == 0:
            raise refuse("has no formula")
        count = node.getNumChildren() - 1
        parameters = tuple(node.getChild(i).getName() or "" for i in range(count))

        def look_up(name: str) -> Expression:
            if name not in parameters:
                raise refuse(f"reads '{name}', which is not one of its arguments")
            return Name(f"argument {name}")

        body = draft.translator.translate(node.getChild(count), look_up, refuse)
        draft.functions[element.getId()] = tuple(f"argument {name}" for name in parameters), body
    except Refused:
        draft.functions[element.getId()] = None


def refuse_elsewhere(draft: Draft) -> None:
    """Refuse what changes the meaning of a model and has no counterpart."""
    model = draft.model
    for i in range(model.getNumRules()):
        rule = model.getRule(i)
        if rule.isAlgebraic():
            draft.problems.add("an algebraic rule", "is not supported; solve it for one quantity", rule.getLine())
    for i in range(model.getNumReactions()):
        reaction = model.getReaction(i)
        if reaction.isSetFast() and reaction.getFast():
            place = f"reaction '{reaction.getId()}'"
            draft.problems.add(place, "is fast, which is not supported; give it a rate", reaction.getLine())
    for i in range(model.getNumEvents()):
        event = model.getEvent(i)
        if event.isSetDelay():
            place = f"event '{event.getId()}'"
            draft.problems.add(place, "has a delay, which is not supported", event.getLine())


def assign_roles(draft: Draft) -> None:
    """Decide what each quantity becomes, from what changes it: rules, events, reactions."""
    model = draft.model
    for i in range(model.getNumRules()):
        rule = model.getRule(i)
        if rule.isAlgebraic():
            continue
        quantity = _target(draft, rule.getVariable(), f"rule of '{rule.getVariable()}'", rule)
        if quantity is not None:
            quantity.role = Role.RULE if rule.isAssignment() else Role.CLOCK
    for i in range(model.getNumEvents()):
        event = model.getEvent(i)
        for j in range(event.getNumEventAssignments()):
            assignment = event.getEventAssignment(j)
            place = f"event '{event.getId()}'"
            quantity = _target(draft, assignment.getVariable(), place, assignment)
            if quantity is not None and quantity.role is Role.RULE:
                problem = f"sets '{quantity.id}', which an assignment rule determines"
                draft.problems.add(place, problem, assignment.getLine())
            elif quantity is not None:
                quantity.set_by_event = True
    for i in range(model.getNumReactions()):
        _mark_moved(draft, model.getReaction(i))
    for quantity in draft.quantities.values():
        _settle(quantity)


def _target(draft: Draft, identifier: str, place: str, element: Any) -> Quantity | None:
    quantity = draft.quantities.get(identifier)
    if quantity is None:
        draft.problems.add(place, f"sets '{identifier}', which is no quantity of the file", element.getLine())
    elif quantity.constant:
        draft.problems.add(place, f"sets '{identifier}', which is declared constant", element.getLine())
        return None
    return quantity


def _mark_moved(draft: Draft, reaction: Any) -> None:
    place = f"reaction '{reaction.getId()}'"
    sides = [reaction.getReactant(i) for i in range(reaction.getNumReactants())]
    sides += [reaction.getProduct(i) for i in range(reaction.getNumProducts())]
    for reference in sides:
        quantity = draft.quantities.get(reference.getSpecies())
        if quantity is None or quantity.kind != "species":
            problem = f"names '{reference.getSpecies()}', which is no species of the file"
            draft.problems.add(place, problem, reference.getLine())
            continue
        if quantity.element.getBoundaryCondition() or quantity.constant:
            continue
        quantity.moved = True
        if quantity.role in (Role.RULE, Role.CLOCK):
            problem = f"changes species '{quantity.id}', which a rule determines; make it a boundary species"
            draft.problems.add(place, problem, reference.getLine())


def _settle(quantity: Quantity) -> None:
    if quantity.role in (Role.RULE, Role.CLOCK):
        return
    if quantity.kind == "species":
        quantity.role = Role.COUNT  # a variable where it turns out not to be whole
    elif quantity.set_by_event:
        quantity.role = Role.VARIABLE
