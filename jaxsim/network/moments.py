"""Find where functions jump or bend: expressions written as smooth ones beside switches.

A comparison, ``floor``, ``abs``, ``min`` or ``max`` changes its branch where what it reads crosses a line. Each becomes
a switch: a name for the branch, constant between two crossings, and a smooth guard that passes through zero (a whole
number, for ``floor`` and ``ceil``) at the crossings. Guards of inner switches come first: with those held, the outer
guards are smooth too, so ``t - 24*floor(t/24) < 2`` is a line in every period.

Of functions of the time and of inputs, crossings are moments that do not depend on the state; of functions of the
state, they are kinks and thresholds that a leap must not pass unseen.
"""

from collections.abc import Iterable
from typing import NamedTuple

from jaxsim.network.expression import Binary, Call, Compare, Expression, Name, Number, Unary, fold, names
from jaxsim.network.functions import RANDOM

_STEPS = ("floor", "ceil")
EXTREMES = {"max": ">=", "min": "<="}
_ZERO = Number(0.0)


class TimeSwitch(NamedTuple):
    """A branch that changes where a guard crosses a line."""

    name: str
    """By which expressions read the branch; no species can have it."""
    value: Expression
    """The branch where the guard is off the line."""
    guard: Expression
    """Zero at the crossings; it may read the names of switches before this one."""
    stepped: bool
    """Whether every whole number that the guard passes is a crossing, not zero alone."""


class Smooth(NamedTuple):
    """Expressions with the switches taken out."""

    expressions: tuple[Expression, ...]
    switches: tuple[TimeSwitch, ...]
    """Inner ones before those that read them."""


def smooth(expressions: Iterable[Expression], moving: frozenset[str], constant: frozenset[str]) -> Smooth:
    """Take out of expressions what jumps or bends with some names.

    Parameters
    ----------
    expressions
        Rates or parts of them.
    moving
        Names that guards follow: ``t`` and inputs for moments, species for thresholds.
    constant
        Other names that a guard may read; one that reads any further name stays where it is.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> found = smooth([parse("if(t >= b and A > 3, k, 0)")], frozenset("t"), frozenset("bk"))
    >>> to_string(found.expressions[0])
    'if(branch 0 and A > 3, k, 0)'
    >>> [to_string(switch.guard) for switch in found.switches]
    ['t - b']
    """
    switches: dict[tuple[Expression, Expression], TimeSwitch] = {}

    def switch(value: Expression, guard: Expression, stepped: bool = False) -> Expression:
        new = TimeSwitch(f"branch {len(switches)}", value, guard, stepped)
        return Name(switches.setdefault((value, guard), new).name)

    def follows(parts: Iterable[Expression]) -> bool:
        read: set[str] = set().union(*(names(part) for part in parts))
        inner = {one.name for one in switches.values()}
        return bool(read & (moving | inner)) and read <= moving | constant | inner

    def visit(node: Expression, children: list[Expression]) -> Expression:
        if not children:
            return node
        unchanged = all(new is old for new, old in zip(children, node.children, strict=True))
        new = node if unchanged else node.rebuild(tuple(children))
        if not follows(children) or (isinstance(new, Call) and new.function in RANDOM):
            return new
        match new:
            case Compare(_, left, right):
                return switch(new, Binary("-", left, right))
            case Call(function, (x,)) if function in _STEPS:
                return switch(new, x, stepped=True)
            case Call("abs", (x,)):
                return Call("if", (switch(Compare(">=", x, _ZERO), x), x, Unary("-", x)))
            case Call(function, (first, *rest)) if function in EXTREMES:
                for other in rest:
                    ahead = switch(Compare(EXTREMES[function], first, other), Binary("-", first, other))
                    first = Call("if", (ahead, first, other))
                return first
        return new

    return Smooth(tuple(fold(expression, visit) for expression in expressions), tuple(switches.values()))
