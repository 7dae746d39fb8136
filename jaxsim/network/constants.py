"""Fold operations on constants into one constant while parsing."""

import math
import operator
from collections.abc import Callable
from typing import Any

from jaxsim.network.expression import Binary, Call, Expression, Number, Unary
from jaxsim.network.functions import FUNCTIONS

ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": math.pow,
}


def fold_constant(node: Expression) -> Expression:
    """Return the node, or a Number where arithmetic or a function meets constants alone.

    Comparisons and logic are kept, as their value is a truth value.

    Raises
    ------
    ArithmeticError, ValueError
        If the constants have no finite real result, such as ``1/0`` or ``log(0)``.

    Examples
    --------
    >>> from jaxsim.network.expression import Binary, Number
    >>> fold_constant(Binary("*", Number(2), Number(3)))
    parse('6')
    """
    if not node.children or not all(isinstance(child, Number) for child in node.children):
        return node
    values = [child.value for child in node.children if isinstance(child, Number)]
    if isinstance(node, Binary):
        return _finite(ARITHMETIC[node.op](*values))
    if isinstance(node, Unary) and node.op == "-":
        return Number(-values[0])
    if isinstance(node, Call) and node.function in FUNCTIONS:
        return _finite(FUNCTIONS[node.function].constant(*values))
    return node


def _finite(value: Any) -> Number:
    if isinstance(value, complex) or not math.isfinite(value):
        raise ValueError("the result is not a finite real number")
    return Number(value)
