"""The value of an expression of known numbers, in Python's double precision: reading a file touches no device."""

import math
import operator
from collections.abc import Mapping

from jaxsim.network import Binary, Call, Compare, Expression, FallingFactorial, Logic, Name, Number, Unary
from jaxsim.network.constants import ARITHMETIC
from jaxsim.network.expression import fold
from jaxsim.network.functions import FUNCTIONS

COMPARISON = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def constant_value(expression: Expression, values: Mapping[str, float]) -> float:
    """Return the value of an expression; truth values count as 1 and 0.

    Raises
    ------
    KeyError
        If a name has no value.
    ArithmeticError, ValueError
        If there is no finite real value.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> constant_value(parse("if(k > 1, k^2, 0)"), {"k": 3.0})
    9.0
    """

    def visit(node: Expression, below: list[float | None]) -> float | None:
        try:
            return _compute(node, below, values)
        except (ArithmeticError, ValueError):
            return None  # perhaps below a branch that is not taken

    value = fold(expression, visit)
    if value is None or not math.isfinite(value):
        raise ValueError("it has no finite real value")
    return value


def _compute(node: Expression, below: list[float | None], values: Mapping[str, float]) -> float | None:
    match node:
        case Number(value):
            return value
        case Name(name):
            return float(values[name])
        case FallingFactorial(name, order):
            return math.prod(float(values[name]) - step for step in range(order))
        case Call("if", _):
            return None if below[0] is None else below[1] if below[0] else below[2]
    if any(value is None for value in below):
        return None
    known = [value for value in below if value is not None]
    match node:
        case Unary("-", _):
            return -known[0]
        case Unary(_, _):
            return float(not known[0])
        case Binary(op, _, _):
            result = ARITHMETIC[op](*known)
            return None if isinstance(result, complex) else float(result)
        case Compare(op, _, _):
            return float(COMPARISON[op](*known))
        case Logic(op, _, _):
            return float(all(known) if op == "and" else any(known))
        case Call(function, _) if function in FUNCTIONS:
            return float(FUNCTIONS[function].constant(*known))
    return None
