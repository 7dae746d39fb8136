"""Whole numbers: initial counts, and expressions that can have no other value."""

from collections.abc import Collection

from jaxsim.network import Binary, Call, Compare, Expression, FallingFactorial, Logic, Name, Number, Unary
from jaxsim.network.expression import fold

ALWAYS = ("floor", "ceil", "binomial", "random_poisson", "random_bernoulli")
WHERE_OPERANDS_ARE = ("min", "max", "abs")


def is_whole(expression: Expression, whole_names: Collection[str]) -> bool:
    """Return whether the value is surely whole, given the names whose values are.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> [is_whole(parse(text), {"A"}) for text in ("2*A + 1", "floor(A/2)", "A/2", "k*A")]
    [True, True, False, False]
    """

    def visit(node: Expression, below: list[bool]) -> bool:
        match node:
            case Number(value):
                return float(value).is_integer()
            case Name(name) | FallingFactorial(name, _):
                return name in whole_names
            case Compare() | Logic() | Unary("not", _):
                return True
            case Unary() | Binary("+" | "-" | "*", _, _):
                return all(below)
            case Binary("^", _, Number(exponent)):
                return all(below) and exponent >= 0
            case Call("if", _):
                return all(below[1:])
            case Call(function, _):
                return function in ALWAYS or (function in WHERE_OPERANDS_ARE and all(below))
        return False

    return fold(expression, visit)


MOST_COUNT = 2**31 - 1
NEAR = 1e-9  # relative; how far the product of a concentration and a volume may be off


def whole_start(value: float, rounded: bool = False) -> int | None:
    """Return an initial amount as a count, or None if it is none; with `rounded` the nearest.

    Examples
    --------
    >>> whole_start(99.99999999999), whole_start(6.022), whole_start(6.022, rounded=True), whole_start(-1.0)
    (100, None, 6, None)
    """
    if not -0.5 < value <= MOST_COUNT:
        return None
    count = round(value)
    return count if rounded or abs(value - count) <= NEAR * max(1.0, abs(value)) else None


def start_refusal(value: float) -> str:
    """Return why an initial amount is no count, and the remedy.

    Examples
    --------
    >>> start_refusal(6.022)
    'starts at 6.022 molecules; give a whole number from 0 to 2147483647, or round it by rounded=True'
    """
    possible = -0.5 < value <= MOST_COUNT
    remedy = ", or round it by rounded=True" if possible else ""
    return f"starts at {value:g} molecules; give a whole number from 0 to {MOST_COUNT}{remedy}"
