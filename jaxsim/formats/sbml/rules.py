"""Assignment rules as observables, and rate rules with a closed solution as observables of the time."""

from graphlib import CycleError, TopologicalSorter
from typing import Any

from jaxsim.formats.names import constant_value
from jaxsim.formats.reading import Refused
from jaxsim.formats.sbml.draft import Draft, Quantity, Role, amount_of
from jaxsim.network import Binary, Call, Expression, Name, Number, names, substitute
from jaxsim.network.event import ZERO, linear_in_time
from jaxsim.network.functions import is_random

WHY_NOT = (
    "has a rate rule that is not followed exactly; supported are constant rates, and rates that are linear in "
    "the quantity itself with constant coefficients, if no event sets it"
)


def read_rules(draft: Draft) -> None:
    """Translate assignment and rate rules, in amounts."""
    for i in range(draft.model.getNumRules()):
        rule = draft.model.getRule(i)
        quantity = None if rule.isAlgebraic() else draft.quantities.get(rule.getVariable())
        if quantity is None or quantity.role not in (Role.RULE, Role.CLOCK):
            continue
        kind = "assignment" if rule.isAssignment() else "rate"
        place = f"{kind} rule of '{quantity.id}'"
        try:
            if quantity.id in draft.rules:
                raise draft.refusal(place, rule)("is the second rule of it; leave one")
            draft.rules[quantity.id] = _translated(draft, quantity, rule, place)
        except Refused:
            continue


def _translated(draft: Draft, quantity: Quantity, rule: Any, place: str) -> Expression:
    value = draft.translate(rule.getMath(), place, rule)
    refuse = draft.refusal(place, rule)
    if is_random(value):
        raise refuse("is random; a draw may only be in an event or an initial assignment")
    if not quantity.per_volume:
        return value
    assert quantity.compartment is not None
    return amount_of(quantity, value, draft.volume(quantity.compartment, refuse))


def observables(draft: Draft) -> dict[str, Expression]:
    """Return the quantities that rules determine, by name in the network."""
    found = {}
    for identifier, rule in draft.rules.items():
        quantity = draft.quantities[identifier]
        try:
            found[quantity.name] = rule if quantity.role is Role.RULE else _solution(draft, quantity, rule)
        except Refused:
            continue
    return found


def origin_name(draft: Draft, quantity: Quantity) -> str:
    """Return the variable that holds where a clock that events set would have started at time zero."""
    name = f"{quantity.name}_at_0"
    if name not in draft.extra_variables:
        if name in draft.identifiers.taken:
            name = draft.identifiers.name(name)
        draft.identifiers.taken.add(name)
        draft.extra_variables[name] = 0.0 if quantity.value is None else quantity.value
    return name


def slope(draft: Draft, quantity: Quantity) -> Expression:
    """Return the constant rate of a clock; a rule that could not be read has been refused."""
    if quantity.id not in draft.rules:
        raise Refused(quantity.place)
    return _line(draft, quantity, draft.rules[quantity.id])[1]


def _solution(draft: Draft, quantity: Quantity, rate: Expression) -> Expression:
    """Return the quantity as a function of the time: V' = a + b V from V(0)."""
    refuse = draft.refusal(f"rate rule of '{quantity.id}'", quantity.element)
    b, a = _line(draft, quantity, rate)
    changed = quantity.set_by_event or quantity.drawn
    if not changed and quantity.value is None:
        raise refuse("starts without a value; give it one")
    if b == ZERO:
        start: Expression = Name(origin_name(draft, quantity)) if changed else Number(float(quantity.value or 0.0))
        return Binary("+", start, Name("t") if a == Number(1.0) else Binary("*", a, Name("t")))
    if changed:
        raise refuse(WHY_NOT)
    growth, value = Call("exp", (Binary("*", b, Name("t")),)), Number(float(quantity.value or 0.0))
    if a == ZERO:
        return Binary("*", value, growth)
    shift = Binary("/", a, b)
    return Binary("-", Binary("*", Binary("+", value, shift), growth), shift)


def _line(draft: Draft, quantity: Quantity, rate: Expression) -> tuple[Expression, Expression]:
    refuse = draft.refusal(f"rate rule of '{quantity.id}'", quantity.element)
    constants = {other.name for other in draft.quantities.values() if other.role is Role.CONSTANT and not other.drawn}
    if not names(rate) <= constants | {quantity.name}:
        raise refuse(WHY_NOT)
    line = linear_in_time(substitute(rate, {quantity.name: Name("t")}))
    if line is None:
        raise refuse(WHY_NOT)
    return line


# Values at the start: attributes, initial assignments and rules, each computed once what it reads is known.


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
        return amount_of(quantity, value, draft.volume(quantity.compartment, refuse))
    return amount_of(quantity, value, volume)


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
