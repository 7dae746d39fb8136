"""When a condition that reads the time switches: comparisons that are linear in ``t`` solved for it.

Between two changes of the state such a comparison turns true or false at one known moment, so a trigger
made of them can be waited for exactly.
"""

from typing import NamedTuple

from jaxsim.errors import NetworkError
from jaxsim.network.constants import fold_constant
from jaxsim.network.expression import Binary, Call, Compare, Expression, Logic, Name, Number, Unary, fold, names


class Switch(NamedTuple):
    """The comparison ``slope*t + offset`` of `op` with zero."""

    op: str
    slope: Expression
    offset: Expression


class Timed(NamedTuple):
    """A condition with its comparisons of the time taken out."""

    condition: Expression
    """Reads :func:`switch_name` of each switch instead of the time."""
    switches: tuple[Switch, ...]


Line = tuple[Expression, Expression]  # slope and offset
ZERO = Number(0.0)


def switch_name(index: int) -> str:
    """Return the name under which a condition reads switch `index`; no species can have it.

    Examples
    --------
    >>> switch_name(0)
    'switch 0'
    """
    return f"switch {index}"


def split_time(condition: Expression) -> Timed:
    """Take the comparisons that read the time out of a condition.

    Raises
    ------
    NetworkError
        If the time is read anywhere but in a comparison that is linear in it.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> split_time(parse("t >= 25 and A > 3"))
    Timed(condition=parse('switch 0 and A > 3'), switches=(Switch(op='>=', slope=parse('1'), offset=parse('-25')),))
    >>> split_time(parse("t == 25")).condition
    parse('switch 0 and switch 1')
    """
    switches: list[Switch] = []

    def visit(node: Expression, children: list[Expression]) -> Expression:
        unchanged = all(new is old for new, old in zip(children, node.children, strict=True))
        new = node if unchanged else node.rebuild(tuple(children))
        if not isinstance(new, Compare) or "t" not in names(new):
            return new
        line = linear_in_time(Binary("-", new.left, new.right))
        if line is None:
            raise NetworkError(_refusal(new))
        if new.op in ("==", "!="):
            equal = Logic("and", switched(">=", line), switched("<=", line))
            return equal if new.op == "==" else Unary("not", equal)
        return switched(new.op, line)

    def switched(op: str, line: Line) -> Name:
        switches.append(Switch(op, *line))
        return Name(switch_name(len(switches) - 1))

    rest = fold(condition, visit)
    if "t" in names(rest):
        raise NetworkError(_refusal(condition))
    return Timed(rest, tuple(switches))


def linear_in_time(expression: Expression) -> Line | None:
    """Return slope and offset of an expression that is linear in ``t``, or None if it is not.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> linear_in_time(parse("k*(t - start)/2"))
    (parse('k/2'), parse('k*-start/2'))
    >>> linear_in_time(parse("exp(t)")) is None
    True
    """

    def visit(node: Expression, below: list[Line | None]) -> Line | None:
        if "t" not in names(node):
            return ZERO, node
        match node, below:
            case Name(_), _:
                return Number(1.0), ZERO
            case Unary("-", _), [(a, b)]:
                return _negative(a), _negative(b)
            case Binary("+", _, _), [(a, b), (c, d)]:
                return _sum("+", a, c), _sum("+", b, d)
            case Binary("-", _, _), [(a, b), (c, d)]:
                return _sum("-", a, c), _sum("-", b, d)
            case Binary("*", left, _), [(a, b), (c, d)] if "t" not in names(left):
                return _product("*", b, c), _product("*", b, d)
            case Binary("*", _, right), [(a, b), (c, d)] if "t" not in names(right):
                return _product("*", a, d), _product("*", b, d)
            case Binary("/", _, right), [(a, b), (c, d)] if "t" not in names(right):
                return _product("/", a, d), _product("/", b, d)
            case Call("if", _), _:
                return None
        return None

    return fold(expression, visit)


def _refusal(condition: Expression) -> str:
    from jaxsim.network.printer import to_string

    return (
        f"the condition '{to_string(condition)}' reads the time t in a way whose moment of change is not known; "
        f"compare an expression that is linear in t with what the state gives"
    )


def _negative(a: Expression) -> Expression:
    return a if a == ZERO else _folded(Unary("-", a))


def _sum(op: str, a: Expression, b: Expression) -> Expression:
    if b == ZERO:
        return a
    if a == ZERO:
        return b if op == "+" else _negative(b)
    return _folded(Binary(op, a, b))


def _product(op: str, a: Expression, b: Expression) -> Expression:
    one = Number(1.0)
    if a == ZERO or b == one:
        return a
    if b == ZERO and op == "*":
        return ZERO
    return b if op == "*" and a == one else _folded(Binary(op, a, b))


def _folded(node: Expression) -> Expression:
    try:
        return fold_constant(node)
    except (ArithmeticError, ValueError):
        return node
