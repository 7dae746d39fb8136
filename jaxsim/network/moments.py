"""Where functions of time jump or bend: expressions written as smooth ones beside switches.

A comparison, ``floor``, ``abs``, ``min`` or ``max`` of the time and of inputs changes its branch at moments that do not
depend on the state. Each becomes a switch: a name for the branch, constant between two moments, and a smooth guard
that passes through zero (a whole number, for ``floor`` and ``ceil``) at the moments. Guards of inner switches come
first: with those held, the outer guards are smooth too, so ``t - 24*floor(t/24) < 2`` is a line in every period.
"""

from collections.abc import Iterable
from typing import NamedTuple

from jaxsim.network.expression import Binary, Call, Compare, Expression, Name, Number, Unary, fold, names
from jaxsim.network.randomness import RANDOM

STEPS = ("floor", "ceil")
EXTREMES = {"max": ">=", "min": "<="}
ZERO = Number(0.0)


class TimeSwitch(NamedTuple):
    """A branch that changes with the time."""

    name: str
    """By which expressions read the branch; no species can have it."""
    value: Expression
    """The branch where the time is inside a stretch between two moments."""
    guard: Expression
    """Zero at the moments; it reads the time, inputs, parameters and names of switches before this one."""
    stepped: bool
    """Whether every whole number that the guard passes is a moment, not zero alone."""


class SmoothInTime(NamedTuple):
    """Expressions with the switches taken out."""

    expressions: tuple[Expression, ...]
    switches: tuple[TimeSwitch, ...]
    """Inner ones before those that read them."""


def smooth_in_time(
    expressions: Iterable[Expression], time: frozenset[str], constant: frozenset[str]
) -> SmoothInTime:
    """Take out of expressions what jumps or bends with the time.

    Parameters
    ----------
    expressions
        Rates or parts of them.
    time
        Names that change with the time alone: ``t`` and inputs.
    constant
        Other names that a guard may read: parameters.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> found = smooth_in_time([parse("if(t >= b and A > 3, k, 0)")], frozenset("t"), frozenset("bk"))
    >>> to_string(found.expressions[0])
    'if(switch in time 0 and A > 3, k, 0)'
    >>> [to_string(switch.guard) for switch in found.switches]
    ['t - b']
    """
    switches: dict[tuple[Expression, Expression], TimeSwitch] = {}

    def switch(value: Expression, guard: Expression, stepped: bool = False) -> Expression:
        new = TimeSwitch(f"switch in time {len(switches)}", value, guard, stepped)
        return Name(switches.setdefault((value, guard), new).name)

    def follows_time(parts: Iterable[Expression]) -> bool:
        read: set[str] = set().union(*(names(part) for part in parts))
        inner = {one.name for one in switches.values()}
        return bool(read & (time | inner)) and read <= time | constant | inner

    def visit(node: Expression, children: list[Expression]) -> Expression:
        if not children:
            return node
        unchanged = all(new is old for new, old in zip(children, node.children, strict=True))
        new = node if unchanged else node.rebuild(tuple(children))
        if not follows_time(children) or (isinstance(new, Call) and new.function in RANDOM):
            return new
        match new:
            case Compare(_, left, right):
                return switch(new, Binary("-", left, right))
            case Call(function, (x,)) if function in STEPS:
                return switch(new, x, stepped=True)
            case Call("abs", (x,)):
                return Call("if", (switch(Compare(">=", x, ZERO), x), x, Unary("-", x)))
            case Call(function, (first, *rest)) if function in EXTREMES:
                for other in rest:
                    ahead = switch(Compare(EXTREMES[function], first, other), Binary("-", first, other))
                    first = Call("if", (ahead, first, other))
                return first
        return new

    smooth = tuple(fold(expression, visit) for expression in expressions)
    return SmoothInTime(smooth, tuple(switches.values()))
