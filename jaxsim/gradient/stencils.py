"""Stencils of differences: the step of each number, and to which sides it may be moved.

A step changes exposure or a parameter by a tenth, as far as these answer linearly, and moves at least a tenth of a
firing, or nothing would be seen: so the size of a number does not limit its step (a dose at 1e-9 h is moved as one at
1 h is). Where one side is no model (a dose before the start, a negative amount or rate), or moves nothing, the other
side serves alone: (4 F(h) - F(2h) - 3 F(0)) / 2h, which is of second order too.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.ndimage import uniform_filter1d

from jaxsim.dosing import build_timeline
from jaxsim.errors import JaxsimError, SimulationError
from jaxsim.gradient.leap.chain import Drive, LeapChain, chain_rates
from jaxsim.gradient.leap.mean import typical_parameters
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.tables import Tables, table_values

_SHARE = 0.1  # of the exposure or parameters that a difference changes to each side, where no step is given
_LEAST = 0.1  # firings of a trajectory that a step moves at least, as long as rates answer linearly
STRAIGHT = 0.1  # of the change of running integrals that may be other than linear in the step
_HALVINGS, DOUBLINGS = 12, 40
WINDOW = 4  # cells over which slopes of exposure are averaged
_NEGATIVE = -1e-6  # of the largest rate: what rounding may make of a rate that is zero


class Stencil(NamedTuple):
    """The difference quotient of one number: the sum over pairs of weight x (F(theta + high) - F(theta + low))."""

    step: float
    pairs: tuple[tuple[float, float, float], ...]
    """Offsets low and high, and the weight, of each pair."""

    def scaled(self, factor: float) -> "Stencil":
        """Return the same with a longer or shorter step."""
        return Stencil(
            self.step * factor, tuple((a * factor, b * factor, weight / factor) for a, b, weight in self.pairs)
        )


def central(step: float) -> Stencil:
    """Return the central difference.

    Examples
    --------
    >>> central(0.5).pairs
    ((-0.5, 0.5, 1.0),)
    """
    return Stencil(step, ((-step, step, 0.5 / step),))


def one_sided(step: float) -> Stencil:
    """Return the difference of second order to the side of the step, which may be negative.

    Examples
    --------
    >>> sum(weight * (high**2 - low**2) for low, high, weight in one_sided(-0.5).pairs)  # the slope of x**2 at 0
    0.0
    """
    return Stencil(abs(step), ((0.0, step, 2.0 / step), (0.0, 2.0 * step, -0.5 / step)))


def stencils(problem: Problem, most: float = 1.0) -> list[Stencil]:
    """Return the difference quotient of every number; `most` is by how much steps may be stretched afterwards."""
    moves = _Moves(problem)
    return [_stencil(moves, p, most) for p in range(problem.size)]


def _stencil(moves: "_Moves", p: int, most: float) -> Stencil:
    problem = moves.problem
    step = _first_step(problem, p) if problem.steps is None else float(problem.steps[p])
    if problem.steps is None:
        step = _straight(moves, p, step)
    sides = {sign: moves.admits(p, sign * step * most) for sign in (1.0, -1.0)}
    if sides[1.0] and sides[-1.0]:
        reach = {sign: moves.size(p, sign * step) for sign in sides}
        sides = {sign: reach[sign] > 0.0 or reach[-sign] == 0.0 for sign in sides}
    if sides[1.0] and sides[-1.0]:
        return central(step)
    for sign in (1.0, -1.0):
        if sides[sign] and moves.admits(p, 2.0 * sign * step * most):
            return one_sided(sign * step)
    for sign in (1.0, -1.0):  # a narrow room: as far as it goes
        for halving in range(1, _HALVINGS + 1):
            if moves.admits(p, 2.0 * sign * step * most / 2.0**halving):
                return one_sided(sign * step / 2.0**halving)
    name = problem.free.components[p]
    raise SimulationError(
        f"'{name}' can be moved to neither side for a difference; give widths= with a shorter step for it, or use a "
        f"score"
    )


def _first_step(problem: Problem, p: int) -> float:
    """Return the step that changes exposure or a parameter by a tenth, were they linear in it.

    For a dose time that is about the time in which the curve passes a tenth of its height. Slopes are averaged over a
    few cells, among which those of a jump are divided in a way that says nothing about its size.
    """
    change = 0.0
    pairs = []
    if problem.tables.exposure.size:
        width = problem.grid.widths[:, None, None]
        moved = uniform_filter1d(problem.slopes.tables.exposure * width, WINDOW, axis=0, mode="constant") / width
        pairs.append((problem.tables.exposure, moved))
    slopes = problem.slopes.tables.parameters
    moving = zip(jax.tree.leaves(problem.tables.parameters), jax.tree.leaves(slopes), strict=True)
    for table, slope in [*pairs, *moving]:
        size = np.sqrt(np.mean(np.square(table)))
        part = np.sqrt(np.mean(np.square(slope[..., p]))) / (size if size > 0 else 1.0)
        change = max(change, float(part))
    if change == 0.0:
        name = problem.free.components[p]
        raise SimulationError(f"nothing that rates read depends on '{name}'; leave it out of what is free")
    return _SHARE / change


def _straight(moves: "_Moves", p: int, step: float) -> float:
    """Return the longest step up to the first one that rates answer linearly; a longer one where that moves nothing."""
    sign = 1.0 if moves.admits(p, step) or not moves.admits(p, -step) else -1.0
    for _ in range(_HALVINGS):
        if moves.straight(p, sign * step):
            break
        step *= 0.5
    for _ in range(DOUBLINGS):
        longer = 2.0 * step
        if moves.firings(p, sign * step) >= _LEAST or not moves.straight(p, sign * longer):
            break
        step = longer
    return step


class _Moves:
    """What moving one number does to tables and rates along the mean."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.chain, self.drive = chain_of(problem, problem.grid.steps), drive_of(problem)
        assert problem.pace is not None
        self.counts = np.maximum(problem.pace.path, 1.0).astype(np.float32)
        self.rates = self._rates(problem.tables)
        if not np.all(self.rates >= _NEGATIVE * max(float(np.max(np.abs(self.rates))), 1e-30)):
            raise SimulationError(
                "a rate was negative or not finite along the rate equations, which differences follow; write it so "
                "that it stays finite and not negative"
            )
        self.known: dict[tuple[int, float], Tables | None] = {}

    def tables(self, p: int, offset: float) -> Tables | None:
        """Return the tables with one number moved; None where that is no model."""
        if (p, offset) not in self.known:
            self.known[p, offset] = self._built(p, offset)
        return self.known[p, offset]

    def _built(self, p: int, offset: float) -> Tables | None:
        problem = self.problem
        theta = problem.free.theta + offset * np.eye(problem.size)[p]
        span = float(problem.grid.edges[0]), float(problem.grid.edges[-1])
        try:
            network, schedule = problem.free.model(theta)
            build_timeline(network, schedule, *span)
            tables = table_values(network, schedule, problem.grid.edges, problem.shifts, problem.grid.pinned)
        except JaxsimError:  # the other side is taken, or the number is refused by name
            return None
        found = self._rates(tables)
        return tables if np.all(found >= _NEGATIVE * max(float(np.max(np.abs(self.rates))), 1e-30)) else None

    def _rates(self, tables: Tables) -> np.ndarray:
        """Return the rates along the mean, [R, n]."""
        drive = self.drive._replace(tables=jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), tables))
        return np.asarray(_rates_along(self.chain, drive, self.counts), np.float64)

    def admits(self, p: int, offset: float) -> bool:
        """Return whether the model exists there."""
        return self.tables(p, offset) is not None

    def size(self, p: int, offset: float) -> float:
        """Return by how much running integrals of rates move, their largest."""
        return float(np.max(np.abs(self._integrals(p, offset)), initial=0.0))

    def firings(self, p: int, offset: float) -> float:
        """Return how many firings of a trajectory a move takes or gives."""
        tables = self.tables(p, offset)
        if tables is None:
            return np.inf
        return float(np.sum(np.abs(self._rates(tables) - self.rates) * self.problem.grid.widths))

    def straight(self, p: int, offset: float) -> bool:
        """Return whether running integrals of rates answer to a step about twice as much as to half of it."""
        if not (self.admits(p, offset) and self.admits(p, 0.5 * offset)):
            return False
        whole, half = self._integrals(p, offset), self._integrals(p, 0.5 * offset)
        return bool(np.sqrt(np.mean((whole - 2.0 * half) ** 2)) <= STRAIGHT * np.sqrt(np.mean(whole**2)))

    def _integrals(self, p: int, offset: float) -> np.ndarray:
        tables = self.tables(p, offset)
        assert tables is not None
        return np.cumsum((self._rates(tables) - self.rates) * self.problem.grid.widths, axis=1)


@partial(jax.jit, static_argnums=0)
def _rates_along(chain: LeapChain, drive: Drive, counts: Array) -> Any:
    """Return the rates [R, n] in every step, at counts [n, S]."""
    x = tuple(counts[:, s] for s in range(counts.shape[1]))
    return jnp.stack([jnp.broadcast_to(a, x[0].shape) for a in chain_rates(chain, x, drive.tables.exposure.T,
                                                                     typical_parameters(chain, drive))])  # fmt: skip
