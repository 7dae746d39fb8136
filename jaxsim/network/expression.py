"""The nodes of an expression tree: frozen, hashable, and comparable at any depth without recursion.

A sum over 3,000 species is a tree 3,000 levels deep, so nothing here may recurse: hashes are computed
once from the children's hashes, equality walks a stack, and pickling writes a flat list.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

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

    @abstractmethod
    def rebuild(self, children: tuple["Expression", ...]) -> "Expression":
        """Return this node over other children."""

    def __post_init__(self) -> None:
        operands = tuple(child._hash for child in self.children)
        object.__setattr__(self, "_hash", hash((type(self).__name__, self.label, operands)))
        object.__setattr__(self, "_size", 1 + sum(child._size for child in self.children))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return same(self, other) if isinstance(other, Expression) else NotImplemented

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_rows, (_to_rows(self),)


@dataclass(frozen=True, eq=False)
class Number(Expression):
    """A constant, held as a Python float so that it never widens the dtype it meets."""

    value: float | int

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))
        super().__post_init__()

    children = property(lambda self: ())
    label = property(lambda self: (self.value,))

    def rebuild(self, children: tuple[Expression, ...]) -> "Number":
        return self


@dataclass(frozen=True, eq=False)
class Name(Expression):
    """A species, parameter, observable or input, or the time ``t``."""

    id: str

    children = property(lambda self: ())
    label = property(lambda self: (self.id,))

    def rebuild(self, children: tuple[Expression, ...]) -> "Name":
        return self


@dataclass(frozen=True, eq=False)
class FallingFactorial(Expression):
    """``x*(x-1)*...*(x-order+1)``: the ordered ways to draw `order` molecules of species `name`."""

    name: str
    order: int

    children = property(lambda self: ())
    label = property(lambda self: (self.name, self.order))

    def rebuild(self, children: tuple[Expression, ...]) -> "FallingFactorial":
        return self


@dataclass(frozen=True, eq=False)
class Unary(Expression):
    """``-operand`` or ``not operand``; `op` is ``"-"`` or ``"not"``."""

    op: str
    operand: Expression

    children = property(lambda self: (self.operand,))
    label = property(lambda self: (self.op,))

    def rebuild(self, children: tuple[Expression, ...]) -> "Unary":
        return Unary(self.op, *children)


@dataclass(frozen=True, eq=False)
class Binary(Expression):
    """Arithmetic of two operands; `op` is one of ``+ - * / ^``."""

    op: str
    left: Expression
    right: Expression

    children = property(lambda self: (self.left, self.right))
    label = property(lambda self: (self.op,))

    def rebuild(self, children: tuple[Expression, ...]) -> "Binary":
        return Binary(self.op, *children)


@dataclass(frozen=True, eq=False)
class Compare(Expression):
    """A comparison; `op` is one of ``< <= > >= == !=``."""

    op: str
    left: Expression
    right: Expression

    children = property(lambda self: (self.left, self.right))
    label = property(lambda self: (self.op,))

    def rebuild(self, children: tuple[Expression, ...]) -> "Compare":
        return Compare(self.op, *children)


@dataclass(frozen=True, eq=False)
class Logic(Expression):
    """A conjunction or disjunction; `op` is ``"and"`` or ``"or"``."""

    op: str
    left: Expression
    right: Expression

    children = property(lambda self: (self.left, self.right))
    label = property(lambda self: (self.op,))

    def rebuild(self, children: tuple[Expression, ...]) -> "Logic":
        return Logic(self.op, *children)


@dataclass(frozen=True, eq=False)
class Call(Expression):
    """A function of the table in ``functions.py``, the choice ``if``, or the random ``binomial``."""

    function: str
    args: tuple[Expression, ...]

    children = property(lambda self: self.args)
    label = property(lambda self: (self.function,))

    def rebuild(self, children: tuple[Expression, ...]) -> "Call":
        return Call(self.function, tuple(children))


def fold(expression: Expression, visit: Callable[[Expression, list[Result]], Result]) -> Result:
    """Compute a value bottom-up: ``visit(node, values of its children)``, once per node object.

    Nodes are told apart by identity, not equality, so that two draws ``binomial(n, p)`` stay two draws.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> fold(parse("a + b*c"), lambda node, sizes: 1 + sum(sizes))
    5
    """
    values: dict[int, Result] = {}
    stack = [expression]
    while stack:
        node = stack[-1]
        pending = [child for child in node.children if id(child) not in values]
        if pending:
            stack.extend(reversed(pending))
            continue
        stack.pop()
        if id(node) not in values:
            values[id(node)] = visit(node, [values[id(child)] for child in node.children])
    return values[id(expression)]


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
    >>> same(Binary("+", Name("a"), Number(1)), Binary("+", Name("a"), Number(1.0)))
    True
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
        build: Callable[..., Expression] = kind
        nodes.append(build(*label, operands) if kind is Call else build(*label, *operands))
    return nodes[-1]
