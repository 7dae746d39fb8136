"""Events: triggers, assignments to species and variables, and the order of those that could happen at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from jaxsim.errors import NetworkError
from jaxsim.formats.names import constant_value, is_whole, start_refusal, whole_start
from jaxsim.formats.reading import Refused
from jaxsim.formats.sbml.draft import Draft, Quantity, Role, amount_of
from jaxsim.formats.sbml.rules import origin_name, slope
from jaxsim.network import Binary, Compare, Event, Expression, Logic, Name, Number, names, substitute
from jaxsim.network.event import split_time

DRAWN_AT_START = 1 << 20  # priority; far above what ranks of priorities reach


@dataclass
class Planned:
    """An event of the file with its place."""

    element: Any
    trigger: Expression
    set: dict[str, Expression]
    priority: float
    persistent: bool
    at_start: bool
    frozen: bool
    """Whether its assignments use the values at the time of its trigger."""

    @property
    def place(self) -> str:
        """For sentences about it."""
        return f"event '{self.element.getId()}'" if self.element.getId() else "an event"


def read_events(draft: Draft) -> list[Planned]:
    """Translate all events."""
    planned = []
    for i in range(draft.model.getNumEvents()):
        try:
            planned.append(_event(draft, draft.model.getEvent(i)))
        except Refused:
            continue
    return planned


def _event(draft: Draft, element: Any) -> Planned:
    place = f"event '{element.getId()}'" if element.getId() else "an event"
    refuse = draft.refusal(place, element)
    trigger = element.getTrigger()
    if trigger is None or trigger.getMath() is None:
        raise refuse("has no trigger")
    if element.isSetDelay():
        raise Refused(place)  # noted with all that is not supported
    level3 = draft.model.getLevel() >= 3
    condition = draft.translate(trigger.getMath(), place, trigger)
    sets: dict[str, Expression] = {}
    for j in range(element.getNumEventAssignments()):
        name, value = _assignment(draft, element.getEventAssignment(j), place)
        sets[name] = value
    if not sets:
        raise refuse("sets nothing")
    return Planned(
        element,
        condition,
        sets,
        _priority(draft, element, place),
        bool(trigger.getPersistent()) if level3 else True,
        level3 and not trigger.getInitialValue(),
        bool(element.getUseValuesFromTriggerTime()),
    )


def _priority(draft: Draft, element: Any, place: str) -> float:
    if not element.isSetPriority():
        return float("-inf")
    node = element.getPriority()
    constants = {q.name: q.value for q in draft.quantities.values() if q.role is Role.CONSTANT and q.value is not None}
    try:
        return constant_value(draft.translate(node.getMath(), place, node), constants)
    except (KeyError, ArithmeticError, ValueError) as error:
        raise draft.refusal(place, node)("has a priority that is not constant; give a number") from error


def _assignment(draft: Draft, element: Any, place: str) -> tuple[str, Expression]:
    quantity = draft.quantities.get(element.getVariable())
    value = draft.translate(element.getMath(), place, element)
    if quantity is None or quantity.role is Role.RULE:
        raise Refused(place)  # noted when roles were assigned
    refuse = draft.refusal(place, element)
    if quantity.per_volume:
        assert quantity.compartment is not None
        value = amount_of(quantity, value, draft.volume(quantity.compartment, refuse))
    return target(draft, quantity, value)


def target(draft: Draft, quantity: Quantity, value: Expression) -> tuple[str, Expression]:
    """Return what is set, and to what, so that the quantity takes a value: of a clock its origin."""
    if quantity.role is not Role.CLOCK:
        return quantity.name, value
    moved = Binary("-", value, Binary("*", slope(draft, quantity), Name("t")))
    return origin_name(draft, quantity), moved


def settle_counts(draft: Draft, sets: list[tuple[str, Expression, str, Any]]) -> None:
    """Make variables of the species that are not surely whole; refuse where reactions change them.

    `sets` holds name, value, place and element of every assignment.
    """
    by_name = {quantity.name: quantity for quantity in draft.quantities.values()}
    while True:
        whole = {q.name for q in by_name.values() if _is_whole_quantity(q)} | {
            name for name, value in draft.extra_parameters.items() if value.is_integer()
        }
        broken = [
            (by_name[name], place, element)
            for name, value, place, element in sets
            if name in by_name and by_name[name].role is Role.COUNT and not (draft.real or is_whole(value, whole))
        ]
        broken += [
            (q, q.place, q.element) for q in by_name.values() if q.role is Role.COUNT and not _starts_whole(draft, q)
        ]
        if not broken:
            return
        for quantity, place, element in broken:
            if quantity.role is not Role.COUNT:
                continue
            quantity.role = Role.VARIABLE
            if quantity.moved:
                _refuse_fraction(draft, quantity, place, element)


def _refuse_fraction(draft: Draft, quantity: Quantity, place: str, element: Any) -> None:
    if element is quantity.element and quantity.value is None:
        return  # noted with all that has no value
    if element is quantity.element:
        why = start_refusal(float(quantity.value or 0.0))
    else:
        why = f"sets '{quantity.id}', which reactions change, to what may not be a whole number; use floor or ceil"
    draft.problems.add(place, why, int(element.getLine()))


def _is_whole_quantity(quantity: Quantity) -> bool:
    if quantity.role is Role.COUNT:
        return True
    return quantity.role is Role.CONSTANT and quantity.value is not None and float(quantity.value).is_integer()


def _starts_whole(draft: Draft, quantity: Quantity) -> bool:
    if quantity.drawn and quantity.value is None:
        return True
    if quantity.value is None:
        return False
    if draft.real and quantity.value >= 0:
        return True
    count = whole_start(quantity.value, draft.rounded and quantity.moved)
    if count is None:
        return False
    if draft.rounded and abs(count - quantity.value) > 1e-9 * max(1, count):
        draft.notes.append(f"{quantity.place} starts at {quantity.value:g} and is rounded to {count}")
    quantity.value = float(count)
    return True


def build_events(draft: Draft, planned: list[Planned]) -> None:
    """Add the events to the draft, their priorities as ranks."""
    ranks = {value: rank for rank, value in enumerate(sorted({event.priority for event in planned}))}
    for event in planned:
        try:
            built = Event(
                event.trigger,
                event.set,
                draft.identifiers.name(event.element.getId() or "event"),
                ranks[event.priority],
                event.persistent,
                event.at_start,
            )
            # Values at the trigger that no other event may change are the same each time that the event acts.
            draft.events.append(replace(built, once=built.persistent and event.frozen and built.reads_what_it_sets))
        except NetworkError as error:
            draft.problems.add(event.place, str(error), int(event.element.getLine()))


def draw_at_start(draft: Draft, drawn: list[str]) -> list[tuple[str, Expression, str, Any]]:
    """Add an event at the start for every quantity that is drawn; return what they set."""
    sets: list[tuple[str, Expression, str, Any]] = []
    for position, identifier in enumerate(drawn):
        quantity = draft.quantities[identifier]
        try:
            name, value = target(draft, quantity, draft.initial[identifier])
        except Refused:
            continue
        event = Event(
            "1 > 0",
            {name: value},
            draft.identifiers.name(f"draw_{quantity.name}"),
            DRAWN_AT_START - position,
            persistent=True,
            at_start=True,
        )
        draft.events.append(event)
        sets.append((name, value, f"initial assignment of '{identifier}'", quantity.element))
    return sets


# Events that could happen at the same moment in an order that the model leaves open, and where the order matters.


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
