"""Names that a network accepts, made from those of a file."""

import keyword
import math
import operator
import re
from collections.abc import Collection, Mapping

from jaxsim.network import Binary, Call, Compare, Expression, FallingFactorial, Logic, Name, Number, Unary
from jaxsim.network.expression import fold
from jaxsim.network.functions import FUNCTIONS, RESERVED
from jaxsim.network.parser import ARITHMETIC

_LONGEST = 80


class Identifiers:
    """Gives every identifier of a file a name of its own that a network accepts.

    Examples
    --------
    >>> names = Identifiers()
    >>> names.name("A(b!1).B(a!1)"), names.name("exp"), names.name("A"), names.name("A")
    ('A_b_1_B_a_1', 'exp_', 'A', 'A_2')
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self._next: dict[str, int] = {}

    def name(self, wanted: str) -> str:
        """Return a free name as near to the wanted one as can be."""
        base = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_" if not wanted.startswith("_") else "")[:_LONGEST]
        if not base or base[0].isdigit():
            base = f"s{base}"
        if base in RESERVED or keyword.iskeyword(base):
            base = f"{base}_"
        name, number = base, self._next.get(base, 2)
        while name in self.taken:
            name, number = f"{base}_{number}", number + 1
        self._next[base] = number
        self.taken.add(name)
        return name


# Whole numbers: initial counts, and expressions that can have no other value.

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
_NEAR = 1e-9  # relative; how far the product of a concentration and a volume may be off


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
    return count if rounded or abs(value - count) <= _NEAR * max(1.0, abs(value)) else None


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


# The value of an expression of known numbers, in Python's double precision: reading a file touches no device.

_COMPARISON = {
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
            return float(_COMPARISON[op](*known))
        case Logic(op, _, _):
            return float(all(known) if op == "and" else any(known))
        case Call(function, _) if function in FUNCTIONS:
            return float(FUNCTIONS[function].constant(*known))
    return None
