"""Keep the gradient of a branch not taken from spoiling that of the branch taken.

Reverse mode multiplies the derivative of the branch not taken by zero, and zero times an infinite
derivative is nan. Below an ``if``, operations that have a pole are therefore computed at a harmless
argument where theirs is singular, and the value there is put in without a derivative.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from jaxsim.network import arithmetic
from jaxsim.network.expression import Binary, Call, Expression, fold

_POLES = {"log": -math.inf, "log10": -math.inf, "sqrt": 0.0}
# Inverse functions with a real value and derivative inside an open interval alone, and a harmless argument in it.
_UNIT = (-1.0, 1.0, 0.0)
_DOMAINS = {"asin": _UNIT, "acos": _UNIT, "atanh": _UNIT, "acosh": (1.0, math.inf, 2.0)}


def operations_to_guard(expression: Expression) -> frozenset[int]:
    """Return the ids of the divisions, logarithms, square roots and inverse functions below a branch of an ``if``."""
    branches: list[Expression] = []

    def visit(node: Expression, _: list[None]) -> None:
        if isinstance(node, Call) and node.function == "if":
            branches.extend(node.args[1:])

    fold(expression, visit)
    below: dict[int, Expression] = {}
    while branches:
        node = branches.pop()
        if id(node) not in below:
            below[id(node)] = node
            branches.extend(node.children)
    return frozenset(key for key, node in below.items() if _has_pole(node))


def _has_pole(node: Expression) -> bool:
    match node:
        case Binary("/", _, _):
            return True
        case Call(function, _):
            return function in _POLES or function in _DOMAINS
    return False


def divide(a: Any, b: Any) -> Any:
    """Return ``a / b`` with no derivative where `b` is zero."""
    if arithmetic.is_plain(b):
        return arithmetic.divide(a, b)
    pole = jnp.equal(b, 0.0)
    at_pole = jax.lax.stop_gradient(jnp.multiply(a, math.inf))
    return jnp.where(pole, at_pole, jnp.divide(a, jnp.where(pole, 1.0, b)))


def call(function: str, value: Any, x: Any) -> Any:
    """Return ``value(x)`` of a logarithm, root or inverse function with no derivative where it has none."""
    if function in _DOMAINS:
        low, high, harmless = _DOMAINS[function]
        outside = jnp.logical_or(jnp.less_equal(x, low), jnp.greater_equal(x, high))
        at_end = jax.lax.stop_gradient(value(x))
        return jnp.where(outside, at_end, value(jnp.where(outside, harmless, x)))
    pole = jnp.less_equal(x, 0.0)
    at_pole = jnp.where(jnp.less(x, 0.0), math.nan, _POLES[function])
    return jnp.where(pole, at_pole, value(jnp.where(pole, 1.0, x)))
