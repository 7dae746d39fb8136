"""The kinds of nodes an expression is made of, and the names it reads."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from jaxsim.errors import ExpressionError

# The tree that every expression is: walked, compared, hashed and pickled without recursion.
#
# A sum over 3,000 species is a tree 3,000 levels deep, so nothing here may recurse: hashes are computed
# once from the children's hashes, equality walks a stack, and pickling writes a flat list.

Result = TypeVar("Result")


class Expression(ABC):
    """Base of every node; build expressions with :func:`parse` rather than by hand.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> parse("k*A") == parse("k * A")
    True
    """

    _hash: int
    _size: int  # nodes when written out, however many of them are one shared object
    _names: frozenset[str] | None = None  # what `names` found, kept since rates are asked often

    @property
    @abstractmethod
    def children(self) -> tuple["Expression", ...]:
        """The operands, left to right."""

    @property
    @abstractmethod
    def label(self) -> tuple[Any, ...]:
        """What distinguishes this node from others of its class with the same children."""

    @classmethod
    def make(cls, label: tuple[Any, ...], children: tuple["Expression", ...]) -> "Expression":
        """Return a node of this class from what distinguishes it and its operands."""
        return cls(*label, *children)

    def rebuild(self, children: tuple["Expression", ...]) -> "Expression":
        """Return this node over other children."""
        return self.make(self.label, children)

    def __post_init__(self) -> None:
        operands = tuple(child._hash for child in self.children)
        object.__setattr__(self, "_hash", hash((type(self).__name__, self.label, operands)))
        object.__setattr__(self, "_size", 1 + sum(child._size for child in self.children))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return same(self, other) if isinstance(other, Expression) else NotImplemented

    def __repr__(self) -> str:

        return f"parse({to_string(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_rows, (_to_rows(self),)


def fold(expression: Expression, visit: Callable[[Expression, list[Result]], Result]) -> Result:
    """Compute a value bottom-up: ``visit(node, values of its children)``, once per node object.

    Nodes are told apart by identity, not equality, so that two draws ``binomial(n, p)`` stay two draws.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> fold(parse("a + b*c"), lambda node, sizes: 1 + sum(sizes))
    5
    """
    return fold_all((expression,), visit)[0]


def fold_all(expressions: Sequence[Expression], visit: Callable[[Expression, list[Result]], Result]) -> list[Result]:
    """Do what :func:`fold` does for several expressions, once per node object of all of them.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> fold_all([parse("a + b"), parse("c")], lambda node, sizes: 1 + sum(sizes))
    [3, 1]
    """
    values: dict[int, Result] = {}
    stack = list(reversed(expressions))
    while stack:
        node = stack[-1]
        pending = [child for child in node.children if id(child) not in values]
        if pending:
            stack.extend(reversed(pending))
            continue
        stack.pop()
        if id(node) not in values:
            values[id(node)] = visit(node, [values[id(child)] for child in node.children])
    return [values[id(expression)] for expression in expressions]


def size(expression: Expression) -> int:
    """Return the number of nodes of an expression when it is written out.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> size(parse("a + b*c"))
    5
    """
    return expression._size


def same(left: Expression, right: Expression) -> bool:
    """Return whether two trees are equal node by node (no algebra: ``a + b`` is not ``b + a``).

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> same(parse("a + b"), parse("a+b")), same(parse("a + b"), parse("b + a"))
    (True, False)
    """
    stack, seen = [(left, right)], set()
    while stack:
        a, b = stack.pop()
        if a is b or (id(a), id(b)) in seen:
            continue
        if a._hash != b._hash or type(a) is not type(b) or a.label != b.label:
            return False
        if len(a.children) != len(b.children):
            return False
        seen.add((id(a), id(b)))
        stack.extend(zip(a.children, b.children, strict=True))
    return True


def _to_rows(expression: Expression) -> tuple[tuple[Any, ...], ...]:
    rows: list[tuple[Any, ...]] = []

    def visit(node: Expression, positions: list[int]) -> int:
        rows.append((type(node), node.label, tuple(positions)))
        return len(rows) - 1

    fold(expression, visit)
    return tuple(rows)


def _from_rows(rows: tuple[tuple[Any, ...], ...]) -> Expression:
    nodes: list[Expression] = []
    for kind, label, positions in rows:
        operands = tuple(nodes[position] for position in positions)
        nodes.append(kind.make(label, operands))
    return nodes[-1]


@dataclass(frozen=True, eq=False, repr=False)
class Number(Expression):
    """A constant, held as a Python float so that it never widens the dtype it meets.

    Examples
    --------
    >>> Number(2)
    parse('2')
    """

    value: float | int

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))
        super().__post_init__()

    children = property(lambda self: ())
    label = property(lambda self: (self.value,))


@dataclass(frozen=True, eq=False, repr=False)
class Name(Expression):
    """A species, parameter, observable or input, or the time ``t``.

    Examples
    --------
    >>> Name("beta").id
    'beta'
    """

    id: str

    children = property(lambda self: ())
    label = property(lambda self: (self.id,))


@dataclass(frozen=True, eq=False, repr=False)
class FallingFactorial(Expression):
    """``x*(x-1)*...*(x-order+1)``: the ordered ways to draw `order` molecules of species `name`.

    Examples
    --------
    >>> sorted(names(FallingFactorial("A", 2)))
    ['A']
    """

    name: str
    order: int

    children = property(lambda self: ())
    label = property(lambda self: (self.name, self.order))


@dataclass(frozen=True, eq=False, repr=False)
class Unary(Expression):
    """``-operand`` or ``not operand``; `op` is ``"-"`` or ``"not"``.

    Examples
    --------
    >>> Unary("-", Name("a")).operand
    parse('a')
    """

    op: str
    operand: Expression

    children = property(lambda self: (self.operand,))
    label = property(lambda self: (self.op,))


@dataclass(frozen=True, eq=False, repr=False)
class Binary(Expression):
    """Arithmetic of two operands; `op` is one of ``+ - * / ^``.

    Examples
    --------
    >>> Binary("*", Name("k"), Name("A")).op
    '*'
    """

    op: str
    left: Expression
    right: Expression

    children = property(lambda self: (self.left, self.right))
    label = property(lambda self: (self.op,))


@dataclass(frozen=True, eq=False, repr=False)
class Compare(Expression):
    """A comparison; `op` is one of ``< <= > >= == !=``.

    Examples
    --------
    >>> Compare("<", Name("A"), Number(5)).right
    parse('5')
    """

    op: str
    left: Expression
    right: Expression

    children = property(lambda self: (self.left, self.right))
    label = property(lambda self: (self.op,))


@dataclass(frozen=True, eq=False, repr=False)
class Logic(Expression):
    """A conjunction or disjunction; `op` is ``"and"`` or ``"or"``.

    Examples
    --------
    >>> Logic("and", Name("a"), Name("b")).children
    (parse('a'), parse('b'))
    """

    op: str
    left: Expression
    right: Expression

    children = property(lambda self: (self.left, self.right))
    label = property(lambda self: (self.op,))


@dataclass(frozen=True, eq=False, repr=False)
class Call(Expression):
    """A function of the table in ``functions.py``, the choice ``if``, or a random function.

    Examples
    --------
    >>> Call("exp", (Name("a"),)).function
    'exp'
    """

    function: str
    args: tuple[Expression, ...]

    children = property(lambda self: self.args)
    label = property(lambda self: (self.function,))

    @classmethod
    def make(cls, label: tuple[Any, ...], children: tuple[Expression, ...]) -> "Call":
        return Call(label[0], children)


def names(expression: Expression) -> frozenset[str]:
    """Return every name that the expression reads, the time ``t`` included.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> sorted(names(parse("k*A/(Km + A)*sin(t)")))
    ['A', 'Km', 'k', 't']
    """
    if expression._names is not None:
        return expression._names
    found: set[str] = set()

    def visit(node: Expression, _: list[None]) -> None:
        if isinstance(node, Name):
            found.add(node.id)
        elif isinstance(node, FallingFactorial):
            found.add(node.name)

    fold(expression, visit)
    result = frozenset(found)
    object.__setattr__(expression, "_names", result)
    return result


# Write an expression as text that :func:`parse` reads back to the same value.

_STRENGTH = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "^": 8}
_COMPARE, _SIGN, _ATOM = 4, 7, 9


def to_string(expression: Expression) -> str:
    """Write an expression with the fewest parentheses that keep its grouping.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> to_string(parse("((a)*(b-1))/(c*d)"))
    'a*(b - 1)/(c*d)'
    """
    _, rope = fold(expression, _write)
    pieces, stack = [], [rope]
    while stack:
        piece = stack.pop()
        if isinstance(piece, str):
            pieces.append(piece)
        else:
            stack.extend(reversed(piece))
    return "".join(pieces)


def write_number(value: float) -> str:
    """Write a number in the shortest form that reads back exactly.

    Examples
    --------
    >>> write_number(3.0), write_number(0.1), write_number(1e-30)
    ('3', '0.1', '1e-30')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _write(node: Expression, parts: list[tuple[int, Any]]) -> tuple[int, Any]:
    """Return how strongly the outermost operator binds, and the nested pieces of text."""
    match node:
        case Number(value):
            return (_SIGN if value < 0 else _ATOM), write_number(value)
        case Name(name):
            return _ATOM, name
        case FallingFactorial(name, order):
            return 6, "*".join([name, *(f"({name} - {step})" for step in range(1, order))])
        case Call(function, _):
            pieces: list[Any] = [function, "("]
            for index, (_, text) in enumerate(parts):
                pieces += [", ", text] if index else [text]
            return _ATOM, [*pieces, ")"]
        case Unary("not", _):
            return 3, ["not ", _wrap(parts[0], 3)]
        case Unary(_, _):
            return _SIGN, ["-", _wrap(parts[0], _SIGN)]
        case Compare(op, _, _):
            return _COMPARE, [_wrap(parts[0], 5), f" {op} ", _wrap(parts[1], 5)]
        case Binary("^", _, _):
            return 8, [_wrap(parts[0], _ATOM), "^", _wrap(parts[1], 8)]
        case Binary("*", _, FallingFactorial()):
            return 6, [_wrap(parts[0], 6), "*", parts[1][1]]
        case Binary(op, _, _) | Logic(op, _, _):
            strength = _STRENGTH[op]
            sign = op if strength == 6 else f" {op} "
            return strength, [_wrap(parts[0], strength), sign, _wrap(parts[1], strength + 1)]
    raise TypeError(f"{type(node).__name__} is not an expression node")


def _wrap(part: tuple[int, Any], strength: int) -> Any:
    return part[1] if part[0] >= strength else ["(", part[1], ")"]


# Replace names by expressions.


def substitute(expression: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """Replace every occurrence of the given names, all at once.

    Raises
    ------
    ExpressionError
        If a species under a falling factorial is to be replaced by anything but another name.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> to_string(substitute(parse("beta*S*I/N"), {"N": parse("S + I + R")}))
    'beta*S*I/(S + I + R)'
    """

    def visit(node: Expression, children: list[Expression]) -> Expression:
        if isinstance(node, Name):
            return replacements.get(node.id, node)
        if isinstance(node, FallingFactorial) and node.name in replacements:
            other = replacements[node.name]
            if isinstance(other, Name):
                return FallingFactorial(other.id, node.order)
            raise ExpressionError(f"cannot replace species '{node.name}' of a mass-action rate")
        unchanged = all(new is old for new, old in zip(children, node.children, strict=True))
        return node if unchanged else node.rebuild(tuple(children))

    return fold(expression, visit)
