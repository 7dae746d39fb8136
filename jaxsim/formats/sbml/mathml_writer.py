"""Our expression tree as MathML text."""

from collections.abc import Callable
from functools import reduce
from xml.sax.saxutils import escape

from jaxsim.formats.sbml.mathml import DISTRIBUTIONS, INFINITE
from jaxsim.network import Binary, Call, Compare, Expression, FallingFactorial, Logic, Name, Number, Unary
from jaxsim.network.expression import fold

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
SYMBOLS = "http://www.sbml.org/sbml/symbols/"
ELEMENTS = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "divide",
    "^": "power",
    "<": "lt",
    "<=": "leq",
    ">": "gt",
    ">=": "geq",
    "==": "eq",
    "!=": "neq",
    "and": "and",
    "or": "or",
    "exp": "exp",
    "log": "ln",
    "sqrt": "root",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "abs": "abs",
    "min": "min",
    "max": "max",
    "floor": "floor",
    "ceil": "ceiling",
}
DRAWS = {name: kind.lower() for kind, (name, _) in DISTRIBUTIONS.items() if kind != "CHISQUARE"}


def mathml(expression: Expression) -> str:
    """Return the ``math`` element of an expression.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> mathml(parse("k*A"))
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>k</ci><ci>A</ci></apply></math>'
    """
    return f'<math xmlns="{NAMESPACE}">{fold(expression, _element)}</math>'


def _element(node: Expression, below: list[str]) -> str:
    match node:
        case Number(value):
            return _number(value)
        case Name("t"):
            return f'<csymbol encoding="text" definitionURL="{SYMBOLS}time">t</csymbol>'
        case Name(name):
            return f"<ci>{escape(name)}</ci>"
        case FallingFactorial(name, order):
            factors = [f"<ci>{escape(name)}</ci>"]
            factors += [_apply("minus", factors[0], _number(float(step))) for step in range(1, order)]
            return reduce(lambda left, right: _apply("times", left, right), factors)
        case Unary(op, _):
            return _apply("minus" if op == "-" else "not", *below)
        case Binary(op, _, _) | Compare(op, _, _) | Logic(op, _, _):
            return _apply(ELEMENTS[op], *below)
        case Call(function, _):
            return _call(function, below)
    raise TypeError(f"{type(node).__name__} is not an expression node")


def _call(function: str, below: list[str]) -> str:
    if function in FORMS:
        return FORMS[function](*below)
    if function in DRAWS:
        name = DRAWS[function]
        head = f'<csymbol encoding="text" definitionURL="{SYMBOLS}distrib/{name}">{name}</csymbol>'
        return f"<apply>{head}{''.join(below)}</apply>"
    return _apply(ELEMENTS[function], *below)


def unsaid(expression: Expression) -> set[str]:
    """Return the functions that an expression calls and MathML cannot say.

    Examples
    --------
    >>> unsaid(Call("exp", (Call("a_new_law", (Name("A"),)),)))
    {'a_new_law'}
    """
    called: set[str] = set()

    def visit(node: Expression, _: list[None]) -> None:
        if isinstance(node, Call):
            called.add(node.function)

    fold(expression, visit)
    return called - FORMS.keys() - DRAWS.keys() - ELEMENTS.keys()


def _choice(condition: str, chosen: str, other: str) -> str:
    return f"<piecewise><piece>{chosen}{condition}</piece><otherwise>{other}</otherwise></piecewise>"


def _logarithm_of_ten(x: str) -> str:
    return f"<apply><log/><logbase>{_number(10.0)}</logbase>{x}</apply>"


def _hill(x: str, half: str, exponent: str) -> str:
    power, level = _apply("power", x, exponent), _apply("power", half, exponent)
    return _apply("divide", power, _apply("plus", level, power))


def _michaelis_menten(x: str, fastest: str, half: str) -> str:
    return _apply("divide", _apply("times", fastest, x), _apply("plus", half, x))


FORMS: dict[str, Callable[..., str]] = {  # functions that are no element of MathML
    "if": _choice,
    "log10": _logarithm_of_ten,
    "pow": lambda base, exponent: _apply("power", base, exponent),
    "hill": _hill,
    "michaelis_menten": _michaelis_menten,
}


def _number(value: float) -> str:
    if abs(value) == INFINITE:  # an end of a truncated law at infinity
        return _apply("minus", "<infinity/>") if value < 0 else "<infinity/>"
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f'<cn type="e-notation">{mantissa}<sep/>{int(exponent)}</cn>'
    return f"<cn>{text}</cn>"


def _apply(element: str, *operands: str) -> str:
    return f"<apply><{element}/>{''.join(operands)}</apply>"
