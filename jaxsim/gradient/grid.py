"""The leap grid: equal steps between the moments at which something is looked at or given to a species."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from jaxsim.dosing import Schedule, Set
from jaxsim.ensemble.grid import refuse_unresolved
from jaxsim.errors import SimulationError
from jaxsim.gradient.objective import Objective, Term

USUAL_STEPS = 512
MOST_STEPS = 1 << 20


class Grid(NamedTuple):
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


def leap_grid(objective: Objective, schedule: Schedule, species: Iterable[str], span: Any, step: Any) -> Grid:
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
    longest = (end - start) / USUAL_STEPS if step is None else float(step)
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
    return Grid(edges, np.isin(edges, marks))


def cut(grid: Grid, parts: Any) -> Grid:
    """Return the grid with every step cut in so many equal parts, a number for all or one for each step.

    Examples
    --------
    >>> cut(Grid(np.array([0.0, 1.0, 3.0])), np.array([1, 2])).edges.tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    parts = np.broadcast_to(parts, (grid.steps,))
    share = np.concatenate([np.arange(1, k + 1) / k for k in parts])
    left, right = (np.repeat(edges, parts) for edges in (grid.edges[:-1], grid.edges[1:]))
    edges = np.concatenate([grid.edges[:1], np.where(share == 1.0, right, left + (right - left) * share)])
    return Grid(edges, None if grid.pinned is None else np.isin(edges, grid.edges[grid.pinned]))


class Looks(NamedTuple):
    """When each of J terms looks at the state."""

    at: Any
    """bool [n + 1, J]: at which edge a term takes its value."""
    weight: Any
    """float32 [n, J]: the part of each step that an integral takes."""
    within: Any
    """bool [n + 1, J]: at which edges an extremum looks."""


def looks(terms: tuple[Term, ...], grid: Grid) -> Looks:
    """Return when each term looks at the state."""
    edges, count = grid.edges, len(terms)
    at, within = np.zeros((edges.size, count), bool), np.zeros((edges.size, count), bool)
    weight = np.zeros((grid.steps, count), np.float32)
    for j, term in enumerate(terms):
        assert term.start is not None and term.end is not None
        if term.kind == "at":
            at[np.argmin(np.abs(edges - term.end)), j] = True
        elif term.kind == "integral":
            inside = (edges[:-1] >= term.start) & (edges[1:] <= term.end)
            weight[:, j] = np.where(inside, grid.widths, 0.0)
        else:
            within[:, j] = (edges >= term.start) & (edges <= term.end)
    return Looks(at, weight, within)


def species_changes(schedule: Schedule, species: tuple[str, ...], grid: Grid) -> tuple[np.ndarray, np.ndarray]:
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
