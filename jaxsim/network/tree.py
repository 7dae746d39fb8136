"""The tree that every expression is: walked, compared, hashed and pickled without recursion.

A sum over 3,000 species is a tree 3,000 levels deep, so nothing here may recurse: hashes are computed
once from the children's hashes, equality walks a stack, and pickling writes a flat list.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
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
        from jaxsim.network.printer import to_string

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
