"""The tables through which a gradient passes: exposure and parameters, with their derivatives in what is free.

Everything random reads time and doses only through these tables, so an estimator differentiates with respect to them,
in single precision, and the chain rule to the numbers that are free is taken here, in double precision, once.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxsim.dosing.schedule import Schedule
from jaxsim.errors import SimulationError
from jaxsim.gradient.free import Free
from jaxsim.kernels.rates import plan_rates
from jaxsim.kernels.steps import Crossings
from jaxsim.network import Network, Structure, is_distribution
from jaxsim.paths.exposure import SHIFTS, exposures, found_crossings, mark_times
from jaxsim.runtime.double import double_precision

NEXT_TO_NOTHING = 1e-9  # of the span: how far a component is moved to see both sides of a tie
_SAME = 1e-6  # of the largest area moved, by which two sides may differ through rounding and that move


class Tables(NamedTuple):
    """What the random part of a gradient reads."""

    exposure: Any
    """[n, D]: the leaves in time of the rates, averaged over every leap."""
    parameters: dict[str, Any]
    """A number for each, or a distribution."""


class Slopes(NamedTuple):
    """Derivatives of tables, with the components of theta as last axis."""

    tables: Tables
    fixed: Any
    """[F, P]: of what no estimator differentiates: initial counts, and doses of species."""
    notes: tuple[str, ...] = ()
    """In words, where something given ties with something else so that there are two derivatives."""
    beside: tuple[tuple[int, tuple[Any, ...]], ...] = ()
    """For each component that ties, the points of theta on its sides, over which its derivative is the mean."""
    marks: Any = np.zeros(0)
    """[K]: when doses begin and end, and conditions switch."""


class Read(NamedTuple):
    """The tables that a method reads."""

    edges: np.ndarray
    tables: Tables
    slopes: Slopes


class _Found(NamedTuple):
    """Tables and marks, or their derivatives."""

    tables: Tables
    fixed: Any
    marks: Any
    """[K]: when doses begin and end, and conditions switch."""


def tables_of(
    structure: Structure,
    network: Network,
    schedule: Schedule,
    edges: Array,
    shifts: int = SHIFTS,
    pinned: Array | None = None,
    crossings: Crossings | None = None,
) -> Tables:
    """Return the tables of a network and a schedule, traced or not; call within ``jax.enable_x64(True)``."""
    plan = plan_rates(structure, distributed_names(network.parameters))
    values = {name: jax.tree.map(_real, value) for name, value in network.parameters.items()}
    exposure = exposures(structure, plan, network, schedule, edges, shifts, pinned, crossings)
    return Tables(exposure, values)


@partial(jax.jit, static_argnums=(0, 1, 4))
def _evaluated(
    build: Any,
    structure: Structure,
    edges: Array,
    given: tuple[Any, ...],
    shifts: int,
    pinned: Array,
    crossings: Crossings | None,
) -> tuple[_Found, _Found]:
    theta, base = given

    def tables(point: Array) -> _Found:
        network, schedule = build(point, base)
        plan = plan_rates(structure, distributed_names(network.parameters))
        marks = mark_times(structure, plan, network, schedule, edges, crossings)
        read = tables_of(structure, network, schedule, edges, shifts, pinned, crossings)
        return _Found(read, _fixed(network, schedule), marks)

    return tables(theta), jax.jacfwd(tables)(theta)


def _fixed(network: Network, schedule: Schedule) -> Any:
    """Return the numbers that change counts directly."""
    parts = [_real(leaf).reshape(-1) for leaf in jax.tree.leaves(dict(network.initial))]
    for agent, entries in schedule.items():
        if agent in network.structure.species:
            parts += [part(jnp).reshape(-1) for entry in entries for part in (entry.starts, entry.amounts)]
    return jnp.concatenate(parts)


def _real(value: ArrayLike) -> Any:
    return jnp.asarray(value).astype(jnp.float64)


def distributed_names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names whose values are distributions over trajectories."""
    return tuple(name for name, value in values.items() if is_distribution(value))


class _Cells(NamedTuple):
    """Where tables are wanted."""

    edges: np.ndarray
    pinned: np.ndarray
    shifts: int

    @property
    def near(self) -> float:
        """How far a component is moved to see both sides of a tie."""
        return NEXT_TO_NOTHING * float(self.edges[-1] - self.edges[0])


def build_tables(
    free: Free, network: Network, edges: np.ndarray, shifts: int = SHIFTS, pinned: np.ndarray | None = None
) -> tuple[Tables, Slopes]:
    """Return tables and slopes (numpy, float64) at the point of `free`.

    `pinned` are the edges at which something is looked at or given, see :func:`jaxsim.paths.exposure.exposures`.

    Raises
    ------
    SimulationError
        If a component changes counts directly, of which no estimator has a derivative.
    """
    ends = np.isin(np.arange(edges.size), [0, edges.size - 1])
    cells = _Cells(edges, ends if pinned is None else pinned | ends, shifts)
    found, slopes = _at(free, network, cells, free.theta)
    direct = np.flatnonzero(np.any(slopes.fixed != 0.0, axis=0))
    if direct.size:
        raise SimulationError(
            f"'{free.components[direct[0]]}' changes whole numbers of molecules directly (an initial count or a dose "
            f"of a species), of which no derivative exists; free the dose of an input or a rate instead"
        )
    return found.tables, _settled(free, network, cells, found, slopes)


def _at(free: Free, network: Network, cells: _Cells, theta: np.ndarray) -> tuple[_Found, _Found]:
    """Return tables and marks, and their derivatives, at a point."""
    given = jax.tree.map(_as_float, (theta, free.base))
    structure = network.structure
    with double_precision():
        crossings = _crossings(structure, *free.model(theta), cells.edges)
        found: tuple[_Found, _Found] = jax.tree.map(
            np.asarray,
            _evaluated(free.build, structure, cells.edges, given, cells.shifts, cells.pinned, crossings),
        )
    return found


def _crossings(structure: Structure, network: Network, schedule: Schedule, edges: np.ndarray) -> Crossings | None:
    plan = plan_rates(structure, distributed_names(network.parameters))
    return found_crossings(structure, plan, network, schedule, edges)


def _settled(free: Free, network: Network, cells: _Cells, found: _Found, slopes: _Found) -> Slopes:
    """Return the slopes; of a component whose marks tie with others, the mean of both sides of the tie.

    Two doses at one time have an order, and what one of them does as it moves depends on it where rates are not linear
    in the sum of both; so it does on whether the objective looks before or after. So each such component is moved to
    either side by next to nothing. A side on which a dose would leave the simulated time is not taken.
    """
    table, notes, beside = jax.tree.map(np.array, slopes.tables), [], []
    for p, name in enumerate(free.components):
        own, outermost = _tied(found.marks, slopes.marks[:, p], cells)
        apart = np.concatenate([own, outermost])
        sides = _sides(found.marks[apart], slopes.marks[apart, p], cells)
        if not apart.size or not sides:
            continue
        move = np.eye(free.theta.size)[p] * cells.near / np.max(np.abs(slopes.marks[apart, p]))
        beside.append((p, tuple(free.theta + side * move for side in sides)))
        if not own.size:
            continue
        both = [_at(free, network, cells, point)[1].tables for point in beside[-1][1]]
        for leaf, *given in zip(*map(jax.tree.leaves, (table, *both)), strict=True):
            leaf[..., p] = np.mean([one[..., p] for one in given], axis=0)
        if len(both) == 2 and _apart(cells, *(one.exposure[..., p] for one in both)):
            notes.append(
                f"'{name}' ties at t = {found.marks[own[0]]:.6g} with another dose or with a time of the objective, "
                f"where the derivative on one side may differ from that on the other, and what is returned is the mean"
            )
    return Slopes(table, slopes.fixed, tuple(notes), tuple(beside), found.marks)


def _tied(marks: np.ndarray, moving: np.ndarray, cells: _Cells) -> tuple[np.ndarray, np.ndarray]:
    """Return the marks that move, at the time of one that moves otherwise or of a pinned edge within the span, and
    those that move from the start or the end, of which tables hold what happens inside."""
    pinned, close = cells.edges[cells.pinned][1:-1], 0.5 * cells.near
    inside = (marks >= cells.edges[0]) & (marks <= cells.edges[-1])
    together = (np.abs(marks[:, None] - marks[None, :]) < close) & (moving[:, None] != moving[None, :])
    looked = np.abs(marks[:, None] - pinned[None, :]) < close
    tied = (np.any(together, axis=1) | np.any(looked, axis=1)) & (moving != 0.0) & inside
    outermost = np.any(np.abs(marks[:, None] - cells.edges[[0, -1]][None, :]) < close, axis=1) & (moving != 0.0)
    return np.flatnonzero(tied), np.flatnonzero(outermost & ~tied)


def _sides(marks: np.ndarray, moving: np.ndarray, cells: _Cells) -> list[int]:
    """Return the sides to which marks may move without leaving the simulated time."""
    close = 0.5 * cells.near
    first, last = marks < cells.edges[0] + close, marks > cells.edges[-1] - close
    return [side for side in (-1, 1) if not np.any((first & (side * moving < 0)) | (last & (side * moving > 0)))]


def _apart(cells: _Cells, below: np.ndarray, above: np.ndarray) -> bool:
    """Return whether the area that moves before some pinned edge differs between two derivatives [n, D]."""
    width = np.diff(cells.edges)[:, None]
    areas = [np.cumsum(slope * width, axis=0)[cells.pinned[1:]] for slope in (below, above)]
    size = max(float(np.max(np.abs(area), initial=0.0)) for area in areas)
    return bool(np.any(np.abs(areas[1] - areas[0]) > _SAME * size))


def table_values(
    network: Network, schedule: Schedule, edges: np.ndarray, shifts: int = SHIFTS, pinned: np.ndarray | None = None
) -> Tables:
    """Return the tables (numpy, float64) of a network and a schedule, without derivatives."""
    with double_precision():
        crossings = _crossings(network.structure, network, schedule, edges)
        found: Tables = jax.tree.map(
            np.asarray, _valued(network.structure, edges, (network, schedule), shifts, pinned, crossings)
        )
    return found


@partial(jax.jit, static_argnums=(0, 3))
def _valued(
    structure: Structure, edges: Array, given: tuple[Any, ...], shifts: int, pinned: Array | None, crossings: Any
) -> Tables:
    network, schedule = given
    return tables_of(structure, network, schedule, edges, shifts, pinned, crossings)


def _as_float(leaf: ArrayLike) -> Any:
    return np.asarray(leaf, np.float64)


def chained(cotangent: Tables, slopes: Slopes) -> np.ndarray:
    """Return the gradient [P] from the gradient with respect to the tables."""
    pairs = zip(jax.tree.leaves(cotangent), jax.tree.leaves(slopes.tables), strict=True)
    parts = [np.tensordot(np.asarray(c, np.float64), j, axes=np.ndim(c)) for c, j in pairs]
    return np.sum(parts, axis=0)
