"""Lower an expression to ``jax.numpy``."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

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
    fold_all,
)
from jaxsim.network.functions import FUNCTIONS, RANDOM, Value

# Keep the gradient of a branch not taken from spoiling that of the branch taken.
#
# Reverse mode multiplies the derivative of the branch not taken by zero, and zero times an infinite
# derivative is nan. Below an ``if``, operations that have a pole are therefore computed at a harmless
# argument where theirs is singular, and the value there is put in without a derivative.

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


def _divide(a: ArrayLike, b: ArrayLike) -> Any:
    """Return ``a / b`` with no derivative where `b` is zero."""
    if arithmetic.is_plain(b):
        return arithmetic.divide(a, b)
    pole = jnp.equal(b, 0.0)
    at_pole = jax.lax.stop_gradient(jnp.multiply(a, math.inf))
    return jnp.where(pole, at_pole, jnp.divide(a, jnp.where(pole, 1.0, b)))


def call(function: str, value: Callable[..., Any], x: ArrayLike) -> Any:
    """Return ``value(x)`` of a logarithm, root or inverse function with no derivative where it has none."""
    if function in _DOMAINS:
        low, high, harmless = _DOMAINS[function]
        outside = jnp.logical_or(jnp.less_equal(x, low), jnp.greater_equal(x, high))
        at_end = jax.lax.stop_gradient(value(x))
        return jnp.where(outside, at_end, value(jnp.where(outside, harmless, x)))
    pole = jnp.less_equal(x, 0.0)
    at_pole = jnp.where(jnp.less(x, 0.0), math.nan, _POLES[function])
    return jnp.where(pole, at_pole, value(jnp.where(pole, 1.0, x)))


_Draw = Callable[..., Value]

_ARITHMETIC = {
    "+": arithmetic.add,
    "-": arithmetic.subtract,
    "*": arithmetic.multiply,
    "/": arithmetic.divide,
    "^": arithmetic.power,
}
_COMPARISON = {
    "<": jnp.less,
    "<=": jnp.less_equal,
    ">": jnp.greater,
    ">=": jnp.greater_equal,
    "==": jnp.equal,
    "!=": jnp.not_equal,
}
LOGIC = {"and": jnp.logical_and, "or": jnp.logical_or}


def evaluate(expression: Expression, env: Mapping[str, Value], draw: _Draw | None = None) -> Value:
    """Compute the value of an expression in ``jax.numpy``; differentiable and traceable.

    Parameters
    ----------
    expression
        What to compute.
    env
        The value of every name: floating arrays of one dtype and shape (lanes), scalars of that
        dtype, or Python numbers, which never widen the dtype. The time is ``env["t"]``.
    draw
        ``draw(function, *arguments)`` returns a variate; needed only where a random function is called.

    Returns
    -------
    Array or float
        In the dtype of the arrays read; a Python float where none is read; a boolean array where the
        outermost operation is a comparison or logic (inside arithmetic these count as 0 and 1).

    Raises
    ------
    ExpressionError
        If a name has no value, or a random function is called without `draw`.

    Notes
    -----
    ``if(c, a, b)`` computes both branches and selects, as lanes differ in `c`. Value and forward-mode
    derivative are always those of the branch taken. So is the reverse-mode gradient where the branch
    not taken divides by zero or takes a logarithm or square root of what is not positive; where it
    overflows (``exp(1000)``) that gradient is nan.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from jaxsim.network import parse
    >>> evaluate(parse("k*A*(A - 1)"), {"k": 0.5, "A": jnp.array([4.0, 1.0])}).tolist()
    [6.0, 0.0]
    """

    return evaluate_all((expression,), env, draw)[0]


def evaluate_all(expressions: Sequence[Expression], env: Mapping[str, Value], draw: _Draw | None = None) -> list[Value]:
    """Do what :func:`evaluate` does for several expressions; what they share as one object is computed once.

    Rates of large models repeat their parts: see :func:`united`.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> evaluate_all([parse("2*a"), parse("a + 1")], {"a": 3.0})
    [6.0, 4.0]
    """
    guards = [operations_to_guard(one) for one in expressions]

    def folded(chosen: Sequence[Expression], guarded: frozenset[int]) -> list[Value]:
        return fold_all(chosen, lambda node, operands: apply(node, operands, env, draw, id(node) in guarded))

    shared = iter(folded([one for one, guarded in zip(expressions, guards, strict=True) if not guarded], frozenset()))
    return [
        folded([one], guarded)[0] if guarded else next(shared) for one, guarded in zip(expressions, guards, strict=True)
    ]


def united(expressions: Sequence[Expression]) -> tuple[Expression, ...]:
    """Return the same expressions in which equal parts are one object, so that :func:`evaluate_all` computes each once.

    For expressions without random functions, of which two equal calls are two draws. Those with operations that are
    guarded below an ``if`` stay as they are: outside of it the same operation has another derivative at its pole.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> first, second = united([parse("exp(a + b)"), parse("c*(a + b)")])
    >>> first.children[0] is second.children[1]
    True
    """
    kept: dict[tuple[Any, ...], Expression] = {}

    def visit(node: Expression, parts: list[Expression]) -> Expression:
        same_parts = all(new is old for new, old in zip(parts, node.children, strict=True))
        return kept.setdefault(
            (type(node), repr(node.label), *map(id, parts)), node if same_parts else node.rebuild(tuple(parts))
        )

    return tuple(one if operations_to_guard(one) else fold(one, visit) for one in expressions)


def apply(
    node: Expression, operands: list[Any], env: Mapping[str, Any], draw: _Draw | None = None, guarded: bool = False
) -> Any:
    """Compute one node from the values of its operands."""
    match node:
        case Number(value):
            return value
        case Name(name):
            return _look_up(name, env)
        case FallingFactorial(name, order):
            return arithmetic.falling_factorial(_look_up(name, env), order)
        case Unary("not", _):
            return jnp.logical_not(arithmetic.as_truth(operands[0]))
        case Logic(op, _, _):
            return LOGIC[op](*map(arithmetic.as_truth, operands))
        case Call("if", _):
            return _choose(*operands)
    return _compute(node, list(map(arithmetic.as_number, operands)), draw, guarded)


def _compute(node: Expression, numbers: list[Any], draw: _Draw | None, guarded: bool) -> Any:
    match node:
        case Unary("-", _):
            return arithmetic.negate(numbers[0])
        case Binary(op, _, _):
            return _divide(*numbers) if guarded else _ARITHMETIC[op](*numbers)
        case Compare(op, _, _):
            return _COMPARISON[op](*numbers)
        case Call(function, _) if function in RANDOM:
            if draw is None:
                raise ExpressionError(f"{function}(...) is random and may only be used in an effect or event")
            return draw(function, *numbers)
        case Call(function, _):
            value = FUNCTIONS[function].value
            return call(function, value, *numbers) if guarded else value(*numbers)
    raise TypeError(f"{type(node).__name__} is not an expression node")


def _choose(condition: ArrayLike, chosen: ArrayLike, other: ArrayLike) -> Any:
    return jnp.where(arithmetic.as_truth(condition), arithmetic.as_number(chosen), arithmetic.as_number(other))


def _look_up(name: str, env: Mapping[str, Any]) -> Any:
    if name not in env:
        raise ExpressionError(f"no value is given for '{name}'{closest(name, env)}")
    value = env[name]
    is_python = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_python else value
