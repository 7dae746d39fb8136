"""Objectives with their jumps rounded off, for the scouts, which follow paths; the polish takes the true ones.

A condition on ``x = (left - right) / w`` becomes a smooth step of width w: a tenth of the line where that is a number
other than 0, else 5 counts. With `heavy` tails, x / (1 + |x|), a scout far from the line still sees which way to go;
with light ones, exponentials, the smooth objective is nearer to the true one.
"""

from dataclasses import replace

from jaxsim.gradient.objective import Objective, Term
from jaxsim.network import Binary, Call, Compare, Expression, Logic, Number, Unary
from jaxsim.network.expression import fold

COUNTS = 5.0
PART = 0.1
FARTHEST = 40.0  # exp of more would overflow in single precision when squared


def smoothed(objective: Objective, heavy: bool) -> Objective:
    """Return the objective with every condition rounded off.

    Examples
    --------
    >>> from jaxsim.gradient import probability
    >>> print(smoothed(probability("T == 0", at=3.0), heavy=True))
    mean of 1/(1 + max(T - 0, 0)/5) at 3
    """
    return Objective(tuple(_term(term, heavy) for term in objective.terms))


def _term(term: Term, heavy: bool) -> Term:
    return replace(term, signal=_smooth(term.signal, heavy))


def _smooth(expression: Expression, heavy: bool) -> Expression:
    def visit(node: Expression, given: list[Expression]) -> Expression:
        if isinstance(node, Compare):
            return _condition(node.op, given[0], given[1], heavy)
        if isinstance(node, Logic):
            return _joined(node.op, given)
        if isinstance(node, Unary) and node.op == "not":
            return Binary("-", Number(1.0), given[0])
        if isinstance(node, Call) and node.function == "if":
            return Binary("+", Binary("*", given[0], given[1]), Binary("*", _not(given[0]), given[2]))
        if isinstance(node, Call) and node.function in ("floor", "ceil"):
            return given[0]
        return node.rebuild(tuple(given)) if given else node

    return fold(expression, visit)


def _condition(op: str, left: Expression, right: Expression, heavy: bool) -> Expression:
    width = COUNTS
    if isinstance(right, Number) and right.value != 0.0:
        width = PART * abs(right.value)
    apart = Binary("-", left, right)
    if op in ("==", "!="):
        off = Call("max", (apart, Number(0.0))) if right == Number(0.0) else Call("abs", (apart,))
        same = _falling(Binary("/", off, Number(width)), heavy)
        return same if op == "==" else _not(same)
    below = _step(Binary("/", apart, Number(width)), heavy)
    return below if op in ("<", "<=") else _not(below)


def _falling(x: Expression, heavy: bool) -> Expression:
    """Return 1 at x = 0, falling to 0."""
    if heavy:
        return Binary("/", Number(1.0), Binary("+", Number(1.0), x))
    return Call("exp", (Unary("-", x),))


def _step(x: Expression, heavy: bool) -> Expression:
    """Return a step from 1 for small x to 0 for large x."""
    if heavy:
        soft = Binary("/", x, Binary("+", Number(1.0), Call("abs", (x,))))
        return Binary("-", Number(0.5), Binary("*", Number(0.5), soft))
    rise = Call("exp", (Call("min", (x, Number(FARTHEST))),))
    return Binary("/", Number(1.0), Binary("+", Number(1.0), rise))


def _not(x: Expression) -> Expression:
    return Binary("-", Number(1.0), x)


def _joined(op: str, given: list[Expression]) -> Expression:
    found = given[0]
    for other in given[1:]:
        both = Binary("*", found, other)
        found = both if op == "and" else Binary("-", Binary("+", found, other), both)
    return found
