"""The kinds of nodes an expression is made of, and the names it reads."""

from dataclasses import dataclass
from typing import Any

from jaxsim.network.tree import Expression, fold


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
