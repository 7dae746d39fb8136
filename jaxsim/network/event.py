"""Events: assignments that happen when a condition on the state or the time becomes true."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from jaxsim.errors import NetworkError
from jaxsim.network.expression import (
    Binary,
    Call,
    Compare,
    Expression,
    Logic,
    Name,
    Number,
    Unary,
    fold,
    names,
    to_string,
)
from jaxsim.network.parser import fold_constant
from jaxsim.network.reaction import as_expression, assignments

# When a condition that reads the time switches: comparisons that are linear in ``t`` solved for it.
#
# Between two changes of the state such a comparison turns true or false at one known moment, so a trigger
# made of them can be waited for exactly.


class Switch(NamedTuple):
    """The comparison ``slope*t + offset`` of `op` with zero."""

    op: str
    slope: Expression
    offset: Expression


class Timed(NamedTuple):
    """A condition with its comparisons of the time taken out."""

    condition: Expression
    """Reads :func:`switch_name` of each switch instead of the time."""
    switches: tuple[Switch, ...]


_Line = tuple[Expression, Expression]  # slope and offset
ZERO = Number(0.0)


def switch_name(index: int) -> str:
    """Return the name under which a condition reads switch `index`; no species can have it.

    Examples
    --------
    >>> switch_name(0)
    'switch 0'
    """
    return f"switch {index}"


def split_time(condition: Expression) -> Timed:
    """Take the comparisons that read the time out of a condition.

    Raises
    ------
    NetworkError
        If the time is read anywhere but in a comparison that is linear in it.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> split_time(parse("t >= 25 and A > 3"))
    Timed(condition=parse('switch 0 and A > 3'), switches=(Switch(op='>=', slope=parse('1'), offset=parse('-25')),))
    >>> split_time(parse("t == 25")).condition
    parse('switch 0 and switch 1')
    """
    switches: list[Switch] = []

    def visit(node: Expression, children: list[Expression]) -> Expression:
        unchanged = all(new is old for new, old in zip(children, node.children, strict=True))
        new = node if unchanged else node.rebuild(tuple(children))
        if not isinstance(new, Compare) or "t" not in names(new):
            return new
        line = linear_in_time(Binary("-", new.left, new.right))
        if line is None:
            raise NetworkError(_refusal(new))
        if new.op in ("==", "!="):
            equal = Logic("and", switched(">=", line), switched("<=", line))
            return equal if new.op == "==" else Unary("not", equal)
        return switched(new.op, line)

    def switched(op: str, line: _Line) -> Name:
        switches.append(Switch(op, *line))
        return Name(switch_name(len(switches) - 1))

    rest = fold(condition, visit)
    if "t" in names(rest):
        raise NetworkError(_refusal(condition))
    return Timed(rest, tuple(switches))


def linear_in_time(expression: Expression) -> _Line | None:
    """Return slope and offset of an expression that is linear in ``t``, or None if it is not.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> linear_in_time(parse("k*(t - start)/2"))
    (parse('k/2'), parse('k*-start/2'))
    >>> linear_in_time(parse("exp(t)")) is None
    True
    """

    def visit(node: Expression, below: list[_Line | None]) -> _Line | None:
        if "t" not in names(node):
            return ZERO, node
        match node, below:
            case Name(_), _:
                return Number(1.0), ZERO
            case Unary("-", _), [(a, b)]:
                return _negative(a), _negative(b)
            case Binary("+", _, _), [(a, b), (c, d)]:
                return _sum("+", a, c), _sum("+", b, d)
            case Binary("-", _, _), [(a, b), (c, d)]:
                return _sum("-", a, c), _sum("-", b, d)
            case Binary("*", left, _), [(a, b), (c, d)] if "t" not in names(left):
                return _product("*", b, c), _product("*", b, d)
            case Binary("*", _, right), [(a, b), (c, d)] if "t" not in names(right):
                return _product("*", a, d), _product("*", b, d)
            case Binary("/", _, right), [(a, b), (c, d)] if "t" not in names(right):
                return _product("/", a, d), _product("/", b, d)
            case Call("if", _), _:
                return None
        return None

    return fold(expression, visit)


def _refusal(condition: Expression) -> str:
    from jaxsim.network.expression import to_string

    return (
        f"the condition '{to_string(condition)}' reads the time t in a way whose moment of change is not known; "
        f"compare an expression that is linear in t with what the state gives"
    )


def _negative(a: Expression) -> Expression:
    return a if a == ZERO else _folded(Unary("-", a))


def _sum(op: str, a: Expression, b: Expression) -> Expression:
    if b == ZERO:
        return a
    if a == ZERO:
        return b if op == "+" else _negative(b)
    return _folded(Binary(op, a, b))


def _product(op: str, a: Expression, b: Expression) -> Expression:
    one = Number(1.0)
    if a == ZERO or b == one:
        return a
    if b == ZERO and op == "*":
        return ZERO
    return b if op == "*" and a == one else _folded(Binary(op, a, b))


def _folded(node: Expression) -> Expression:
    try:
        return fold_constant(node)
    except (ArithmeticError, ValueError):
        return node


@dataclass(frozen=True)
class Event:
    """An assignment that fires each time its trigger turns from false to true.

    Parameters
    ----------
    trigger
        A condition such as ``"A > 100"`` or ``"t >= 25 and A > 3"``. It may compare expressions that are linear
        in the time ``t``; the moment at which they switch is then met exactly. It is looked at there, where
        ``t >= 25`` and ``t == 25`` turn true, and just after, where ``t > 25`` does; what it does just after a
        moment belongs to the state at that moment. Doses at the same moment come first.
    set
        What each species or variable becomes, computed from the state just before: ``{"A": "A/2"}``. Counts are
        rounded down.
    name
        Optional label.
    priority
        Of events that fire together the one with the higher priority acts first; of equal ones, the first in the
        list.
    persistent
        Whether an event that has triggered acts even if another one, acting first, makes its trigger false again,
        and as many times as it has been triggered till then.
    at_start
        Whether it fires at the start if its trigger holds there. A trigger that turns true just after the start,
        such as ``t > 0``, fires in any case.
    once
        Whether a persistent event that has been triggered several times till then acts once all the same. So does one
        whose values are those at its trigger and that reads what it sets, since it would set the same each time.

    Raises
    ------
    NetworkError
        If it sets nothing, or the trigger reads ``t`` in a way whose moment of change is not known.

    Examples
    --------
    >>> print(Event("A >= 100", set={"A": "floor(A/2)"}, name="division"))
    division: when A >= 100 set A := floor(A/2)
    """

    trigger: Any
    set: Any
    name: str = ""
    priority: int = 0
    persistent: bool = False
    at_start: bool = False
    once: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "trigger", as_expression(self.trigger))
        object.__setattr__(self, "set", assignments(self.set))
        try:
            self.timed  # noqa: B018
        except NetworkError as error:
            raise NetworkError(f"event '{self}': {error}") from error
        if not self.set:
            raise NetworkError(f"event '{self}' sets nothing; give set={{species: expression}}")

    @cached_property
    def timed(self) -> Timed:
        """The trigger with its comparisons of the time taken out."""
        return split_time(self.trigger)

    @property
    def reads_what_it_sets(self) -> bool:
        """Whether acting again would set something else."""
        return any(names(value) & {target for target, _ in self.set} for _, value in self.set)

    def __str__(self) -> str:
        label = f"{self.name}: " if self.name else ""
        sets = ", ".join(f"{species} := {to_string(value)}" for species, value in self.set)
        return f"{label}when {to_string(self.trigger)} set {sets}"
