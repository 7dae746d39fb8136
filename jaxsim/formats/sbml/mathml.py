"""MathML as libSBML holds it to our expression tree."""

import math
import sys
from collections.abc import Callable, Mapping
from functools import cache, reduce
from itertools import pairwise
from typing import Any

from jaxsim.formats.reading import Refused
from jaxsim.network import Binary, Call, Compare, Expression, Logic, Name, Number, Unary
from jaxsim.network.parser import fold_constant

AVOGADRO = 6.02214179e23  # the value that SBML Level 3 fixes (specification, section 3.4.6)
INFINITE = sys.float_info.max  # stands for an end at infinity of a truncated law, where probability is 0 or 1 exactly
LARGEST_CONSTANT = 200_000  # nodes of one formula with its functions written out
MOST_WRITTEN = 1_000_000  # nodes of all calls of a file, written out

NARY = {"AST_PLUS": ("+", 0.0), "AST_TIMES": ("*", 1.0)}
_FUNCTIONS = {
    "AST_FUNCTION_EXP": "exp",
    "AST_FUNCTION_LN": "log",
    "AST_FUNCTION_ABS": "abs",
    "AST_FUNCTION_FLOOR": "floor",
    "AST_FUNCTION_CEILING": "ceil",
    "AST_FUNCTION_SIN": "sin",
    "AST_FUNCTION_COS": "cos",
    "AST_FUNCTION_TAN": "tan",
    "AST_FUNCTION_ARCSIN": "asin",
    "AST_FUNCTION_ARCCOS": "acos",
    "AST_FUNCTION_ARCTAN": "atan",
    "AST_FUNCTION_SINH": "sinh",
    "AST_FUNCTION_COSH": "cosh",
    "AST_FUNCTION_TANH": "tanh",
    "AST_FUNCTION_ARCSINH": "asinh",
    "AST_FUNCTION_ARCCOSH": "acosh",
    "AST_FUNCTION_ARCTANH": "atanh",
}
RECIPROCAL = {  # one over the function
    "AST_FUNCTION_SEC": "cos",
    "AST_FUNCTION_CSC": "sin",
    "AST_FUNCTION_COT": "tan",
    "AST_FUNCTION_SECH": "cosh",
    "AST_FUNCTION_CSCH": "sinh",
    "AST_FUNCTION_COTH": "tanh",
}
OF_RECIPROCAL = {  # the function of one over the argument
    "AST_FUNCTION_ARCSEC": "acos",
    "AST_FUNCTION_ARCCSC": "asin",
    "AST_FUNCTION_ARCCOT": "atan",
    "AST_FUNCTION_ARCSECH": "acosh",
    "AST_FUNCTION_ARCCSCH": "asinh",
    "AST_FUNCTION_ARCCOTH": "atanh",
}
_COMPARISON = {
    "AST_RELATIONAL_EQ": "==",
    "AST_RELATIONAL_NEQ": "!=",
    "AST_RELATIONAL_LT": "<",
    "AST_RELATIONAL_LEQ": "<=",
    "AST_RELATIONAL_GT": ">",
    "AST_RELATIONAL_GEQ": ">=",
}
# Name in our language, number of parameters, and what each distribution of SBML puts before its own parameters.
DISTRIBUTIONS = {
    "NORMAL": ("random_normal", 2),
    "UNIFORM": ("random_uniform", 2),
    "EXPONENTIAL": ("random_exponential", 1),
    "GAMMA": ("random_gamma", 2),
    "POISSON": ("random_poisson", 1),
    "BINOMIAL": ("binomial", 2),
    "BERNOULLI": ("random_bernoulli", 1),
    "LOGNORMAL": ("random_lognormal", 2),
    "RAYLEIGH": ("random_rayleigh", 1),
    "CAUCHY": ("random_cauchy", 2),
    "LAPLACE": ("random_laplace", 2),
    "CHISQUARE": ("random_gamma", 1),
}
PREFIX = "AST_DISTRIB_FUNCTION_"
_TWO_SIDED = ("CAUCHY", "LAPLACE")  # with one argument the location is 0

Function = tuple[tuple[str, ...], Expression]  # arguments and body
Lookup = Callable[[str], Expression]
Refuse = Callable[[str], Refused]


@cache
def type_names() -> Mapping[int, str]:
    """Return the name of each node type of libSBML."""
    import libsbml

    return {getattr(libsbml, name): name for name in dir(libsbml) if name.startswith("AST_")}


class Translator:
    """Turns formulas into expressions; names and user functions are looked up, refusals go to their place."""

    def __init__(self, functions: Mapping[str, Function | None]) -> None:
        self.functions = functions
        self.written = 0

    def translate(self, node: Any, look_up: Lookup, refuse: Refuse) -> Expression:
        """Return the expression of a formula.

        Raises
        ------
        Refused
            After the problem has been noted through `refuse`.
        """
        if node is None:
            raise refuse("has no formula")
        expression = self._visit(node, look_up, refuse)
        if expression._size > LARGEST_CONSTANT:
            raise refuse(f"has a formula of more than {LARGEST_CONSTANT} terms with its functions written out")
        return expression

    def _visit(self, root: Any, look_up: Lookup, refuse: Refuse) -> Expression:
        """Translate bottom-up without recursion: libSBML makes a sum of many terms a chain as deep."""
        stack, values = [(root, "")], list[Expression]()
        while stack:
            node, kind = stack.pop()
            if kind:
                count = node.getNumChildren()
                operands = values[len(values) - count :]
                del values[len(values) - count :]
                values.append(self._over(kind, node, operands, refuse))
                continue
            kind = type_names().get(node.getType(), "AST_UNKNOWN")
            leaf = self._leaf(kind, node, look_up, refuse)
            if leaf is not None:
                values.append(leaf)
                continue
            stack.append((node, kind))
            stack.extend((node.getChild(i), "") for i in reversed(range(node.getNumChildren())))
        return values[0]

    def _leaf(self, kind: str, node: Any, look_up: Lookup, refuse: Refuse) -> Expression | None:
        """Return what a node is that is no operation on its children."""
        if kind == "AST_NAME":
            found = look_up(node.getName())
            if isinstance(found, Number) and not math.isfinite(found.value):
                raise refuse(f"reads '{node.getName()}', which is infinite")
            return found
        if kind in _LEAVES:
            return _LEAVES[kind](node)
        if kind in ("AST_INTEGER", "AST_REAL", "AST_REAL_E", "AST_RATIONAL"):
            return _number(node, refuse)
        if kind.startswith(PREFIX):
            return self._distribution(kind.removeprefix(PREFIX), node, look_up, refuse)
        return None

    def _over(self, kind: str, node: Any, operands: list[Expression], refuse: Refuse) -> Expression:
        """Return the operation of a node on its translated children."""
        try:
            if kind == "AST_FUNCTION":
                return self._call(node.getName(), operands, refuse)
            result = _combine(kind, operands)
        except (ZeroDivisionError, OverflowError) as error:
            raise refuse(f"divides by zero or overflows in its constants ({error})") from error
        except ValueError as error:
            raise refuse("has constants without a finite real value") from error
        if result is None:
            raise refuse(f"uses {_spoken(kind, len(operands))}, which is not supported")
        return result

    def _call(self, name: str, operands: list[Expression], refuse: Refuse) -> Expression:
        from jaxsim.network import substitute

        if name not in self.functions:
            raise refuse(f"calls the function '{name}', which the file does not define")
        function = self.functions[name]
        if function is None:
            raise Refused(name)  # noted where it is defined
        parameters, body = function
        if len(parameters) != len(operands):
            raise refuse(f"calls '{name}' with {len(operands)} arguments instead of {len(parameters)}")
        self.written += body._size
        if self.written > MOST_WRITTEN:
            raise refuse(f"calls '{name}', and all calls of the file written out make more than {MOST_WRITTEN} terms")
        result = substitute(body, dict(zip(parameters, operands, strict=True)))
        if result._size > LARGEST_CONSTANT:
            raise refuse(f"has a formula of more than {LARGEST_CONSTANT} terms with its functions written out")
        return result

    def _distribution(self, kind: str, node: Any, look_up: Lookup, refuse: Refuse) -> Expression:
        if kind not in DISTRIBUTIONS:
            raise refuse(f"draws from '{kind.lower()}', which is not supported")
        function, parameters = DISTRIBUTIONS[kind]
        count = node.getNumChildren()
        if kind in _TWO_SIDED and count in (1, 3):
            parameters = 1
        if count not in (parameters, parameters + 2):
            raise refuse(
                f"draws from '{kind.lower()}' with {count} arguments instead of {parameters} or {parameters + 2}"
            )
        operands = [self._visit(node.getChild(i), look_up, refuse) for i in range(parameters)]
        if kind in _TWO_SIDED and parameters == 1:
            operands = [Number(0.0), *operands]
        if kind == "CHISQUARE":
            operands = [_folded(Binary("*", Number(0.5), operands[0])), Number(2.0)]
        ends = [self._end(node.getChild(i), look_up, refuse) for i in range(parameters, count)]
        return Call(function, (*operands, *ends))

    def _end(self, node: Any, look_up: Lookup, refuse: Refuse) -> Expression:
        """Return an end of a truncated law, which may be infinite."""
        sign = 1.0
        while type_names().get(node.getType()) == "AST_MINUS" and node.getNumChildren() == 1:
            sign, node = -sign, node.getChild(0)
        if type_names().get(node.getType()) == "AST_REAL" and math.isinf(node.getValue()):
            return Number(math.copysign(INFINITE, sign * node.getValue()))
        if type_names().get(node.getType()) == "AST_NAME":
            value = look_up(node.getName())
            if isinstance(value, Number) and math.isinf(value.value):
                return Number(math.copysign(INFINITE, sign * value.value))
        value = self._visit(node, look_up, refuse)
        return value if sign > 0 else _folded(Unary("-", value))


def _number(node: Any, refuse: Refuse) -> Expression:
    value = float(node.getValue())
    if not math.isfinite(value):
        raise refuse(f"contains the number {value:g}; give a finite one")
    return Number(value)


_LEAVES: dict[str, Callable[[Any], Expression]] = {
    "AST_NAME_TIME": lambda _: Name("t"),
    "AST_NAME_AVOGADRO": lambda _: Number(AVOGADRO),
    "AST_CONSTANT_PI": lambda _: Number(math.pi),
    "AST_CONSTANT_E": lambda _: Number(math.e),
    "AST_CONSTANT_TRUE": lambda _: Number(1.0),
    "AST_CONSTANT_FALSE": lambda _: Number(0.0),
}


def _folded(node: Expression) -> Expression:
    return fold_constant(node)


def _chain(op: str, operands: list[Expression]) -> Expression:
    return reduce(lambda left, right: _folded(Binary(op, left, right)), operands)


def _combine(kind: str, operands: list[Expression]) -> Expression | None:
    """Return the node of a kind over its operands, None if our language has no such thing."""
    count = len(operands)
    if kind in NARY:
        op, empty = NARY[kind]
        return _chain(op, operands) if operands else Number(empty)
    if kind in _FUNCTIONS and count == 1:
        return _folded(Call(_FUNCTIONS[kind], tuple(operands)))
    if kind in RECIPROCAL and count == 1:
        return _folded(Binary("/", Number(1.0), _folded(Call(RECIPROCAL[kind], tuple(operands)))))
    if kind in OF_RECIPROCAL and count == 1:
        return _folded(Call(OF_RECIPROCAL[kind], (_folded(Binary("/", Number(1.0), operands[0])),)))
    if kind in _COMPARISON and count >= 2:
        pairs = [Compare(_COMPARISON[kind], a, b) for a, b in pairwise(operands)]
        return None if kind == "AST_RELATIONAL_NEQ" and count > 2 else _joined("and", pairs)
    if kind in ("AST_LOGICAL_AND", "AST_LOGICAL_OR"):
        op = kind.removeprefix("AST_LOGICAL_").lower()
        return _joined(op, operands) if operands else Number(float(op == "and"))
    if kind in ("AST_FUNCTION_MIN", "AST_FUNCTION_MAX") and operands:
        name = kind.removeprefix("AST_FUNCTION_").lower()
        return operands[0] if count == 1 else _folded(Call(name, tuple(operands)))
    if kind == "AST_FUNCTION_PIECEWISE" and count >= 3 and count % 2:
        return _piecewise(operands)
    rule = _RULES.get((kind, count))
    return rule(*operands) if rule else None


def _joined(op: str, operands: list[Any]) -> Expression:
    return reduce(lambda left, right: Logic(op, left, right), operands)


def _piecewise(operands: list[Expression]) -> Expression:
    result = operands[-1]
    for i in range(len(operands) - 3, -1, -2):
        result = Call("if", (operands[i + 1], operands[i], result))
    return result


def _power(base: Expression, exponent: Expression) -> Expression:
    return _folded(Binary("^", base, exponent))


def _root(degree: Expression, x: Expression) -> Expression:
    if degree == Number(2.0):
        return _folded(Call("sqrt", (x,)))
    return _power(x, _folded(Binary("/", Number(1.0), degree)))


def _quotient(a: Expression, b: Expression) -> Expression:
    ratio = _folded(Binary("/", a, b))
    toward_zero = Call("floor", (Call("abs", (ratio,)),))
    return Call("if", (Compare("<", ratio, Number(0.0)), Unary("-", toward_zero), toward_zero))


_RULES: dict[tuple[str, int], Callable[..., Expression]] = {
    ("AST_MINUS", 1): lambda a: _folded(Unary("-", a)),
    ("AST_MINUS", 2): lambda a, b: _folded(Binary("-", a, b)),
    ("AST_DIVIDE", 2): lambda a, b: _folded(Binary("/", a, b)),
    ("AST_POWER", 2): _power,
    ("AST_FUNCTION_POWER", 2): _power,
    ("AST_FUNCTION_ROOT", 1): lambda x: _root(Number(2.0), x),
    ("AST_FUNCTION_ROOT", 2): _root,
    ("AST_FUNCTION_LOG", 1): lambda x: _folded(Call("log10", (x,))),
    ("AST_FUNCTION_LOG", 2): lambda b, x: (
        _folded(Call("log10", (x,)))
        if b == Number(10.0)
        else _folded(Binary("/", _folded(Call("log", (x,))), _folded(Call("log", (b,)))))
    ),
    ("AST_LOGICAL_NOT", 1): lambda a: Unary("not", a),
    ("AST_LOGICAL_XOR", 2): lambda a, b: Logic("and", Logic("or", a, b), Unary("not", Logic("and", a, b))),
    ("AST_LOGICAL_IMPLIES", 2): lambda a, b: Logic("or", Unary("not", a), b),
    ("AST_FUNCTION_QUOTIENT", 2): _quotient,
    ("AST_FUNCTION_REM", 2): lambda a, b: _folded(Binary("-", a, _folded(Binary("*", b, _quotient(a, b))))),
}  # fmt: skip

SPOKEN = {
    "AST_FUNCTION_DELAY": "the delay of a quantity",
    "AST_FUNCTION_RATE_OF": "the rate of change of a quantity (rateOf)",
    "AST_FUNCTION_PIECEWISE": "a piecewise formula without otherwise",
}


def _spoken(kind: str, count: int) -> str:
    if kind in SPOKEN:
        return SPOKEN[kind]
    name = kind.removeprefix("AST_").removeprefix("FUNCTION_").removeprefix("RELATIONAL_").lower()
    return f"'{name}' of {count} operand{'' if count == 1 else 's'}"
