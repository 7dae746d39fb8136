"""Read an expression: a Pratt parser (Pratt 1973) that knows arithmetic, logic and function calls."""

import math
import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxsim.errors import ExpressionError, closest
from jaxsim.network.expression import Binary, Call, Compare, Expression, Logic, Name, Number, Unary
from jaxsim.network.functions import FUNCTIONS, RANDOM, SPECIAL_ARITY, SYNONYMS, TRUNCATED

# Cut the text of an expression into tokens.

LONGEST_TEXT = 500_000  # a sum over ten thousand species with long names is below it
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/^<>(),])"
)


class Token(NamedTuple):
    """A piece of text: its kind (number, name, operator or end), the text and where it starts."""

    kind: str
    text: str
    position: int


def refuse(text: str, position: int, why: str) -> ExpressionError:
    """Return the one-sentence error for `text`, with an excerpt around the position."""
    start, stop = max(0, position - 40), position + 40
    excerpt = ("..." if start else "") + text[start:stop] + ("..." if stop < len(text) else "")
    return ExpressionError(f"cannot read expression {excerpt!r} at character {position + 1}: {why}")


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text` and a final token of kind ``end``.

    Examples
    --------
    >>> [token.text for token in tokenize("2e-3*A**2")]
    ['2e-3', '*', 'A', '^', '2', '']
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(
            f"an expression of {len(text)} characters is too long; split it into observables of at most {LONGEST_TEXT}"
        )
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or (match.lastgroup == "name" and not match.group().isidentifier()):
            hint = "; write '==' to compare" if text[position] == "=" else ""
            raise refuse(text, position, f"unexpected character {text[position]!r}{hint}")
        if match.lastgroup != "space":
            piece = "^" if match.group() == "**" else match.group()
            tokens.append(Token(str(match.lastgroup), piece, position))
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


# Fold operations on constants into one constant while parsing.

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


def _finite(value: float | int) -> Number:
    if isinstance(value, complex) or not math.isfinite(value):
        raise ValueError("the result is not a finite real number")
    return Number(value)


DEEPEST_NESTING = 100

# How strongly an infix operator binds, and whether it groups to the right.
_BINDING = {
    "or": 1,
    "and": 2,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "==": 4,
    "!=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "^": 8,
}
_NOT, _COMPARE, _SIGN, _POWER = 3, 4, 7, 8
_CONSTANTS = {"pi": math.pi}


def parse(text: int | str) -> Expression:
    """Read an expression such as ``"k*A*(A - 1)*hill(B, K, 2)"``.

    Operators, weakest first: ``or``, ``and``, ``not``, comparisons, ``+ -``, ``* /``, sign, ``^`` (or
    ``**``, grouping to the right). Functions: exp log ln log10 sqrt sin cos tan asin acos atan sinh cosh tanh
    asinh acosh atanh abs min max pow floor ceil, ``hill(x, k, n)``, ``michaelis_menten(x, vmax, km)``,
    ``if(condition, a, b)`` and, in effects and events, random ones: ``binomial(n, p)``,
    ``random_normal(mean, sd)`` and the others of ``randomness.py``, each truncated by two more arguments,
    ``random_normal(0, 1, low, high)``. ``log`` is the natural logarithm, ``pi`` the constant, ``t`` the time.

    Parameters
    ----------
    text
        At most 500,000 characters, nested at most 100 deep.

    Returns
    -------
    Expression
        Constants are folded in double precision; sums and products group to the left.

    Raises
    ------
    ExpressionError
        If the text cannot be read; the message names the place.

    Examples
    --------
    >>> from jaxsim.network import to_string
    >>> to_string(parse("2*3*k * (A+B)**2"))
    '6*k*(A + B)^2'
    >>> parse("k*")
    Traceback (most recent call last):
    jaxsim.errors.ExpressionError: cannot read expression 'k*' at character 3: a value is missing
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression must be text, not {type(text).__name__} {text!r:.40}")
    reader = _Reader(text)
    expression = reader.expression(0)
    reader.expect("end", "")
    return expression


class _Reader:
    """The tokens, the place reached and how deep the nesting is there."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.position, self.depth = text, tokenize(text), 0, 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.token
        self.position += 1
        return token

    def expect(self, kind: str, text: str) -> None:
        if (self.token.kind, self.token.text) != (kind, text):
            wanted = f"expected '{text}' before" if text else "unexpected"
            raise self.refuse(self.token, f"{wanted} {_describe(self.token)}")
        self.position += kind != "end"

    def refuse(self, token: Token, why: str) -> ExpressionError:
        return refuse(self.text, token.position, why)

    def build(self, token: Token, node: Expression) -> Expression:
        try:
            return fold_constant(node)
        except ZeroDivisionError as error:
            raise self.refuse(token, "division by zero") from error
        except (ArithmeticError, ValueError) as error:
            raise self.refuse(token, "the result is not a finite real number") from error

    def expression(self, weakest: int) -> Expression:
        """Read operands and the infix operators that bind at least as strongly as `weakest`."""
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise self.refuse(self.token, f"nested deeper than {DEEPEST_NESTING}")
        left, last = self.operand(), 0
        while (binding := _BINDING.get(self.token.text, 0)) and binding >= weakest:
            if binding == last == _COMPARE:
                raise self.refuse(self.token, "write 'a < b and b < c', as comparisons do not chain")
            left, last = self.infix(left, self.take(), binding), binding
        self.depth -= 1
        return left

    def infix(self, left: Expression, operator: Token, binding: int) -> Expression:
        right = self.expression(_SIGN if operator.text == "^" else binding + 1)
        node: Any = {_COMPARE: Compare, 1: Logic, 2: Logic}.get(binding, Binary)
        return self.build(operator, node(operator.text, left, right))

    def operand(self) -> Expression:
        token = self.take()
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                raise self.refuse(token, f"the number {token.text} is too large")
            return Number(value)
        if token.text == "(":
            inner = self.expression(0)
            self.expect("operator", ")")
            return inner
        if token.text in ("-", "+"):
            inner = self.expression(_SIGN)
            return self.build(token, Unary("-", inner)) if token.text == "-" else inner
        if token.text == "not":
            return Unary("not", self.expression(_NOT))
        if token.kind == "name" and token.text not in ("and", "or"):
            return self.call(token) if self.token.text == "(" else self.name(token)
        self.position -= 1
        raise self.refuse(token, "a value is missing" + _found(token))

    def name(self, token: Token) -> Expression:
        if token.text in FUNCTIONS or token.text in SPECIAL_ARITY or token.text in SYNONYMS:
            raise self.refuse(token, f"'{token.text}' is a function; write '{token.text}(...)'")
        return Number(_CONSTANTS[token.text]) if token.text in _CONSTANTS else Name(token.text)

    def call(self, token: Token) -> Expression:
        name = SYNONYMS.get(token.text, token.text)
        if name not in FUNCTIONS and name not in SPECIAL_ARITY:
            guess = closest(name, [*FUNCTIONS, *SYNONYMS, *SPECIAL_ARITY])
            raise self.refuse(token, f"'{name}' is not a function{guess}")
        self.expect("operator", "(")
        args = [self.expression(0)]
        while self.token.text == ",":
            self.take()
            args.append(self.expression(0))
        self.expect("operator", ")")
        if not _takes(name, len(args)):
            raise self.refuse(token, f"'{name}' takes {_wanted(name)}, not {len(args)}")
        if name == "pow":
            return self.build(token, Binary("^", args[0], args[1]))
        return self.build(token, Call(name, tuple(args)))


def _takes(name: str, number: int) -> bool:
    arity = FUNCTIONS[name].arity if name in FUNCTIONS else SPECIAL_ARITY[name]
    if arity is None:
        return number >= 2
    return number == arity or (name in RANDOM and number == arity + TRUNCATED)


def _wanted(name: str) -> str:
    if name in RANDOM:
        return f"{len(RANDOM[name])} arguments ({', '.join(RANDOM[name])}), or {TRUNCATED} more to truncate it"
    arity = FUNCTIONS[name].arity if name in FUNCTIONS else SPECIAL_ARITY[name]
    return f"{'at least 2' if arity is None else arity} arguments"


def _describe(token: Token) -> str:
    return f"'{token.text}'" if token.text else "the end"


def _found(token: Token) -> str:
    return f" before '{token.text}'" if token.text else ""
