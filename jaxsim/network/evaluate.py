"""Lower an expression to ``jax.numpy``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from jaxsim.errors import ExpressionError, closest
from jaxsim.network import arithmetic, guard
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
)
from jaxsim.network.function import Value
from jaxsim.network.functions import FUNCTIONS
from jaxsim.network.guard import operations_to_guard
from jaxsim.network.randomness import RANDOM
from jaxsim.network.tree import fold, fold_all

Draw = Callable[..., Value]

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


def evaluate(expression: Expression, env: Mapping[str, Value], draw: Draw | None = None) -> Value:
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


def evaluate_all(expressions: Sequence[Expression], env: Mapping[str, Value], draw: Draw | None = None) -> list[Value]:
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
        folded([one], guarded)[0] if guarded else next(shared)
        for one, guarded in zip(expressions, guards, strict=True)
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
    node: Expression, operands: list[Any], env: Mapping[str, Any], draw: Draw | None = None, guarded: bool = False
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


def _compute(node: Expression, numbers: list[Any], draw: Draw | None, guarded: bool) -> Any:
    match node:
        case Unary("-", _):
            return arithmetic.negate(numbers[0])
        case Binary(op, _, _):
            return guard.divide(*numbers) if guarded else ARITHMETIC[op](*numbers)
        case Compare(op, _, _):
            return COMPARISON[op](*numbers)
        case Call(function, _) if function in RANDOM:
            if draw is None:
                raise ExpressionError(f"{function}(...) is random and may only be used in an effect or event")
            return draw(function, *numbers)
        case Call(function, _):
            value = FUNCTIONS[function].value
            return guard.call(function, value, *numbers) if guarded else value(*numbers)
    raise TypeError(f"{type(node).__name__} is not an expression node")


def _choose(condition: Any, chosen: Any, other: Any) -> Any:
    return jnp.where(arithmetic.as_truth(condition), arithmetic.as_number(chosen), arithmetic.as_number(other))


def _look_up(name: str, env: Mapping[str, Any]) -> Any:
    if name not in env:
        raise ExpressionError(f"no value is given for '{name}'{closest(name, env)}")
    value = env[name]
    is_python = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_python else value
