"""Assignment rules as observables, and rate rules with a closed solution as observables of the time."""

from typing import Any

from jaxsim.formats.problems import Refused
from jaxsim.formats.sbml.draft import Draft
from jaxsim.formats.sbml.quantities import Quantity, Role, amount
from jaxsim.network import Binary, Call, Expression, Name, Number, names, substitute
from jaxsim.network.randomness import is_random
from jaxsim.network.switching import ZERO, linear_in_time

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
    return amount(quantity, value, draft.volume(quantity.compartment, refuse))


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
