"""Bound an expression over a box of its names by interval arithmetic."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from jax.typing import ArrayLike

from jaxsim.errors import ExpressionError, closest
from jaxsim.network import arithmetic, interval
from jaxsim.network.evaluate import apply
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
    names,
)
from jaxsim.network.functions import FUNCTIONS, RANDOM, Value
from jaxsim.network.interval import Interval

# Recognise saturating fractions ``n*a/(a + b)``, whose plain interval bound is loose.


def with_saturation(expression: Expression) -> Expression:
    """Write each ``n*a/(a + b)`` as ``n*hill(a, b, 1)``, in which `a` occurs once.

    The value is the same; the interval bound is tight for a, b >= 0. Returns the expression itself if
    there is no such fraction.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> to_string(with_saturation(parse("v*c/(K + c)")))
    'v*hill(c, K, 1)'
    """

    def visit(node: Expression, children: list[Expression]) -> Expression:
        changed = any(new is not old for new, old in zip(children, node.children, strict=True))
        return _rewrite(node.rebuild(tuple(children)) if changed else node)

    return fold(expression, visit)


def _rewrite(node: Expression) -> Expression:
    match node:
        case Binary("/", above, Binary("+", _, _) as below):
            factors, terms = _operands("*", above), _operands("+", below)
        case _:
            return node
    for factor in factors:
        if factor in terms:
            factors.remove(factor)
            terms.remove(factor)
            return _join("*", [*factors, Call("hill", (factor, _join("+", terms), Number(1.0)))])
    return node


def _operands(op: str, expression: Expression) -> list[Expression]:
    """Return the operands of a chain that groups to the left."""
    reversed_operands = []
    while isinstance(expression, Binary) and expression.op == op:
        reversed_operands.append(expression.right)
        expression = expression.left
    return [expression, *reversed(reversed_operands)]


def _join(op: str, operands: list[Expression]) -> Expression:
    result = operands[0]
    for operand in operands[1:]:
        result = Binary(op, result, operand)
    return result


_ARITHMETIC = {
    "+": interval.add,
    "-": interval.subtract,
    "*": interval.multiply,
    "/": interval.divide,
    "^": interval.power,
}


def bounds(expression: Expression, env: Mapping[str, tuple[Value, Value]]) -> tuple[Value, Value]:
    """Compute an interval that holds every value of an expression over a box.

    Parameters
    ----------
    expression
        What to bound.
    env
        For each name its lower and upper value: floating arrays of one dtype and shape, scalars, or
        Python numbers. Pass the same object twice, ``(x, x)``, for a value that is known exactly:
        the work then done is that of one evaluation. Names under a falling factorial are counts
        (integers from 0 on).

    Returns
    -------
    tuple of two arrays or floats
        Lower and upper bound; infinite where there is none: a denominator that may be zero, ``tan``
        across a pole, a logarithm of 0, and (both) where the value may not be a real number. Truth
        values count as 0 and 1. Both are one object where the value is exact.

    Raises
    ------
    ExpressionError
        If a name has no interval.

    Notes
    -----
    Rigorous but for the rounding of the dtype, as ends are not rounded outwards, and for values that
    are nan at points inside the box, which a check at run time has to catch. Tight where every
    name occurs once, and for saturating fractions ``v*x/(k + x)`` of x, k >= 0; otherwise a name that
    occurs twice is bounded as if the two could differ. Source: Moore, Kearfott & Cloud, Introduction to Interval
    Analysis (SIAM 2009), chapters 4 and 5.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> low, high = bounds(parse("k*(1 + sin(t))"), {"k": (2.0, 2.0), "t": (0.0, 4.0)})
    >>> print(f"{low:.3f} {high:.3f}")
    0.486 4.000
    """

    varying = [name for name in _occurrences(expression) if not (name in env and interval.is_point(env[name]))]
    if len(varying) == 1 and not isinstance(expression, Name) and _is_affine(expression, varying[0]):
        return _affine_bounds(expression, varying[0], env)
    plain = _fold_bounds(expression, env)
    rewritten = with_saturation(expression)
    if rewritten is expression or interval.is_point(plain):
        return plain
    lower, upper = _fold_bounds(rewritten, env)
    return arithmetic.maximum(plain[0], lower), arithmetic.minimum(plain[1], upper)


def _occurrences(expression: Expression) -> list[str]:
    """Return the names that an expression reads, each as often as it stands there."""

    def visit(node: Expression, children: list[list[str]]) -> list[str]:
        own = [node.id] if isinstance(node, Name) else [node.name] if isinstance(node, FallingFactorial) else []
        return own + [name for child in children for name in child]

    return fold(expression, visit)


def _is_affine(expression: Expression, name: str) -> bool:
    """Whether an expression in which a name occurs once is an affine function of it, written with + - * /."""
    node = expression
    while not isinstance(node, Name):
        match node:
            case Binary("/", _, below) if name in names(below):
                return False
            case Binary("+" | "-" | "*" | "/", _, _) | Unary("-", _):
                pass
            case _:
                return False
        node = next(child for child in node.children if name in names(child))
    return True


def _affine_bounds(expression: Expression, name: str, env: Mapping[str, Interval]) -> Interval:
    """Bound an affine function of the one name that is not known exactly, by its values at both ends.

    Rounding keeps the order of values, so that the bounds hold to the bit for values computed in the same order.
    """
    exact = {other: ends[0] for other, ends in env.items() if other != name}

    def visit(node: Expression, operands: list[Any]) -> Any:
        """Return the value of a node that does not hold the name, and both ends of one that does."""
        if isinstance(node, Name) and node.id == name:
            return list(_look_up(name, env))
        if not any(isinstance(operand, list) for operand in operands):
            return arithmetic.as_number(apply(node, operands, exact))
        if isinstance(node, Binary) and node.op == "*":
            point, ends = operands if isinstance(operands[1], list) else operands[::-1]
            return [interval.product_with_point(point, end) for end in ends]
        pairs = [operand if isinstance(operand, list) else [operand] * 2 for operand in operands]
        return [arithmetic.as_number(apply(node, list(values), exact)) for values in zip(*pairs, strict=True)]

    left, right = fold(expression, visit)
    rises, bad = arithmetic.less(left, right), arithmetic.either(arithmetic.is_nan(left), arithmetic.is_nan(right))
    lower, upper = arithmetic.where(rises, left, right), arithmetic.where(rises, right, left)
    return arithmetic.where(bad, -math.inf, lower), arithmetic.where(bad, math.inf, upper)


def _fold_bounds(expression: Expression, env: Mapping[str, Interval]) -> Interval:
    read = [name for name in names(expression) if name in env]
    exact = {name: env[name][0] for name in read if interval.is_point(env[name])}

    def visit(node: Expression, operands: list[Interval]) -> Interval:
        if isinstance(node, Name) or not _is_exact(node, operands, exact):
            return _RULES[type(node)](node, operands, env)
        value = arithmetic.as_number(apply(node, [low for low, _ in operands], exact))
        return value, value

    return _without_nan(fold(expression, visit))


def _is_exact(node: Expression, operands: list[Interval], exact: Mapping[str, Any]) -> bool:
    if isinstance(node, FallingFactorial):
        return node.name in exact
    return all(map(interval.is_point, operands)) and not (isinstance(node, Call) and node.function in RANDOM)


def _without_nan(a: Interval) -> Interval:
    """Return infinite ends where the arithmetic of infinite ends gave nan."""
    if interval.is_point(a):
        return a
    lower, upper = (arithmetic.where(arithmetic.is_nan(a[n]), interval.EVERYTHING[n], a[n]) for n in (0, 1))
    return lower, upper


def _look_up(name: str, env: Mapping[str, Interval]) -> Interval:
    if name not in env:
        raise ExpressionError(f"no interval is given for '{name}'{closest(name, env)}")
    return env[name]


def _name(node: Name, operands: list[Interval], env: Any) -> Interval:
    return _look_up(node.id, env)


def _falling_factorial(node: FallingFactorial, operands: list[Interval], env: dict[str, Any]) -> Interval:
    return interval.falling_factorial(_look_up(node.name, env), node.order)


def _unary(node: Unary, operands: list[Interval], env: dict[str, Any]) -> Interval:
    if node.op == "-":
        return interval.negate(operands[0])
    return interval.subtract((1.0, 1.0), _truth(operands[0]))


def _binary(node: Binary, operands: list[Interval], env: Any) -> Interval:
    return _ARITHMETIC[node.op](*operands)


def _compare(node: Compare, operands: list[Interval], env: dict[str, Any]) -> Interval:
    return _COMPARISON[node.op](*operands)


def _less(a: Interval, b: Interval) -> Interval:
    return _indicator(arithmetic.less(a[1], b[0])), _unless(arithmetic.greater_equal(a[0], b[1]))


def _less_equal(a: Interval, b: Interval) -> Interval:
    return _indicator(arithmetic.less_equal(a[1], b[0])), _unless(arithmetic.greater(a[0], b[1]))


def _equal(a: Interval, b: Interval) -> Interval:
    certain = arithmetic.both(arithmetic.equal(a[0], b[1]), arithmetic.equal(a[1], b[0]))
    apart = arithmetic.either(arithmetic.greater(a[0], b[1]), arithmetic.greater(b[0], a[1]))
    return _indicator(certain), _unless(apart)


def _logic(node: Logic, operands: list[Interval], env: dict[str, Any]) -> Interval:
    left, right = map(_truth, operands)
    pair = arithmetic.minimum if node.op == "and" else arithmetic.maximum
    return pair(left[0], right[0]), pair(left[1], right[1])


def _call(node: Call, operands: list[Interval], env: Any) -> Interval:
    if node.function == "if":
        return _choice(*operands)
    if node.function == "binomial":
        return 0.0, arithmetic.maximum(operands[0][1], 0.0)
    if node.function in RANDOM:
        return interval.EVERYTHING
    return FUNCTIONS[node.function].bounds(*operands)


def _choice(condition: Interval, chosen: Interval, other: Interval) -> Interval:
    certain, possible = _truth(condition)
    union = (arithmetic.minimum(chosen[0], other[0]), arithmetic.maximum(chosen[1], other[1]))
    unless_certain = interval.where(arithmetic.equal(possible, 0.0), other, union)
    return interval.where(arithmetic.equal(certain, 1.0), chosen, unless_certain)


def _truth(a: Interval) -> Interval:
    """Bound whether a number is not zero."""
    zero = arithmetic.both(arithmetic.equal(a[0], 0.0), arithmetic.equal(a[1], 0.0))
    return _indicator(interval.excludes_zero(a)), _unless(zero)


def _indicator(truth: ArrayLike) -> Any:
    return arithmetic.where(truth, 1.0, 0.0)


def _unless(truth: ArrayLike) -> Any:
    return arithmetic.where(truth, 0.0, 1.0)


_COMPARISON: dict[str, Callable[[Interval, Interval], Interval]] = {
    "<": _less,
    "<=": _less_equal,
    ">": lambda a, b: _less(b, a),
    ">=": lambda a, b: _less_equal(b, a),
    "==": _equal,
    "!=": lambda a, b: interval.subtract((1.0, 1.0), _equal(a, b)),
}

_RULES: dict[type, Callable[..., Interval]] = {
    Name: _name,
    FallingFactorial: _falling_factorial,
    Unary: _unary,
    Binary: _binary,
    Compare: _compare,
    Logic: _logic,
    Call: _call,
}
