"""Values at the start: attributes, initial assignments and rules, each computed once what it reads is known."""

from graphlib import CycleError, TopologicalSorter
from typing import Any

from jaxsim.formats.constant_value import constant_value
from jaxsim.formats.problems import Refused
from jaxsim.formats.sbml.draft import Draft
from jaxsim.formats.sbml.quantities import Quantity, Role, amount
from jaxsim.network import Binary, Expression, Number, names
from jaxsim.network.randomness import is_random


def mark_sized_at_start(draft: Draft) -> None:
    """Let compartments whose size is computed be read by name, before formulas are translated."""
    for i in range(draft.model.getNumInitialAssignments()):
        quantity = draft.quantities.get(draft.model.getInitialAssignment(i).getSymbol())
        if quantity is not None and quantity.role is Role.NUMBER:
            quantity.role = Role.CONSTANT


def read_initial_assignments(draft: Draft) -> None:
    """Translate the initial assignments, in amounts."""
    for i in range(draft.model.getNumInitialAssignments()):
        element = draft.model.getInitialAssignment(i)
        place = f"initial assignment of '{element.getSymbol()}'"
        quantity = draft.quantities.get(element.getSymbol())
        if quantity is None:
            if not _is_reference(draft, element.getSymbol()):
                draft.problems.add(place, "is for no quantity of the file", element.getLine())
            continue
        try:
            value = draft.translate(element.getMath(), place, element)
            draft.initial[quantity.id] = _in_amounts(draft, quantity, value, place)
        except Refused:
            continue
    for quantity in draft.quantities.values():
        _concentration_at_start(draft, quantity)


def _is_reference(draft: Draft, identifier: str) -> bool:
    reference = draft.model.getSpeciesReference(identifier)
    return reference is not None


def _in_amounts(draft: Draft, quantity: Quantity, value: Expression, place: str) -> Expression:
    if quantity.compartment is None:
        return value
    volume = Number(1.0)
    if quantity.per_volume:
        refuse = draft.refusal(place, quantity.element)
        return amount(quantity, value, draft.volume(quantity.compartment, refuse))
    return amount(quantity, value, volume)


def _concentration_at_start(draft: Draft, quantity: Quantity) -> None:
    """Multiply an initial concentration by a size that is computed."""
    compartment, element = quantity.compartment, quantity.element
    if compartment is None or compartment.role is Role.NUMBER or quantity.id in draft.initial:
        return
    if element.isSetInitialConcentration() and quantity.role is not Role.RULE:
        from jaxsim.network import Name

        draft.initial[quantity.id] = Binary(
            "*", Number(float(element.getInitialConcentration())), Name(compartment.name)
        )


def settle_values(draft: Draft) -> list[str]:
    """Compute every value at the start; return the quantities that are drawn, in the order of their drawing."""
    formulas = {**draft.initial}
    formulas |= {i: rule for i, rule in draft.rules.items() if draft.quantities[i].role is Role.RULE}
    by_name = {quantity.name: quantity for quantity in draft.quantities.values()}
    values: dict[str, float] = {"t": 0.0}
    for quantity in draft.quantities.values():
        if quantity.id not in formulas and quantity.value is not None:
            values[quantity.name] = quantity.value
    order = _order(draft, formulas, by_name)
    drawn: list[str] = []
    for identifier in order:
        quantity, formula = draft.quantities[identifier], formulas[identifier]
        reads = [by_name[name] for name in names(formula) if name in by_name]
        if is_random(formula) or any(other.drawn for other in reads):
            quantity.drawn = True
            if identifier in draft.initial:
                drawn.append(identifier)
            continue
        _settle(draft, quantity, formula, values)
    return drawn


def _order(draft: Draft, formulas: dict[str, Expression], by_name: dict[str, Any]) -> list[str]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for identifier, formula in formulas.items():
        read = (by_name[name].id for name in names(formula) if name in by_name)
        sorter.add(identifier, *(other for other in read if other in formulas))
    try:
        return list(sorter.static_order())
    except CycleError as error:
        cycle = "', '".join(dict.fromkeys(error.args[1]))
        first = draft.quantities[error.args[1][0]]
        draft.problems.add(first.place, f"is computed in a circle of '{cycle}'; break it", first.line)
        return []


def _settle(draft: Draft, quantity: Quantity, formula: Expression, values: dict[str, float]) -> None:
    what = "initial assignment" if quantity.id in draft.initial else "assignment rule"
    try:
        quantity.value = constant_value(formula, values)
        values[quantity.name] = quantity.value
    except KeyError as error:
        missing = error.args[0]
        if quantity.id in draft.initial:
            draft.problems.add(
                quantity.place, f"has an {what} that reads '{missing}', which has no value", quantity.line
            )
    except (ArithmeticError, ValueError) as error:
        if quantity.id in draft.initial:
            draft.problems.add(quantity.place, f"has an {what} that cannot be computed: {error}", quantity.line)
