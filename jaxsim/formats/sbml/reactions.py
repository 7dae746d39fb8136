"""Reactions: whole stoichiometry, the kinetic law as propensity, reversible ones as a pair."""

from typing import Any

from jaxsim.errors import NetworkError
from jaxsim.formats.names import MOST_COUNT, constant_value
from jaxsim.formats.reading import Refused
from jaxsim.formats.sbml.draft import Draft, Role
from jaxsim.network import Binary, Expression, FallingFactorial, Name, Number, Reaction, Unary, names
from jaxsim.network.expression import fold
from jaxsim.network.functions import is_random

# Split the law of a reversible reaction into a forward and a backward propensity, where it is their difference.

POSITIVE_DRAWS = frozenset(
    {"binomial", "random_poisson", "random_exponential", "random_gamma", "random_lognormal", "random_rayleigh"}
)
KEEPING = (  # never negative where no operand is
    *("asin", "atan", "sinh", "tanh", "asinh", "atanh"),
    *("min", "floor", "ceil", "hill", "michaelis_menten", "random_uniform"),
)
MOST_DEPTH = 60  # of factors around a difference


def split_reversible(law: Expression, draft: Draft) -> tuple[Expression, Expression | None] | None:
    """Return forward and backward rate (None if the law is forward alone), or None if the law is no such difference.

    The difference may have factors around it: ``V*(kf*A - kr*B)/2``. Nothing is multiplied out, and the ``A - 1`` of
    ``k*A*(A - 1)`` is no difference of two rates.
    """
    found = _split(law, MOST_DEPTH)
    if found is None:
        return (law, None) if surely_nonnegative(law, draft) else None
    forward, backward = found
    if surely_nonnegative(forward, draft) and surely_nonnegative(backward, draft):
        return forward, backward
    return None


def _split(law: Expression, depth: int) -> tuple[Expression, Expression] | None:
    if depth == 0:
        return None
    if isinstance(law, Binary):
        if law.op == "-" and names(law.right):
            return law.left, law.right
        if law.op == "+" and isinstance(law.right, Unary) and law.right.op == "-":
            return law.left, law.right.operand
        if law.op in "*/" and (inner := _split(law.left, depth - 1)) is not None:
            return Binary(law.op, inner[0], law.right), Binary(law.op, inner[1], law.right)
        if law.op == "*" and (inner := _split(law.right, depth - 1)) is not None:
            return Binary("*", law.left, inner[0]), Binary("*", law.left, inner[1])
    return None


def surely_nonnegative(rate: Expression, draft: Draft) -> bool:
    """Return whether a rate is never negative at whole counts from 0 on, judged by the signs of its parts.

    A product ``A*(A - 1)*(A - 2)`` counts as the falling factorial it is, whatever stands between its factors.
    """
    return _nonnegative(rate, _signs_of(draft))


def _signs_of(draft: Draft) -> dict[str, bool]:
    """Return for each name of the network whether it is surely never negative."""
    known = {quantity.name: _sign(quantity.role, quantity.value) for quantity in draft.quantities.values()}
    known |= {name: value >= 0 for name, value in draft.extra_parameters.items()}
    known["t"] = True
    given = {name: list(values) for name, values in draft.assigned.items()}
    given |= {
        draft.quantities[identifier].name: [rule]
        for identifier, rule in draft.rules.items()
        if draft.quantities[identifier].role is Role.RULE
    }
    while True:  # what is set keeps its sign if all that it is set to has it; take away those for which that fails
        wrong = [
            name
            for name, values in given.items()
            if known.get(name) and not all(_nonnegative(v, known) for v in values)
        ]
        if not wrong:
            return known
        known |= dict.fromkeys(wrong, False)


def _nonnegative(rate: Expression, known: dict[str, bool]) -> bool:
    def visit(node: Expression, below: list[bool]) -> bool:
        match node:
            case Number(value):
                return value >= 0
            case Name(name):
                return known.get(name, False)
            case FallingFactorial():
                return True
            case Binary("*", _, _):
                return all(below) or _is_falling(node, known)
            case Binary("+" | "/" | "^", _, _):
                return all(below)
        function = getattr(node, "function", None)
        if function in ("exp", "abs", "sqrt", "cosh", "acosh", "acos") or function in POSITIVE_DRAWS:
            return True
        if function == "if":
            return all(below[1:])
        return function in KEEPING and all(below)

    return fold(rate, visit)


def _sign(role: Role, value: float | None) -> bool:
    starts = value is None or value >= 0
    return role is Role.COUNT or (role is not Role.CLOCK and starts)


def _is_falling(product: Expression, signs: dict[str, bool]) -> bool:
    """Return whether the factors below zero are those of falling factorials of counts."""
    factors, stack = [], [product]
    while stack:
        node = stack.pop()
        if isinstance(node, Binary) and node.op == "*":
            stack += [node.left, node.right]
        else:
            factors.append(node)
    steps: dict[Expression, set[float]] = {}
    for factor in factors:
        match factor:
            case Binary("-", count, Number(step)) if step > 0:
                steps.setdefault(count, set()).add(step)
            case Number(value) if value < 0:
                return False
    plain = {factor for factor in factors if factor in steps}
    return (
        all(
            isinstance(count, Name)
            and count in plain
            and signs.get(count.id, False)
            and step == set(map(float, range(1, len(step) + 1)))
            for count, step in steps.items()
        )
        and bool(steps)
        and all(_plainly(factor, signs) for factor in factors if not _is_step(factor))
    )


def _is_step(factor: Expression) -> bool:
    return isinstance(factor, Binary) and factor.op == "-" and isinstance(factor.right, Number)


def _plainly(factor: Expression, signs: dict[str, bool]) -> bool:
    def visit(node: Expression, below: list[bool]) -> bool:
        match node:
            case Number(value):
                return value >= 0
            case Name(name):
                return signs.get(name, False)
            case Binary("/" | "*" | "+", _, _):
                return all(below)
        return False

    return fold(factor, visit)


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
