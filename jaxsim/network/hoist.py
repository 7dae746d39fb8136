"""Pull out of expressions what depends on few names, so that it is computed once and not in the loop."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from jaxsim.network.expression import (
    Binary,
    Call,
    Expression,
    FallingFactorial,
    Name,
    Number,
    Unary,
    fold,
)
from jaxsim.network.functions import RANDOM
from jaxsim.network.parser import fold_constant

Pull = Callable[[Expression], Expression]

LONGEST_COPY = 64  # terms of a chain that is written into each of its parents
_CHAIN = {"+": "+", "-": "+", "*": "*", "/": "*"}
_INVERSE = {"+": "-", "*": "/"}


class _Term(NamedTuple):
    """A term of a sum or a factor of a product; `inverted` if subtracted or divided by."""

    inverted: bool
    expression: Expression
    inside: bool


class _Part(NamedTuple):
    """A subexpression on the way up: a chain of terms under `op`, or one term under ``""``."""

    op: str
    terms: tuple[_Term, ...]


def hoist(expression: Expression, allowed: frozenset[str], prefix: str) -> tuple[Expression, dict[str, Expression]]:
    """Replace each maximal subexpression over `allowed` names by a fresh name.

    In sums and products the allowed terms and factors are grouped, wherever they stand; constants join
    the group if there is one. What is only divided by becomes a reciprocal.

    Parameters
    ----------
    expression
        Where to look.
    allowed
        The names a subexpression may read to be pulled out.
    prefix
        Fresh names are the prefix and a running index: ``h0``, ``h1``, ...

    Returns
    -------
    Expression, dict
        What is left, and for each fresh name the expression over `allowed` names that it stands for.
        Identical subexpressions share a name. The value is unchanged up to the rounding of regrouping.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> rest, pulled = hoist(parse("kup*dck*g/(Km + g)"), frozenset({"g", "Km"}), "h")
    >>> to_string(rest), {name: to_string(value) for name, value in pulled.items()}
    ('kup*dck*h0', {'h0': 'g/(Km + g)'})
    """
    (rest,), pulled = hoist_all([expression], allowed, prefix)
    return rest, pulled


def hoist_all(
    expressions: Iterable[Expression], allowed: frozenset[str], prefix: str
) -> tuple[tuple[Expression, ...], dict[str, Expression]]:
    """Do what :func:`hoist` does for several expressions, which share the fresh names.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> _, pulled = hoist_all([parse("2*k*A"), parse("A*(k*2)")], frozenset({"k"}), "h")
    >>> list(pulled)
    ['h0', 'h1']
    """
    pulled: dict[Expression, str] = {}

    def pull(expression: Expression) -> Expression:
        return Name(pulled.setdefault(expression, f"{prefix}{len(pulled)}"))

    def visit(node: Expression, parts: list[_Part]) -> _Part:
        parts = [once(child, part) for child, part in zip(node.children, parts, strict=True)]
        if all(map(_is_inside, parts)) and _may_move(node, allowed):
            return _Part("", (_Term(False, node, True),))
        if isinstance(node, Binary) and node.op in _CHAIN:
            op = _CHAIN[node.op]
            left, right = (_terms(part, op, pull) for part in parts)
            return _Part(op, left + (_invert(right) if node.op != op else right))
        if isinstance(node, Unary) and node.op == "-":
            return _Part("+", _invert(_terms(parts[0], "+", pull)))
        return _opaque(node.rebuild(tuple(_finish(part, pull) for part in parts)))

    def once(node: Expression, part: _Part) -> _Part:
        """Keep a long chain whole where it has several parents, which would each have a copy of it."""
        if len(part.terms) <= LONGEST_COPY or parents.get(id(node), 0) < 2:
            return part
        if id(node) not in whole:
            whole[id(node)] = _opaque(_finish(part, pull))
        return whole[id(node)]

    rest = []
    for expression in expressions:
        parents, whole = _parents(expression), dict[int, _Part]()
        rest.append(_finish(fold(expression, visit), pull))
    return tuple(rest), {name: expression for expression, name in pulled.items()}


def _parents(expression: Expression) -> dict[int, int]:
    """Return how many operands each node is, by its id."""
    counts: dict[int, int] = {}

    def visit(node: Expression, _: list[None]) -> None:
        for child in node.children:
            counts[id(child)] = counts.get(id(child), 0) + 1

    fold(expression, visit)
    return counts


def _may_move(node: Expression, allowed: frozenset[str]) -> bool:
    """Return whether the node itself, its operands apart, may be computed once beforehand."""
    match node:
        case Name(name) | FallingFactorial(name, _):
            return name in allowed
        case Call(function, _) if function in RANDOM:
            return False
    return True


def _is_inside(part: _Part) -> bool:
    return part.op == "" and part.terms[0].inside


def _opaque(expression: Expression) -> _Part:
    return _Part("", (_Term(False, expression, False),))


def _invert(terms: tuple[_Term, ...]) -> tuple[_Term, ...]:
    return tuple(term._replace(inverted=not term.inverted) for term in terms)


def _terms(part: _Part, op: str, pull: Pull) -> tuple[_Term, ...]:
    """Return the part as terms of a chain of `op`."""
    if part.op == op or _is_inside(part):
        return part.terms
    return _opaque(_finish(part, pull)).terms


def _finish(part: _Part, pull: Pull) -> Expression:
    """Return the part as one expression, with what is inside pulled out as one name."""
    inside = [term for term in part.terms if term.inside]
    if all(isinstance(term.expression, Number) for term in inside):
        return _build(part.op, part.terms)
    group = _Term(False, pull(_build(part.op, inside)), False)
    place = part.terms.index(inside[0])
    outside = [term for term in part.terms[place:] if not term.inside]
    return _build(part.op, [*part.terms[:place], group, *outside])


def _build(op: str, terms: Sequence[_Term]) -> Expression:
    """Join terms left to right, beginning with one that is not inverted."""
    rest = list(terms)
    place = next((place for place, term in enumerate(rest) if not term.inverted), None)
    if place is not None:
        result = rest.pop(place).expression  # one of them alone: a term of a shared node may stand here twice
    elif op == "*":
        result = Number(1.0)
    else:
        result = fold_constant(Unary("-", rest.pop(0).expression))
    for term in rest:
        result = Binary(_INVERSE[op] if term.inverted else op, result, term.expression)
    return result
