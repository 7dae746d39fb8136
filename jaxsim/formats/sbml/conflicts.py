"""Events that could happen at the same moment in an order that the model leaves open, and where the order matters."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from jaxsim.errors import NetworkError
from jaxsim.formats.constant_value import constant_value
from jaxsim.formats.sbml.draft import Draft
from jaxsim.formats.sbml.events import Planned
from jaxsim.formats.sbml.quantities import Role
from jaxsim.network import Compare, Expression, Logic, Number, names, substitute
from jaxsim.network.switching import split_time


def refuse_conflicts(draft: Draft, planned: list[Planned], observables: Mapping[str, Expression]) -> None:
    """Note every pair of events whose result would depend on an order that is not given."""
    for first, second in combinations([_written_out(event, observables) for event in planned], 2):
        for one, other in ((first, second), (second, first)):
            why = _interference(one, other)
            if why and not _apart(draft, one, other):
                line = int(other.element.getLine())
                draft.problems.add(other.place, f"{why}; give them different triggers or priorities", line)
                break


def _written_out(event: Planned, observables: Mapping[str, Expression]) -> Planned:
    """Return an event that reads what it really depends on: what rules determine, by what they are made of."""
    sets = {name: substitute(value, observables) for name, value in event.set.items()}
    return replace(event, trigger=substitute(event.trigger, observables), set=sets)


def _interference(one: Planned, other: Planned) -> str:
    """Return how `one` acting first would change `other`, where that is not fixed by priorities."""
    name = one.place
    read = frozenset().union(*(names(value) for value in other.set.values()))
    changed = frozenset(one.set)
    if other.frozen and changed & read and one.priority >= other.priority:
        return f"uses the values at its trigger, of which {name} may change '{min(changed & read)}' at the same moment"
    if one.priority != other.priority:
        return ""
    if changed & read:
        return f"reads '{min(changed & read)}', which {name} may set at the same moment, with equal priority"
    both = {target for target in changed & frozenset(other.set) if one.set[target] != other.set[target]}
    if both:
        return f"sets '{min(both)}', which {name} may set at the same moment, with equal priority"
    if not other.persistent and changed & names(other.trigger):
        return f"may lose its trigger to {name} at the same moment, with equal priority"
    return ""


def _apart(draft: Draft, one: Planned, other: Planned) -> bool:
    """Return whether the two surely never trigger at the same moment."""
    first, second = one.trigger, other.trigger
    timed = ["t" in names(trigger) for trigger in (first, second)]
    if timed[0] != timed[1]:
        return True  # the state changes at moments that no clock shows, with probability one
    if timed[0]:
        moments = [_moments(draft, trigger) for trigger in (first, second)]
        return moments[0] is not None and moments[1] is not None and not moments[0] & moments[1]
    return _exclusive(first, second)


def _moments(draft: Draft, trigger: Expression) -> set[float] | None:
    """Return the times at which a trigger of the time alone may switch, None if they depend on the state."""
    values = {
        quantity.name: quantity.value
        for quantity in draft.quantities.values()
        if quantity.role is Role.CONSTANT and quantity.value is not None and not quantity.drawn
    }
    try:
        timed = split_time(trigger)
        pairs = [(constant_value(s.slope, values), constant_value(s.offset, values)) for s in timed.switches]
    except (NetworkError, KeyError, ArithmeticError, ValueError):
        return None
    return {-offset / slope for slope, offset in pairs if slope}


def _exclusive(first: Expression, second: Expression) -> bool:
    """Return whether two conditions bound one expression from different sides, so that only one can hold."""
    for low, high in ((first, second), (second, first)):
        below, above = _limits(low, ("<", "<=")), _limits(high, (">", ">="))
        for expression, limit in below.items():
            if expression in above and limit < above[expression]:
                return True
            if expression in above and limit == above[expression] and _strict(low, high):
                return True
    return False


def _limits(condition: Expression, ops: tuple[str, ...]) -> dict[Expression, float]:
    """Return the constant limits that a conjunction sets to expressions by these comparisons."""
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
    found: dict[Expression, float] = {}
    stack = [condition]
    while stack:
        match stack.pop():
            case Logic("and", left, right):
                stack += [left, right]
            case Compare(op, left, Number(value)) if op in ops:
                found[left] = value
            case Compare(op, Number(value), right) if mirrored.get(op) in ops:
                found[right] = value
    return found


def _strict(low: Expression, high: Expression) -> bool:
    return any(isinstance(side, Compare) and side.op in ("<", ">") for side in (low, high))
