"""Write an expression as text that :func:`parse` reads back to the same value."""

from typing import Any

from jaxsim.network.expression import (
    Binary,
    Call,
    Compare,
    Expression,
    FallingFactorial,
    Logic,
    Name,
    Number,
    Unary,
    fold,
)

_STRENGTH = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "^": 8}
_COMPARE, _SIGN, _ATOM = 4, 7, 9


def to_string(expression: Expression) -> str:
    """Write an expression with the fewest parentheses that keep its grouping.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> to_string(parse("((a)*(b-1))/(c*d)"))
    'a*(b - 1)/(c*d)'
    """
    _, rope = fold(expression, _write)
    pieces, stack = [], [rope]
    while stack:
        piece = stack.pop()
        if isinstance(piece, str):
            pieces.append(piece)
        else:
            stack.extend(reversed(piece))
    return "".join(pieces)


def write_number(value: float) -> str:
    """Write a number in the shortest form that reads back exactly.

    Examples
    --------
    >>> write_number(3.0), write_number(0.1), write_number(1e-30)
    ('3', '0.1', '1e-30')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _write(node: Expression, parts: list[tuple[int, Any]]) -> tuple[int, Any]:
    """Return how strongly the outermost operator binds, and the nested pieces of text."""
    match node:
        case Number(value):
            return (_SIGN if value < 0 else _ATOM), write_number(value)
        case Name(name):
            return _ATOM, name
        case FallingFactorial(name, order):
            return 6, "*".join([name, *(f"({name} - {step})" for step in range(1, order))])
        case Call(function, _):
            pieces: list[Any] = [function, "("]
            for index, (_, text) in enumerate(parts):
                pieces += [", ", text] if index else [text]
            return _ATOM, [*pieces, ")"]
        case Unary("not", _):
            return 3, ["not ", _wrap(parts[0], 3)]
        case Unary(_, _):
            return _SIGN, ["-", _wrap(parts[0], _SIGN)]
        case Compare(op, _, _):
            return _COMPARE, [_wrap(parts[0], 5), f" {op} ", _wrap(parts[1], 5)]
        case Binary("^", _, _):
            return 8, [_wrap(parts[0], _ATOM), "^", _wrap(parts[1], 8)]
        case Binary("*", _, FallingFactorial()):
            return 6, [_wrap(parts[0], 6), "*", parts[1][1]]
        case Binary(op, _, _) | Logic(op, _, _):
            strength = _STRENGTH[op]
            sign = op if strength == 6 else f" {op} "
            return strength, [_wrap(parts[0], strength), sign, _wrap(parts[1], strength + 1)]
    raise TypeError(f"{type(node).__name__} is not an expression node")


def _wrap(part: tuple[int, Any], strength: int) -> Any:
    return part[1] if part[0] >= strength else ["(", part[1], ")"]
