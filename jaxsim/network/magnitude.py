"""Orders of magnitude of an expression, and whether they fit a floating-point format.

A value is described by the decimal logarithms of the least magnitude it takes, zero apart, and of the greatest. Below
the least normal number of a format a value becomes zero, above the greatest infinite. An underflow does no harm where
the error that it makes in the whole expression is negligible: ``k*exp(-A)`` may become zero for many molecules.
"""

import math
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from jaxsim.network.bounds import bounds
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

_ROUNDING = -16.0  # what a difference of numbers leaves at least, in parts of them, as it is computed


class Sign(IntEnum):
    """What is known of the sign of a value."""

    ANY = 0
    NOT_NEGATIVE = 1
    POSITIVE = 2


class Magnitude(NamedTuple):
    """Decimal logarithms of the least magnitude that is not zero and of the greatest; inf and -inf for zero alone."""

    low: float
    high: float
    sign: Sign = Sign.ANY


class Format(NamedTuple):
    """A floating-point format: decimal logarithms of its least normal number and of its greatest."""

    low: float
    high: float


_ZERO = Magnitude(math.inf, -math.inf, Sign.NOT_NEGATIVE)
UNKNOWN = Magnitude(-math.inf, math.inf)
SINGLE = Format(*(math.log10(float(end)) for end in (np.finfo(np.float32).tiny, np.finfo(np.float32).max)))
DOUBLE = Format(*(math.log10(float(end)) for end in (np.finfo(np.float64).tiny, np.finfo(np.float64).max)))


def magnitude_of(low: float, high: float) -> Magnitude:
    """Return the magnitudes of the numbers between two limits.

    Examples
    --------
    >>> magnitude_of(1e-3, 1e4)
    Magnitude(low=-3.0, high=4.0, sign=<Sign.POSITIVE: 2>)
    """
    ends = [abs(end) for end in (low, high)]
    if max(ends) == 0.0:
        return _ZERO
    least = min(ends) if low > 0.0 or high < 0.0 else 0.0
    sign = Sign.POSITIVE if low > 0.0 else Sign.NOT_NEGATIVE if low >= 0.0 else Sign.ANY
    return Magnitude(_log(least), _log(max(ends)), sign)


def _log(value: float) -> float:
    if math.isnan(value):
        return math.inf
    return math.log10(value) if 0.0 < value < math.inf else (-math.inf if value == 0.0 else math.inf)


def magnitudes(expression: Expression, sizes: Mapping[str, Magnitude], box: Mapping[str, Any]) -> dict[int, Magnitude]:
    """Return the magnitude of every node of an expression by its id.

    `sizes` holds the magnitude of every name, and `box` its lower and upper value, for functions of other shape.
    """
    found: dict[int, Magnitude] = {}

    def visit(node: Expression, operands: list[Magnitude]) -> Magnitude:
        found[id(node)] = _magnitude(node, operands, sizes, box)
        return found[id(node)]

    fold(expression, visit)
    return found


def _magnitude(node: Any, operands: list[Magnitude], sizes: Mapping[str, Magnitude], box: Any) -> Magnitude:
    match node:
        case Number(value):
            return magnitude_of(value, value)
        case Name(name):
            return sizes[name]
        case FallingFactorial(name, order):
            return Magnitude(0.0, order * sizes[name].high, Sign.NOT_NEGATIVE)
        case Compare() | Logic() | Unary("not", _):
            return Magnitude(0.0, 0.0, Sign.NOT_NEGATIVE)
        case Unary(_, _):
            return operands[0]._replace(sign=Sign.ANY)
        case Binary(op, _, right):
            return _binary(op, operands[0], operands[1], right, box)
        case Call(function, arguments):
            return _call(function, operands, arguments, node, box)
    raise TypeError(f"{type(node).__name__} is not an expression node")


def _binary(op: str, a: Magnitude, b: Magnitude, right: Expression, box: dict[str, Any]) -> Magnitude:
    if op in "+-":
        return _sum(op, a, b)
    if a == _ZERO:
        return _ZERO
    sign = min(a.sign, b.sign)
    if op == "*":
        return _ZERO if b == _ZERO else Magnitude(a.low + b.low, a.high + b.high, sign)
    if op == "/":
        return UNKNOWN if b == _ZERO else Magnitude(a.low - b.high, a.high - b.low, sign)
    return _power(a, right, box)


def _sum(op: str, a: Magnitude, b: Magnitude) -> Magnitude:
    """Return the magnitude of a sum, in which a part that is never zero keeps the whole from being small."""
    if _ZERO in (a, b):
        return (a if b == _ZERO else b)._replace(sign=Sign.ANY if op == "-" and a == _ZERO else max(a.sign, b.sign))
    low, high = min(a.low, b.low), max(a.high, b.high) + math.log10(2.0)
    if op == "-" or Sign.ANY in (a.sign, b.sign):
        return Magnitude(low + _ROUNDING, high)
    lows = [part.low for part in (a, b) if part.sign is Sign.POSITIVE]
    return Magnitude(max(lows, default=low), high, max(a.sign, b.sign))


def _power(a: Magnitude, exponent: Expression, box: dict[str, Any]) -> Magnitude:
    low, high = _limits(exponent, box)
    if not (math.isfinite(low) and math.isfinite(high)):
        return UNKNOWN
    corners = [n * end if n else 0.0 for n in (low, high) for end in (a.low, a.high)]
    even = isinstance(exponent, Number) and exponent.value % 2.0 == 0.0
    return Magnitude(min(corners), max(corners), max(a.sign, Sign.NOT_NEGATIVE) if even else a.sign)


def _limits(expression: Expression, box: dict[str, Any]) -> tuple[float, float]:
    low, high = (float(np.asarray(end)) for end in bounds(expression, box))
    return low, high


def _call(function: str, operands: list[Magnitude], arguments: Any, node: Expression, box: dict[str, Any]) -> Magnitude:
    low, high = min(o.low for o in operands), max(o.high for o in operands)
    match function:
        case "exp":
            ends = _limits(arguments[0], box)
            return Magnitude(ends[0] / math.log(10.0), ends[1] / math.log(10.0), Sign.POSITIVE)
        case "if":
            return _union(operands[1:])
        case "min":
            return _union(operands)
        case "max" | "abs":
            sign = max(Sign.NOT_NEGATIVE if function == "abs" else Sign.ANY, *(o.sign for o in operands))
            return _union(operands)._replace(sign=sign)
        case "sqrt":
            return Magnitude(0.5 * low, 0.5 * high, operands[0].sign)
        case "pow":
            return _power(operands[0], arguments[1], box)
        case "floor" | "ceil":
            return Magnitude(0.0, max(high, 0.0), min(operands[0].sign, Sign.NOT_NEGATIVE))
        case "log" | "log10":
            return Magnitude(_ROUNDING, 3.0)
        case "sin" | "cos" | "tan":
            return Magnitude(min(low, _ROUNDING), 0.0 if function != "tan" else -_ROUNDING)
        case "hill":
            x, k, _ = operands
            steep = _power(Magnitude(min(x.low - k.high, 0.0), 0.0), arguments[2], box)
            return Magnitude(steep.low, 0.0, Sign.NOT_NEGATIVE)
        case "michaelis_menten":
            x, most, km = operands
            return Magnitude(most.low + x.low - max(km.high, x.high), most.high, min(most.sign, Sign.NOT_NEGATIVE))
    value = _limits(node, box)
    return magnitude_of(*value)


def _union(operands: list[Magnitude]) -> Magnitude:
    return Magnitude(min(o.low for o in operands), max(o.high for o in operands), min(o.sign for o in operands))


def leaves_format(
    expression: Expression,
    size: Mapping[int, Magnitude],
    fits: Format,
    negligible: float,
    slope: float = 0.0,
    saturates: bool = False,
) -> Expression | None:
    """Return a part of the expression that leaves the format to effect, or None.

    `size` is what :func:`magnitudes` returns. An error below 10**`negligible` in the value does no harm; the value is
    read with the derivative 10**`slope`, and what is infinite is divided by if it `saturates`.
    """
    stack = [(expression, slope, saturates)]
    while stack:
        node, slope, saturates = stack.pop()
        own = size[id(node)]
        if own == _ZERO:
            continue
        under = own.low < fits.low and (own.high < fits.low or fits.low + slope > negligible)
        if under or (own.high > fits.high and not saturates):
            return node
        stack += _operands(node, slope, saturates, size, fits, negligible)
    return None


def _may_be_tiny(size: Magnitude, fits: Format) -> bool:
    """Return whether a number may be so close to zero that a comparison with one that underflows depends on that."""
    return size == _ZERO or size.low < fits.low


def _operands(node: Any, slope: float, saturates: bool, size: Any, fits: Format, negligible: float) -> Any:
    """Return the operands of a node, with how the value of the whole depends on each and whether it saturates."""
    children = node.children
    sizes = [size[id(child)] for child in children]
    match node:
        case Binary("+" | "-", _, _) | Unary("-", _):
            return [(child, slope, saturates) for child in children]
        case Binary("*", left, right):
            a, b = sizes
            return [(left, slope + b.high, saturates), (right, slope + a.high, saturates)]
        case Binary("/", left, right):
            a, b = sizes
            steep = slope + a.high - 2.0 * b.low if b.low > fits.low else math.inf
            return [(left, slope - b.low, saturates), (right, steep, slope + a.high - fits.high <= negligible)]
        case Binary("^", left, Number(n)) if n >= 1.0:
            return [(left, slope + (n - 1.0) * sizes[0].high + math.log10(n), saturates)]
        case Compare(_, left, right):
            return [
                (one, math.inf if _may_be_tiny(other, fits) else -math.inf, False)
                for one, other in ((left, sizes[1]), (right, sizes[0]))
            ]
        case Call("if", (condition, *branches)):
            return [(condition, math.inf, False), *((branch, slope, False) for branch in branches)]
        case Call("min" | "max", _):
            return [(child, slope, node.function == "min") for child in children]
        case Call("abs" | "floor" | "ceil" | "sin" | "cos" | "tan", _):
            return [(child, slope, False) for child in children]
        case Call("exp", (argument,)):
            return [(argument, slope + size[id(node)].high, False)]
        case Call("hill", (x, k, Number(n))) if n >= 1.0:  # which rises by at most n/k
            return [(x, slope + math.log10(n) - sizes[1].low, False), (k, math.inf, False)]
        case Call("michaelis_menten", (x, most, km)):
            rise = slope + sizes[1].high - sizes[2].low
            return [(x, rise, False), (most, slope, saturates), (km, math.inf, False)]
    return [(child, math.inf, False) for child in children]
