"""Estimate what discretisation adds to a gradient: the bias of leaping, and the truncation of differences.

A standard error says nothing of either: where control variates leave no noise it is 1e-6 beside a bias of per cents. So
the same objective is followed without noise, in the linear-noise approximation, on the grid and on one four times as
fine; their difference, extrapolated to leaps of no length (the bias is of first order: Gillespie, J. Chem. Phys. 115
(2001) 1716; Anderson, Ganguly & Kurtz, Ann. Appl. Probab. 21 (2011) 2226), is the bias of leaping. What a difference
over its whole step says instead of the derivative, on the same grid, is its truncation. Exact scores read drug curves
as means over pieces of the span, which tells where a dose has only part of a piece left before the objective looks.
All count in the errors.
"""

from typing import NamedTuple

import jax
import numpy as np

from jaxsim.gradient.estimators import Estimator
from jaxsim.gradient.exact.drive import PIECES, exact_tables
from jaxsim.gradient.leap.linear_noise import reads_spread, value_and_slope
from jaxsim.gradient.objective import LeapGrid, cut
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.stencils import Stencil, stencils
from jaxsim.gradient.tables import Slopes, Tables, build_tables, chained, table_values

FINER = 4  # times as many steps
MOST_FINER = 1 << 16  # steps of the finer grid; beyond, twice as many
CLOSE = 4  # pieces between a dose and a look, within which the mean over a piece is not enough
_PARTS = 16  # into which such pieces are cut


class Discretisation(NamedTuple):
    """By how much discretisation moves a gradient, in expectation."""

    value: float
    """Of the objective itself."""
    gradient: np.ndarray
    """float64 [P]."""
    words: str
    """What was estimated; empty where there is nothing to estimate."""


def leaping(problem: Problem) -> float:
    """Return what leaps add to the objective itself, at the schedule of a problem; 0 where that is not finite."""
    times = _times(problem)
    found = []
    for grid in (problem.grid, cut(problem.grid, times)):
        tables = table_values(problem.network, problem.schedule, grid.edges, problem.shifts, grid.pinned)
        found.append(_smooth(problem, grid, tables)[0])
    added = (found[0] - found[1]) * times / (times - 1.0)
    return added if np.isfinite(added) else 0.0


def _times(problem: Problem) -> int:
    return FINER if FINER * problem.grid.steps <= MOST_FINER else 2


def discretisation(problem: Problem, method: Estimator) -> Discretisation:
    """Return what the leaps and the differences of a method add."""
    value, moved, said = 0.0, np.zeros(problem.size), []
    if not method.noisy:
        return Discretisation(value, moved, "")
    averaged = Discretisation(value, moved, "") if method.leaps else _averaging(problem)
    if not (method.leaps or method.differs):
        return averaged
    base, slope = _smooth(problem, problem.grid, problem.tables, problem.slopes)
    if method.leaps:
        times = _times(problem)
        grid = cut(problem.grid, times)
        tables, slopes = build_tables(problem.free, problem.network, grid.edges, problem.shifts, grid.pinned)
        fine, fine_slope = _smooth(problem, grid, tables, slopes)
        whole = times / (times - 1.0)
        value, moved = (base - fine) * whole, (slope - fine_slope) * whole
        said.append("leaping")
    if method.differs:
        found = np.array([_quotient(problem, p, stencil) for p, stencil in enumerate(stencils(problem))])
        moved = moved + (found - slope)
        said.append("the steps of the differences")
    if not (np.isfinite(value) and np.all(np.isfinite(moved))):
        return Discretisation(0.0, np.zeros(problem.size), "not estimated, as the rate equations have no finite slope")
    shown = ", ".join(f"{part:.2g}" for part in moved)
    words = f"of {' and '.join(said)} about {shown} (linear-noise approximation), counted in the errors"
    both = np.hypot(moved, averaged.gradient) if averaged.words else moved
    return Discretisation(value + averaged.value, both, "; ".join(part for part in (words, averaged.words) if part))


def _averaging(problem: Problem) -> Discretisation:
    """Return what the means over pieces add to exact paths: the pieces beside looks that hold a dose, cut finer."""
    nothing = Discretisation(0.0, np.zeros(problem.size), "")
    grid, width = problem.grid, float(problem.grid.edges[-1] - problem.grid.edges[0]) / PIECES
    looked = grid.edges[[0, -1]] if grid.pinned is None else grid.edges[grid.pinned]
    marks = problem.slopes.marks
    marks = marks[np.min(np.abs(marks[:, None] - looked[None, 1:]), axis=1, initial=np.inf) < CLOSE * width]
    if not marks.size:
        return nothing
    read = exact_tables(problem)
    within = np.searchsorted(read.edges, marks, side="right") - 1
    apart = np.abs(np.arange(PIECES)[:, None] - within[None, :]).min(axis=1)
    parts = np.where(apart <= CLOSE, _PARTS, 1)
    finer = cut(LeapGrid(read.edges, np.isin(read.edges, looked)), parts)
    found = []
    for tables, slopes in (
        build_tables(problem.free, problem.network, finer.edges, 1, finer.pinned),
        (_repeated(read.tables, parts), read.slopes._replace(tables=_repeated(read.slopes.tables, parts))),
    ):
        found.append(_smooth(problem, finer, tables, slopes))
    (value, slope), (coarse_value, coarse) = found
    if not (np.isfinite(value - coarse_value) and np.all(np.isfinite(coarse - slope))):
        return nothing
    shown = ", ".join(f"{part:.2g}" for part in coarse - slope)
    words = f"of the means over pieces beside a dose about {shown} (linear-noise approximation), counted in the errors"
    return Discretisation(coarse_value - value, coarse - slope, words)


def _repeated(tables: Tables, parts: np.ndarray) -> Tables:
    return tables._replace(exposure=np.repeat(tables.exposure, parts, axis=0))


def _quotient(problem: Problem, p: int, stencil: Stencil) -> float:
    """Return what a difference makes of the smooth objective."""
    total = 0.0
    for low, high, weight in stencil.pairs:
        ends = [_moved(problem, p, offset) for offset in (low, high)]
        total += weight * (ends[1] - ends[0])
    return total


def _moved(problem: Problem, p: int, offset: float) -> float:
    """Return the smooth objective with one number moved."""
    theta = problem.free.theta + offset * np.eye(problem.size)[p]
    grid = problem.grid
    tables = table_values(*problem.free.model(theta), grid.edges, problem.shifts, grid.pinned)
    return _smooth(problem, grid, tables)[0]


def _smooth(problem: Problem, grid: LeapGrid, tables: Tables, slopes: Slopes | None = None) -> tuple[float, np.ndarray]:
    """Return the objective in the linear-noise approximation on a grid, and its gradient [P] where slopes are given."""
    problem = problem._replace(grid=grid)
    chain, objective = chain_of(problem, 1), problem.objective
    weights = np.array([term.weight for term in objective.terms], np.float32)
    value, cotangent = value_and_slope(chain, reads_spread(objective), drive_of(problem, tables), weights)
    if slopes is None:
        return float(value), np.zeros(0)
    return float(value), chained(jax.tree.map(np.asarray, cotangent), slopes)
