"""Objectives: weighted sums of terms, each a functional of one trajectory and a summary over trajectories."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Bool, Float64

from jaxsim.dosing import Schedule, Set
from jaxsim.ensemble.request import refuse_unresolved
from jaxsim.errors import SimulationError, closest
from jaxsim.gradient.functionals import Functional
from jaxsim.gradient.summaries import MEAN, Summary
from jaxsim.network import Call, Compare, Expression, Logic, Name, Network, Unary, names, parse, substitute, to_string
from jaxsim.network.expression import fold

# A limit on an objective: what a constrained optimisation must not exceed or fall short of.


@dataclass(frozen=True)
class Limit:
    """Hold an objective to one side of a bound; made by comparing an objective with a number.

    A mean makes an expectation constraint, :func:`jaxsim.cvar` one on the worst part of the trajectories, and
    :func:`jaxsim.probability` a chance constraint.

    Examples
    --------
    >>> import jaxsim as js
    >>> print(js.probability("neutrophils < 500", during=(0, 504)) <= 0.1)
    mean of the maximum of neutrophils < 500 from 0 to 504 <= 0.1
    """

    objective: "Objective"
    bound: float
    upper: bool
    """Whether the bound is the most that is allowed, and not the least."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.bound):
            raise SimulationError(f"'{self.objective}' cannot be held to {self.bound}; give a finite number")

    @property
    def excess(self) -> "Objective":
        """What must not be above :attr:`most`."""
        return self.objective if self.upper else -self.objective

    @property
    def most(self) -> float:
        """The most that :attr:`excess` may be."""
        return self.bound if self.upper else -self.bound

    def __str__(self) -> str:
        return f"{self.objective} {'<=' if self.upper else '>='} {self.bound:g}"


_STEPS = ("floor", "ceil")  # functions whose derivative misses the jumps


@dataclass(frozen=True)
class Term:
    """One number per trajectory, F, and how it is summarised over trajectories."""

    signal: Expression
    """Of species and observables; a condition counts as 0 or 1."""
    functional: Functional
    """What is read off a trajectory: the signal at `end`, its integral, minimum or maximum from `start` to `end`."""
    start: float | None
    """None for the start of the simulation."""
    end: float | None
    """None for the end of the simulation."""
    summary: Summary = MEAN
    """What is said of the numbers of all trajectories."""
    weight: float = 1.0

    @property
    def span(self) -> tuple[float, float]:
        """The times from which and up to which it looks, once they are known."""
        if self.start is None or self.end is None:
            raise TypeError("the times of this term are open; `settled` fills them in")
        return self.start, self.end

    @property
    def credited(self) -> bool:
        """Whether what each moment gives is credited to the events before it alone: of the mean of a sum over time."""
        return self.functional.additive and self.summary == MEAN

    @property
    def discontinuous(self) -> bool:
        """Whether F jumps while the state moves smoothly, so that no pathwise derivative exists."""
        return has_jumps(self.signal)


@dataclass(frozen=True)
class Objective:
    """Collect terms whose weighted sum is to be differentiated; add, subtract and scale objectives freely.

    Made by :func:`jaxsim.mean`, :func:`jaxsim.probability` and their sisters. Compared with a number it is a limit.

    Examples
    --------
    >>> from jaxsim.gradient import auc, mean
    >>> print(mean("T", at=10.0) - 0.5 * auc("drug", during=(0.0, 10.0)))
    mean of T at 10 - 0.5 * mean of the integral of drug from 0 to 10
    """

    terms: tuple[Term, ...]

    def __add__(self, other: "Objective") -> "Objective":
        if not isinstance(other, Objective):
            return NotImplemented
        return Objective(self.terms + other.terms)

    def __mul__(self, factor: Any) -> "Objective":
        if not np.isfinite(factor):
            raise SimulationError(f"an objective cannot be weighted by {factor}; give a finite number")
        return Objective(tuple(replace(term, weight=term.weight * float(factor)) for term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> "Objective":
        return self * -1.0

    def __sub__(self, other: "Objective") -> "Objective":
        return self + -other

    def __le__(self, bound: Any) -> Limit:
        return Limit(self, float(bound), upper=True)

    def __ge__(self, bound: Any) -> Limit:
        return Limit(self, float(bound), upper=False)

    def __str__(self) -> str:
        text = ""
        for term in self.terms:
            size = abs(term.weight)
            sign = "-" if term.weight < 0 else "+"
            joint = f" {sign} " if text else ("-" if sign == "-" else "")
            text += joint + ("" if size == 1.0 else f"{size:g} * ") + described(term)
        return text or "nothing"

    @property
    def discontinuous(self) -> bool:
        """Whether some term jumps while the state moves smoothly."""
        return any(term.discontinuous for term in self.terms)


def described(term: Term) -> str:
    """Return a term in words, without its weight."""
    signal = to_string(term.signal)
    when = "at the end" if term.end is None else f"at {term.end:g}"
    span = f"from {'the start' if term.start is None else f'{term.start:g}'} to " + (
        "the end" if term.end is None else f"{term.end:g}"
    )
    true = isinstance(term.signal, Compare | Logic) and term.functional.instant
    return term.summary.text(term.functional.text(signal, when, span), true)


def has_jumps(expression: Expression) -> bool:
    """Return whether the value jumps where its variables move smoothly.

    Examples
    --------
    >>> has_jumps(parse("X > 3")), has_jumps(parse("max(X, 3)"))
    (True, False)
    """

    def visit(node: Expression, below: list[bool]) -> bool:
        if isinstance(node, Compare | Logic) or (isinstance(node, Unary) and node.op == "not"):
            return True
        if isinstance(node, Call) and node.function in _STEPS:
            return True
        return any(below)

    return fold(expression, visit)


def settled(objective: Objective | str, network: Network, start: float, end: float | None) -> tuple[Objective, float]:
    """Return the objective for one network, all times filled in and observables written out, and its last time.

    Raises
    ------
    SimulationError
        For an unknown name, a time before the start or after the end, or no end at all.
    """
    if not isinstance(objective, Objective):
        raise SimulationError(f"the objective is {objective!r}; make one with js.mean, js.probability or their sisters")
    if not objective.terms:
        raise SimulationError("the objective has no terms; add at least one")
    known = [term.end for term in objective.terms if term.end is not None]
    last = max(known) if end is None and known else end
    if last is None:
        raise SimulationError("the objective names no time; give its term at= or during=, or give end=")
    terms = tuple(_settled(term, network, start, float(last)) for term in objective.terms)
    return Objective(terms), float(last)


def _settled(term: Term, network: Network, start: float, end: float) -> Term:
    observables = dict(network.structure.observables)
    signal = substitute(term.signal, observables)
    species = network.structure.species
    for name in sorted(names(term.signal) - set(network.structure.parameters)):
        if name not in species and name not in observables:
            raise SimulationError(
                f"the objective '{described(term)}' reads '{name}', which is neither a species nor an observable "
                f"of the network{closest(name, (*species, *observables))}"
            )
    for name in sorted(names(signal) - set(species) - set(network.structure.parameters)):
        raise SimulationError(
            f"the objective '{described(term)}' reads '{name}' through an observable; use one of the state alone"
        )
    begin = start if term.start is None else term.start
    finish = end if term.end is None else term.end
    if not (start <= begin <= finish <= end) or (begin == finish and not term.functional.instant):
        raise SimulationError(
            f"the objective '{described(term)}' does not lie within the simulated time from {start:g} to {end:g}; "
            f"change its times, start= or end="
        )
    return replace(term, signal=signal, start=begin, end=finish)


def is_condition(expression: Expression) -> bool:
    """Return whether an expression is true or false.

    Examples
    --------
    >>> is_condition(parse("X > 3")), is_condition(parse("X + 3"))
    (True, False)
    """
    return isinstance(expression, Compare | Logic) or (isinstance(expression, Unary) and expression.op == "not")


def as_signal(text: str | Expression, condition: bool | None = None) -> Expression:
    """Parse a signal; refuse a condition where a number is needed, and the reverse."""
    expression = parse(text) if isinstance(text, str) else text
    if condition is True and not is_condition(expression):
        raise SimulationError(f"'{text}' is not a condition; write one such as '{text} == 0'")
    if condition is False and is_condition(expression):
        raise SimulationError(f"'{text}' is a condition, not a number; use js.probability for its probability")
    return Name(expression.id) if isinstance(expression, Name) else expression


# The leap grid: equal steps between the moments at which something is looked at or given to a species.

_USUAL_STEPS = 512
MOST_STEPS = 1 << 20


class LeapGrid(NamedTuple):
    """n steps from n + 1 edges."""

    edges: Float64[Any, " edges"]
    pinned: Bool[Any, " edges"] | None = None
    """Those at which something is looked at or given, or the span begins or ends; the latter alone where None."""

    @property
    def steps(self) -> int:
        """How many."""
        return self.edges.size - 1

    @property
    def widths(self) -> np.ndarray:
        """Their lengths [n]."""
        return np.diff(self.edges)


def leap_grid(
    objective: Objective, schedule: Schedule, species: Iterable[str], span: tuple[Any, ...], step: float | None
) -> LeapGrid:
    """Return the grid from start to end whose steps are at most `step`, 1/512 of the span if not given.

    Steps end at the times of the objective and at the doses of species. Doses of inputs need not: exposure is averaged.

    Examples
    --------
    >>> from jaxsim.gradient import mean
    >>> leap_grid(mean("A", at=1.0), Schedule(), ("A",), (0.0, 2.0), 0.6).edges.tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    start, end = span
    if not start < end:
        raise SimulationError(f"there is nothing to differentiate from {start:g} to {end:g}; end after the start")
    if step is not None and not 0 < step < np.inf:
        raise SimulationError(f"step is {step}; give a positive length of time")
    longest = (end - start) / _USUAL_STEPS if step is None else float(step)
    if (end - start) / longest > MOST_STEPS:
        raise SimulationError(f"step is {step}, which makes {(end - start) / longest:.2g} steps; give a longer one")
    refuse_unresolved(longest, start, end)
    stops = {start, end}
    for term in objective.terms:
        stops |= {time for time in (term.start, term.end) if time is not None}
    given = set(species)
    for agent, entries in schedule.items():
        if agent in given:
            stops |= {float(time) for entry in entries for time in entry.starts(np)}
    marks = np.array(sorted(time for time in stops if start <= time <= end))
    parts = [np.array([start])]
    for left, right in pairwise(marks):
        count = max(1, int(np.ceil((right - left) / longest * (1.0 - 1e-9))))
        parts.append(left + (right - left) * np.arange(1, count + 1) / count)
        parts[-1][-1] = right
    edges = np.concatenate(parts)
    return LeapGrid(edges, np.isin(edges, marks))


def cut(grid: LeapGrid, parts: ArrayLike) -> LeapGrid:
    """Return the grid with every step cut in so many equal parts, a number for all or one for each step.

    Examples
    --------
    >>> cut(LeapGrid(np.array([0.0, 1.0, 3.0])), np.array([1, 2])).edges.tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    parts = np.broadcast_to(parts, (grid.steps,))
    share = np.concatenate([np.arange(1, k + 1) / k for k in parts])
    left, right = (np.repeat(edges, parts) for edges in (grid.edges[:-1], grid.edges[1:]))
    edges = np.concatenate([grid.edges[:1], np.where(share == 1.0, right, left + (right - left) * share)])
    return LeapGrid(edges, None if grid.pinned is None else np.isin(edges, grid.edges[grid.pinned]))


class Looks(NamedTuple):
    """When each of J terms looks at the state."""

    at: Any
    """bool [n + 1, J]: at which edge a term takes its value."""
    weight: Any
    """float32 [n, J]: the part of each step that an integral takes."""
    within: Any
    """bool [n + 1, J]: at which edges an extremum looks."""


def looks(terms: tuple[Term, ...], grid: LeapGrid) -> Looks:
    """Return when each term looks at the state."""
    columns = [term.functional.looks(*term.span, grid.edges) for term in terms]
    at, weight, within = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
    return Looks(at, weight, within)


def species_changes(schedule: Schedule, species: tuple[str, ...], grid: LeapGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return multiply and add, float64 [n + 1, S]: what is given to species at each edge, in the order listed."""
    multiply, add = np.ones((grid.edges.size, len(species))), np.zeros((grid.edges.size, len(species)))
    for agent, entries in schedule.items():
        if agent not in species:
            continue
        s = species.index(agent)
        for entry in entries:
            for time, amount in zip(entry.starts(np), entry.amounts(np), strict=True):
                if not grid.edges[0] <= time <= grid.edges[-1]:
                    continue
                edge = int(np.argmin(np.abs(grid.edges - time)))
                if isinstance(entry, Set):
                    multiply[edge, s], add[edge, s] = 0.0, 0.0
                add[edge, s] += amount
    return multiply, add
