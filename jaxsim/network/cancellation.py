"""Find where a small difference of large numbers matters: differences, comparisons and the like of counts.

Single precision holds whole numbers up to 2**24. A product of rounded numbers is as precise as they are, but what is
left of ``K - A`` is not, nor is ``A >= K`` sure. Such parts of an expression are computed from the whole counts in
double precision, and only the result is rounded.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxsim.network.expression import (
    Binary,
    Call,
    Compare,
    Expression,
    FallingFactorial,
    Name,
    Number,
    Unary,
    fold,
    names,
)

LARGE_NUMBER = float(1 << 22)  # two numbers of which one stays below have a difference that single precision holds
_PHASES = ("floor", "ceil", "sin", "cos", "tan", "log", "log10")  # errors of the argument show in full


class Ranges(NamedTuple):
    """What is known of the numbers that names stand for."""

    wide: frozenset[str] = frozenset()
    """Names whose magnitude may exceed LARGE."""
    signed: frozenset[str] = frozenset()
    """Names of numbers that may be negative."""


NARROW = Ranges()


def pull_cancelling(
    expression: Expression, ranges: Ranges, counts: frozenset[str], pull: Callable[[Expression], Expression]
) -> Expression:
    """Replace the outermost parts in which large counts cancel, or are compared, by what `pull` returns for them.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> found = []
    >>> rate = parse("k*max(0, K - A)/(Km + A)")
    >>> wide = Ranges(frozenset({"K", "A"}))
    >>> to_string(pull_cancelling(rate, wide, frozenset({"A"}), lambda part: found.append(part) or Name("d")))
    'k*max(0, d)/(Km + A)'
    >>> found
    [parse('K - A')]
    """
    if not ranges.wide & names(expression):
        return expression

    done: dict[int, Expression] = {}
    stack = [expression]
    while stack:  # from the top, so that what is pulled out is not looked into
        node = stack.pop()
        if id(node) in done:
            continue
        if counts & names(node) and _cancels(node, ranges):
            done[id(node)] = pull(node)
            continue
        pending = [child for child in node.children if id(child) not in done]
        if pending:
            stack += [node, *pending]
        else:
            done[id(node)] = node.rebuild(tuple(done[id(child)] for child in node.children)) if node.children else node
    return done[id(expression)]


def _cancels(node: Expression, ranges: Ranges) -> bool:
    """Return whether the rounding of large operands may show in full in the value of a node."""
    match node:
        case Compare(_, left, right) | Binary("-", left, right):
            return _is_wide(left, ranges) and _is_wide(right, ranges)
        case Binary("+", left, right):
            both = _is_wide(left, ranges) and _is_wide(right, ranges)
            return both and (_may_be_negative(left, ranges) or _may_be_negative(right, ranges))
        case Call(function, (argument,)) if function in _PHASES:
            return _is_wide(argument, ranges)
    return False


def _is_wide(expression: Expression, ranges: Ranges) -> bool:
    """Return whether an operand may exceed LARGE: if it reads a name or number that does, or a power of counts."""

    def visit(node: Expression, operands: list[bool]) -> bool:
        match node:
            case Number(value):
                return abs(value) >= LARGE_NUMBER
            case Name(name) | FallingFactorial(name, _):
                return name in ranges.wide
        return any(operands)

    return fold(expression, visit)


def _may_be_negative(expression: Expression, ranges: Ranges) -> bool:
    def visit(node: Expression, operands: list[bool]) -> bool:
        match node:
            case Number(value):
                return value < 0
            case Name(name):
                return name in ranges.signed
            case Binary("-", _, _) | Unary("-", _):
                return True
            case Call(function, _) if function in ("sin", "cos", "tan", "log", "log10"):
                return True
        return any(operands)

    return fold(expression, visit)
