"""Split the law of a reversible reaction into a forward and a backward propensity, where it is their difference."""

from jaxsim.formats.sbml.draft import Draft
from jaxsim.formats.sbml.quantities import Role
from jaxsim.network import Binary, Expression, FallingFactorial, Name, Number, Unary, names
from jaxsim.network.expression import fold

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
    return _nonnegative(rate, signs(draft))


def signs(draft: Draft) -> dict[str, bool]:
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
