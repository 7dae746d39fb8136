"""Expressions of BioNetGen (those of muParser) as ours.

Source: the list of built-in functions of muParser (Berg, muparser.beltoforion.de), and BioNetGen's own ``mratio`` and
``tfun`` (Network3/src/model/tfun.cpp: linear between points or steps, constant outside).
"""

import math
import re
from collections.abc import Callable, Mapping
from itertools import pairwise

from jaxsim.errors import ExpressionError
from jaxsim.formats.names import Identifiers, constant_value
from jaxsim.network import Binary, Call, Expression, Name, Number, mass_action, parse
from jaxsim.network.functions import FUNCTIONS, RANDOM, SPECIAL_ARITY, SYNONYMS
from jaxsim.network.parser import LONGEST_TEXT

# BioNetGen's ``mratio``: a ratio of confluent hypergeometric functions, as a continued fraction.

MOST_TERMS = 100_000
_ENOUGH = 1e-15
TINY = 1e-300


def mratio(a: float, b: float, z: float) -> float:
    """Return ``M(a + 1, b + 1, z) / M(a, b, z)`` of Kummer's function M.

    Source: Gauss' continued fraction for 1F1 (NIST Handbook of Mathematical Functions, 13.5.1), evaluated by the
    modified method of Lentz.

    Raises
    ------
    ValueError
        If the fraction does not converge to a finite number.

    Examples
    --------
    >>> round(mratio(1.0, 1.0, 0.5), 12)  # M(2, 2, z) = M(1, 1, z) = exp(z)
    1.0
    """
    value, c, d = TINY, TINY, 0.0
    for n in range(MOST_TERMS):
        numerator = 1.0 if n == 0 else _coefficient(a, b, n) * z
        d = 1.0 / (1.0 + numerator * d or TINY)
        c = 1.0 + numerator / c or TINY
        step = c * d
        value *= step
        if not math.isfinite(value):
            break
        if abs(step - 1.0) < _ENOUGH:
            return value
    raise ValueError(f"mratio({a:g}, {b:g}, {z:g}) does not converge")


def _coefficient(a: float, b: float, n: int) -> float:
    """Return the partial numerator over z: of 13.5.1, u_1 = (a - b)/(b (b + 1)), u_2 = (a + 1)/((b + 1)(b + 2)), ..."""
    half = n // 2
    if n % 2:
        return (a - b - half) / ((b + 2 * half) * (b + 2 * half + 1))
    return (a + half) / ((b + 2 * half - 1) * (b + 2 * half))


NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
CALL_OF_NOTHING = re.compile(r"([A-Za-z_]\w*)\s*\(\s*\)")
CONSTANTS = {"_pi": "pi", "_e": "2.718281828459045"}
OPERATORS = ((r"&&", " and "), (r"\|\|", " or "), (r"!(?!=)", " not "), (r"~=", "!="))
RATIO = "mratio"
# Functions of muParser without a counterpart, written out from the texts of their arguments; `rint` rounds halves up.
WRITTEN_OUT: dict[str, tuple[Callable[[int], bool], Callable[..., str]]] = {
    "log2": (lambda count: count == 1, lambda x: f"(log({x})/{math.log(2.0)!r})"),
    "rint": (lambda count: count == 1, lambda x: f"floor(({x}) + 0.5)"),
    "sign": (lambda count: count == 1, lambda x: f"if(({x}) > 0, 1, if(({x}) < 0, -1, 0))"),
    "sum": (bool, lambda *terms: f"(({')+('.join(terms)}))"),
    "avg": (bool, lambda *terms: f"((({')+('.join(terms)}))/{len(terms)})"),
    "min": (lambda count: count == 1, lambda x: f"({x})"),
    "max": (lambda count: count == 1, lambda x: f"({x})"),
}
TABULATED = re.compile(r"(?<![\w.])tfun\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r"\s*\[(.*)\]\s*")
METHOD = re.compile(r"""\s*method\s*=>\s*["']?(\w+)["']?\s*""")
_TABLE = "calls 'tfun' with a table that is not in the formula; write it as tfun([0, 5, 10], [1, 2, 1], time)"
CALLABLE = (set(FUNCTIONS) | set(SPECIAL_ARITY) | set(SYNONYMS)) - set(RANDOM)


class Formulas:
    """Reads formulas of one file: names are those of the file, and become those of the network."""

    def __init__(self, identifiers: Identifiers) -> None:
        self.identifiers = identifiers
        self.names: dict[str, str] = {}

    def declare(self, name: str) -> str:
        """Give a name of the file its name in the network."""
        if name not in self.names:
            self.names[name] = self.identifiers.name(name)
        return self.names[name]

    def read(self, text: str, constants: Mapping[str, float] | None = None) -> Expression:
        """Return the expression of a text.

        Parameters
        ----------
        text
            As BioNetGen writes it.
        constants
            Values of the parameters by their names in the network; with them `mratio` can be computed.

        Raises
        ------
        ExpressionError
            If it cannot be read, or reads a name that is not declared.
        """
        for pattern, replacement in OPERATORS:
            text = re.sub(pattern, replacement, text)
        text = CALL_OF_NOTHING.sub(r"\1", text)
        for call in list(TABULATED.finditer(text))[::-1]:
            arguments, end = _arguments(text, call.end() - 1)
            text = _of_bearable_length(f"{text[: call.start()]}{_interpolation(arguments)}{text[end:]}", "tfun")
        if RATIO in text:
            text = self._with_ratios(text, constants)
        for name in WRITTEN_OUT:
            text = _written_out(name, text)
        return parse(NAME.sub(self._renamed, text))

    def _renamed(self, match: re.Match[str]) -> str:
        name, after = match[0], match.string[match.end() :].lstrip()
        if name in ("and", "or", "not"):
            return name
        if after.startswith("("):
            if name not in CALLABLE:
                raise ExpressionError(f"calls '{name}', which is not supported")
            return name
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in ("t", "time"):
            return "t"
        raise ExpressionError(f"reads '{name}', which the file does not declare")

    def _with_ratios(self, text: str, constants: Mapping[str, float] | None) -> str:
        """Compute every call of `mratio`, innermost first; its arguments must be constant."""
        for call in _calls(RATIO, text):
            arguments, end = _arguments(text, call.end() - 1)
            try:
                values = [constant_value(self.read(part, constants), constants or {}) for part in arguments]
                value = mratio(*values)
            except (KeyError, TypeError, ArithmeticError, ValueError) as error:
                raise ExpressionError(f"{RATIO} needs three constants for which it converges ({error})") from error
            text = f"{text[: call.start()]}({value!r}){text[end:]}"
        return text


def _calls(name: str, text: str) -> list[re.Match[str]]:
    """Return the calls of a function, the last first, so that what is inside another is replaced before it."""
    return list(re.finditer(rf"(?<![\w.]){name}\s*\(", text))[::-1]


def _written_out(name: str, text: str) -> str:
    """Write every call of a function of muParser out that takes so many arguments."""
    takes, write = WRITTEN_OUT[name]
    for call in _calls(name, text):
        arguments, end = _arguments(text, call.end() - 1)
        if not takes(len(arguments)):
            continue  # a call that our language has, or refuses
        text = _of_bearable_length(f"{text[: call.start()]}{write(*arguments)}{text[end:]}", name)
    return text


def _of_bearable_length(text: str, name: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(f"is longer than {LONGEST_TEXT} characters with '{name}' written out; use more functions")
    return text


def _interpolation(arguments: list[str]) -> str:
    """Return the function through the points of a table, as conditions that halve the points again and again."""
    *given, last = arguments
    method = METHOD.fullmatch(last)
    columns, index = ([*given] if method else [*arguments]), "time"
    if len(columns) == 3:
        index = columns.pop()
    found = [match[1] for match in map(_COLUMN.fullmatch, columns) if match]
    if len(found) != 2 or len(columns) != 2:
        raise ExpressionError(_TABLE)
    try:
        x, y = ([float(number) for number in column.split(",")] for column in found)
    except ValueError as error:
        raise ExpressionError(f"calls 'tfun' with a table that is not of numbers ({error})") from error
    if len(x) != len(y) or len(x) < 2 or any(a >= b for a, b in pairwise(x)) or not all(map(math.isfinite, x + y)):
        raise ExpressionError(
            "calls 'tfun' with a table that needs two columns of the same length, of two or more finite numbers, the "
            "first of them increasing"
        )
    if method and method[1] not in ("linear", "step"):
        raise ExpressionError(f"calls 'tfun' with the method '{method[1]}'; it is linear or step")
    if method and method[1] == "step":
        return _by_halves(index, x[1:], [repr(value) for value in y])
    lines = [
        f"({a!r} + {(b - a) / (end - start)!r}*(({index}) - ({start!r})))"
        for (start, end), (a, b) in zip(pairwise(x), pairwise(y), strict=True)
    ]
    return _by_halves(index, x, [repr(y[0]), *lines, repr(y[-1])])


def _by_halves(index: str, bounds: list[float], pieces: list[str]) -> str:
    """Return the piece whose bounds the index lies between; there is one bound less than there are pieces."""
    if not bounds:
        return f"({pieces[0]})"
    middle = len(bounds) // 2
    below = _by_halves(index, bounds[:middle], pieces[: middle + 1])
    above = _by_halves(index, bounds[middle + 1 :], pieces[middle + 1 :])
    return f"if(({index}) < {bounds[middle]!r}, {below}, {above})"


def _arguments(text: str, opening: int) -> tuple[list[str], int]:
    """Return the texts between commas after the parenthesis at `opening`, and where it has closed."""
    depth, parts, last = 0, [], opening + 1
    for position in range(opening, len(text)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[position], 0)
        if text[position] == "," and depth == 1:
            parts.append(text[last:position])
            last = position + 1
        if depth == 0:
            return [*parts, text[last:position]], position + 1
    raise ExpressionError(f"'{text:.60}' has a parenthesis that does not close")


def constant(expression: Expression, values: Mapping[str, float]) -> float:
    """Return the value of an expression of parameters.

    Raises
    ------
    ExpressionError
        If it has none.
    """
    try:
        return constant_value(expression, values)
    except KeyError as error:
        raise ExpressionError(f"reads '{error.args[0]}', which is not a constant") from error
    except (ArithmeticError, ValueError) as error:
        raise ExpressionError(f"cannot be computed: {error}") from error


# Rate laws of BioNetGen as propensities.
#
# Source: Faeder, Blinov & Hlavacek, Methods Mol. Biol. 500 (2009) 113, and Network3's rate functions: the rate constant
# already holds the statistical factor, reactants enter by falling factorials.

Reactants = list[str]  # species of the network, one entry for each molecule


def elementary(constant: Expression, reactants: Reactants) -> Expression:
    """Return constant or function times the ways to choose the reactants."""
    counts: dict[str, int] = {}
    for name in reactants:
        counts[name] = counts.get(name, 0) + 1
    return mass_action(constant, counts)


def saturation(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return ``k S1 S2 .../((K1 + S1) ...)``: ``Sat k K1 ...``."""
    _require(1 <= len(arguments) - 1 <= len(reactants), "Sat", "a rate and one constant for each saturating reactant")
    rate = elementary(arguments[0], reactants)
    for half, name in zip(arguments[1:], reactants, strict=False):
        rate = Binary("/", rate, Binary("+", half, Name(name)))
    return rate


def michaelis_menten(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return ``k E S/(K + S)`` with the free substrate S that the total quasi-steady state leaves: ``MM k K``."""
    _require(len(arguments) == 2 and len(reactants) == 2, "MM", "a rate, a constant, and substrate and enzyme")
    k, half = arguments
    total, enzyme = map(Name, reactants)
    b = Binary("-", Binary("-", total, half), enzyme)
    inner = Binary("+", Binary("^", b, Number(2.0)), Binary("*", Number(4.0), Binary("*", total, half)))
    free = Binary("*", Number(0.5), Binary("+", b, Call("sqrt", (inner,))))
    return Binary("/", Binary("*", Binary("*", k, enzyme), free), Binary("+", half, free))


def hill(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return ``v S^h/(K^h + S^h)`` times the other reactants: ``Hill v K h``."""
    _require(len(arguments) == 3 and bool(reactants), "Hill", "a rate, a constant, an exponent and a reactant")
    rate, half, exponent = arguments
    result: Expression = Binary("*", rate, Call("hill", (Name(reactants[0]), half, exponent)))
    for name in reactants[1:]:
        result = Binary("*", result, Name(name))
    return result


def function_product(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return the product of two functions times the ways to choose the reactants: ``FunctionProduct "f" "g"``."""
    _require(len(arguments) == 2, "FunctionProduct", "two functions")
    return elementary(Binary("*", *arguments), reactants)


RATE_LAWS: dict[str, Callable[[list[Expression], Reactants], Expression]] = {
    "Sat": saturation,
    "MM": michaelis_menten,
    "Hill": hill,
    "FunctionProduct": function_product,
}
UNSUPPORTED = ("Arrhenius", "TFUN")


def _require(good: bool, law: str, needs: str) -> None:
    if not good:
        raise ExpressionError(f"has a rate law {law} that needs {needs}")
