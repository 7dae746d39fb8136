"""Cut time into cells so that bounds over a cell stay close to the curves they bound."""

from types import ModuleType
from typing import Any

import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from jaxsim.dosing.arrays import floats

GRADED = 64  # points per dose segment
UNIFORM_SHARE = 0.1  # of the cells, so that a quiet stretch is not one cell


def cell_edges(
    xp: ModuleType,
    marks: Float[Any, " k"],
    curves: list[tuple[Any, Any]],
    cells: int,
    variation: Float[Any, " g"] | None,
) -> Float[Any, " cells"]:
    """Return `cells` extra edges between the first and the last of `marks`, dense where the inputs change.

    A bound over a cell of width ``h`` costs rejected candidates in proportion to ``|f'| h^2``, so for a given number of
    cells the total is least when ``h`` is proportional to ``|f'|^(-1/2)``: edges equidistribute the square root of the
    slope. Every source (an input, `variation`) takes an equal share, and 10 % are spread uniformly.

    Parameters
    ----------
    marks : float array of shape [k]
        Start, dose edges, end; ascending; hours.
    curves : list of (amplitude [k-1, m], rate [m])
        The modes with which each dosed input continues from each of `marks` but the last.
    cells : int
        Number of edges to return.
    variation : float array of shape [g], optional
        Absolute slope of the rates over `g` equal parts of the whole span.

    Returns
    -------
    float array of shape [cells]
        Ascending; constants for differentiation, since no result depends on where a cell is cut.

    Examples
    --------
    >>> cell_edges(np, np.array([0.0, 4.0]), [], 3, np.ones(4)).tolist()
    [1.0, 2.0, 3.0]
    """
    if xp is not np:
        marks, curves, variation = jax.lax.stop_gradient((marks, curves, variation))
    # a segment begins with the fast modes of its dose: cubic grading resolves them at any length of segment
    grading = xp.linspace(0.0, 1.0, GRADED, endpoint=False, dtype=marks.dtype) ** 3
    times = (marks[:-1, None] + (marks[1:] - marks[:-1])[:, None] * grading[None, :]).reshape(-1)
    times = xp.concatenate([times, marks[-1:]])
    if variation is not None:
        parts = xp.linspace(0.0, 1.0, len(variation) + 1, dtype=marks.dtype)
        times = xp.sort(xp.concatenate([times, marks[0] + (marks[-1] - marks[0]) * parts]))
    width, middle = times[1:] - times[:-1], 0.5 * (times[1:] + times[:-1])
    sources = _slopes(xp, marks, curves, middle)
    if variation is not None:
        sources.append(_lookup(xp, floats(xp, variation), marks, middle))
    shares = [_share(xp, xp.sqrt(source) * width) for source in sources]
    even = _share(xp, width)
    weight = UNIFORM_SHARE * even + sum((1.0 - UNIFORM_SHARE) / len(shares) * share for share in shares)
    reached = xp.concatenate([xp.zeros_like(marks[:1]), xp.cumsum(weight)])
    wanted = xp.linspace(0.0, 1.0, cells + 2, dtype=marks.dtype)[1:-1] * reached[-1]
    return xp.clip(xp.interp(wanted, reached, times), marks[0], marks[-1])


def _slopes(xp: ModuleType, marks: Any, curves: list[tuple[Any, Any]], times: Any) -> list[Any]:
    """Return the absolute slope of every input at `times`."""
    segment = xp.clip(xp.searchsorted(marks, times, side="right") - 1, 0, marks.shape[0] - 2)
    since = (times - marks[segment])[:, None]
    return [xp.abs(xp.sum(a[segment] * r[None, :] * xp.exp(-r[None, :] * since), axis=1)) for a, r in curves]


def _share(xp: ModuleType, weight: ArrayLike) -> Any:
    total = xp.sum(weight)
    return weight / xp.where(total > 0, total, 1.0)


def _lookup(xp: ModuleType, variation: np.ndarray, marks: np.ndarray, times: np.ndarray) -> Any:
    span = marks[-1] - marks[0]
    part = (times - marks[0]) / xp.where(span > 0, span, 1.0) * len(variation)
    return xp.abs(variation)[xp.clip(part.astype(int), 0, len(variation) - 1)]
