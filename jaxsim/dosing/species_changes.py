"""What doses do to species: one affine map per cell and species."""

from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from .edges import Edges
from .namespace import floats
from .schedule import Schedule
from .set import Set


def changes(
    xp: ModuleType, species: tuple[str, ...], schedule: Schedule, edges: Edges
) -> tuple[Float[Any, "c s"], Float[Any, "c s"]]:
    """Return `multiply` and `add`: on entering cell c species become ``multiply * x + add``.

    All changes at one instant, in the order listed, are composed in the first cell that begins then.

    Examples
    --------
    >>> from jaxsim.dosing import Dose
    >>> from jaxsim.dosing.edges import arrange
    >>> plan = Schedule(A=[Set(0, at=1), Dose(7, at=1)])
    >>> edges = arrange(np, plan, np.array(0.0), np.array(2.0), np.zeros(0))
    >>> [part[:, 0].tolist() for part in changes(np, ("A",), plan, edges)]
    [[1.0, 0.0, 1.0], [0.0, 7.0, 0.0]]
    """
    count = edges.times.shape[0] - 1
    multiply = {name: floats(xp, np.ones(count)) for name in species}
    add = {name: floats(xp, np.zeros(count)) for name in species}
    for agent, entries in schedule.items():
        if agent not in add:
            continue
        for entry, cells in zip(entries, edges.starts[agent], strict=True):
            here = _first(xp, edges.times, cells)
            more = xp.sum(xp.where(here, entry.amounts(xp)[None, :], 0.0), axis=1)
            if isinstance(entry, Set):
                keep = xp.where(xp.any(here, axis=1), xp.zeros_like(more), xp.ones_like(more))
                multiply[agent], add[agent] = keep * multiply[agent], keep * add[agent]
            add[agent] = add[agent] + more
    columns = [list(part.values()) or [floats(xp, np.zeros(count))] for part in (multiply, add)]
    scale, shift = (xp.stack(part, axis=1)[:, : len(species)] for part in columns)
    return scale, shift


def _first(xp: ModuleType, times: Any, cells: Any) -> Any:
    """Tell for every cell and dose [c, n] whether the dose acts there: in the first cell at the dose's time."""
    last = times.shape[0] - 1
    shared = xp.searchsorted(times, times[xp.minimum(cells, last)], side="left").astype(cells.dtype)
    first = xp.where(cells > last, cells, shared)
    return xp.arange(last)[:, None] == first[None, :]
