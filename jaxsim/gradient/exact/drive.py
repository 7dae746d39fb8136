"""The drive of exact paths and their scores: drug curves in fine pieces, running integrals, bounds over cells."""

from typing import Any, NamedTuple

import numpy as np

from jaxsim.gradient.leap.chain import Drive
from jaxsim.gradient.objective import LeapGrid, leap_grid
from jaxsim.gradient.problem import Problem, drive_of
from jaxsim.gradient.tables import Read, Tables, build_tables, table_values

PIECES = 8192  # of the span, over each of which a drug curve is its mean; the error falls with their square
_CELLS = 64  # of thinning, beside those that looks and doses of species make


class ExactDrive(NamedTuple):
    """The numbers of one call; P free numbers, D leaves in time, m pieces, c cells."""

    drive: Drive
    """Of the cells as steps; its exposure [m, D] is that of the pieces."""
    origin: Any
    """float64: start, the width of a piece, and its inverse."""
    piece: Any
    pieces_per_time: Any
    edges: Any
    """float64 [c + 1], of the cells."""
    lower: Any
    """float32 [c, D]: at most the pieces that touch a cell."""
    upper: Any
    reached: Any
    """float64 [m, D]: the integral of each leaf up to each piece."""
    slope: Any
    """float32 [m, D, P]: derivative of each leaf in each piece."""
    slope_reached: Any
    """float32 [m, D, P]: its integral up to each piece, for the compensator of the score."""


def exact_tables(problem: Problem) -> Read:
    """Return the tables that exact paths read, on the edges of the pieces."""
    pieces = _pieces(problem)
    return Read(pieces, *build_tables(problem.free, problem.network, pieces, 1, _pinned(problem, pieces)))


def _pinned(problem: Problem, pieces: np.ndarray) -> np.ndarray:
    """Return the edges of pieces across which no area may move: those nearest to where something is looked at."""
    grid, pinned = problem.grid, np.zeros(pieces.size, bool)
    marks = grid.edges[[0, -1]] if grid.pinned is None else grid.edges[grid.pinned]
    pinned[np.abs(pieces[:, None] - marks[None, :]).argmin(axis=0)] = True
    return pinned


def exact_drive(problem: Problem) -> tuple[ExactDrive, Read]:
    """Return what exact paths read, and the tables that it was made from."""
    read = exact_tables(problem)
    return _laid_out(problem, read.edges, read.tables, read.slopes.tables.exposure), read


def plain_drive(problem: Problem) -> ExactDrive:
    """Return the tables of paths without scores."""
    pieces = _pieces(problem)
    tables = table_values(problem.network, problem.schedule, pieces, shifts=1)
    return _laid_out(problem, pieces, tables, np.zeros((*tables.exposure.shape, 0)))


def _pieces(problem: Problem) -> np.ndarray:
    return np.linspace(float(problem.grid.edges[0]), float(problem.grid.edges[-1]), PIECES + 1)


def _laid_out(problem: Problem, pieces: np.ndarray, tables: Tables, by: np.ndarray) -> ExactDrive:
    start, end = float(pieces[0]), float(pieces[-1])
    cells = leap_grid(
        problem.objective, problem.schedule, problem.network.structure.species, (start, end), (end - start) / _CELLS
    )
    width = (end - start) / PIECES
    lower, upper = _bounds(tables.exposure, pieces, cells)
    drive = drive_of(problem._replace(grid=cells), tables)
    return ExactDrive(
        drive=drive,
        origin=np.float64(start),
        piece=np.float64(width),
        pieces_per_time=np.float64(1.0 / width),
        edges=cells.edges,
        lower=lower.astype(np.float32),
        upper=upper.astype(np.float32),
        reached=_running(tables.exposure, width),
        slope=by.astype(np.float32),
        slope_reached=_running(by, width).astype(np.float32),
    )


def _running(table: np.ndarray, width: float) -> np.ndarray:
    """Return the integral up to the start of every piece."""
    return np.concatenate([np.zeros((1, *table.shape[1:])), np.cumsum(table[:-1] * width, axis=0)])


def _bounds(exposure: np.ndarray, pieces: np.ndarray, cells: LeapGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and largest piece that touches each cell, with one to each side for rounding."""
    lower, upper = [], []
    for left, right in zip(cells.edges[:-1], cells.edges[1:], strict=True):
        low = max(0, int(np.searchsorted(pieces, left)) - 2)
        high = min(exposure.shape[0], int(np.searchsorted(pieces, right)) + 1)
        lower.append(exposure[low:high].min(axis=0))
        upper.append(exposure[low:high].max(axis=0))
    shape = (cells.steps, exposure.shape[1])
    return np.array(lower).reshape(shape), np.array(upper).reshape(shape)
