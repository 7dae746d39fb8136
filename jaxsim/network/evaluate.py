"""Lower an expression to ``jax.numpy``."""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from jaxsim.errors import ExpressionError, closest
from jaxsim.network import arithmetic
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
from jaxsim.network.functions import FUNCTIONS

Draw = Callable[[Any, Any], Any]

ARITHMETIC = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
    "^": arithmetic.power,
}
COMPARISON = {
    "<": jnp.less,
    "<=": jnp.less_equal,
    ">": jnp.greater,
    ">=": jnp.greater_equal,
    "==": jnp.equal,
    "!=": jnp.not_equal,
}
LOGIC = {"and": jnp.logical_and, "or": jnp.logical_or}


def evaluate(expression: Expression, env: Mapping[str, Any], draw: Draw | None = None) -> Any:
    """Compute the value of an expression in ``jax.numpy``; differentiable and traceable.

    Parameters
    ----------
    expression
        What to compute.
    env
        The value of every name: floating arrays of one dtype and shape (lanes), scalars of that
        dtype, or Python numbers, which never widen the dtype. The time is ``env["t"]``.
    draw
        ``draw(n, p)`` returns a binomial variate; needed only where ``binomial`` is called.

    Returns
    -------
    Array or float
        In the dtype of the arrays read; a Python float where none is read; a boolean array where the
        outermost operation is a comparison or logic (inside arithmetic these count as 0 and 1).

    Raises
    ------
    ExpressionError
        If a name has no value, or ``binomial`` is called without `draw`.

    Notes
    -----
    ``if(c, a, b)`` computes both branches and selects, as lanes differ in `c`. The value is always
    that of the branch taken.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from jaxsim.network import parse
    >>> evaluate(parse("k*A*(A - 1)"), {"k": 0.5, "A": jnp.array([4.0, 1.0])})
    Array([6., 0.], dtype=float32)
    """

    def visit(node: Expression, operands: list[Any]) -> Any:
        return _RULES[type(node)](node, operands, env, draw)

    return fold(expression, visit)


def _look_up(name: str, env: Mapping[str, Any]) -> Any:
    if name not in env:
        raise ExpressionError(f"no value is given for '{name}'{closest(name, env)}")
    value = env[name]
    is_python = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_python else value


def _unary(node: Any, operands: list[Any], env: Any, draw: Any) -> Any:
    if node.op == "not":
        return jnp.logical_not(arithmetic.as_truth(operands[0]))
    return arithmetic.negate(arithmetic.as_number(operands[0]))


def _binary(node: Any, operands: list[Any], env: Any, draw: Any) -> Any:
    return ARITHMETIC[node.op](*map(arithmetic.as_number, operands))


def _compare(node: Any, operands: list[Any], env: Any, draw: Any) -> Any:
    return COMPARISON[node.op](*map(arithmetic.as_number, operands))


def _logic(node: Any, operands: list[Any], env: Any, draw: Any) -> Any:
    return LOGIC[node.op](*map(arithmetic.as_truth, operands))


def _call(node: Any, operands: list[Any], env: Any, draw: Any) -> Any:
    if node.function == "if":
        condition, *branches = operands
        chosen, other = map(arithmetic.as_number, branches)
        return jnp.where(arithmetic.as_truth(condition), chosen, other)
    numbers = map(arithmetic.as_number, operands)
    if node.function != "binomial":
        return FUNCTIONS[node.function].value(*numbers)
    if draw is None:
        raise ExpressionError("binomial(n, p) is random and may only be used in an effect")
    return draw(*numbers)


_RULES: dict[type, Callable[..., Any]] = {
    Number: lambda node, operands, env, draw: node.value,
    Name: lambda node, operands, env, draw: _look_up(node.id, env),
    FallingFactorial: lambda node, operands, env, draw: arithmetic.falling_factorial(
        _look_up(node.name, env), node.order
    ),
    Unary: _unary,
    Binary: _binary,
    Compare: _compare,
    Logic: _logic,
    Call: _call,
}
