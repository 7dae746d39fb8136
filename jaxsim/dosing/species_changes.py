"""What doses do to species: one affine map per cell and species."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from ..errors import ScheduleError
from .dose import Dose
from .entry import numbers
from .namespace import floats, traced
from .schedule import Schedule
from .set import Set

LARGEST = 2**31 - 1  # counts are int32


def check_species(agent: str, entries: Sequence[Dose | Set]) -> None:
    """Refuse entries that cannot act on a count.

    Raises
    ------
    ScheduleError
        If a dose has a unit or a duration, or a concrete number of molecules is not whole or too large.

    Examples
    --------
    >>> check_species("T", [Dose(2.5)])
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: 'T' is a species and cannot take 2.5 molecules; give a whole number up to 2147483647.
    """
    for entry in entries:
        if isinstance(entry, Dose) and entry.unit not in ("", "molecules"):
            raise ScheduleError(f"'{agent}' is a species and takes molecules, not '{entry.unit}'; leave the unit out.")
        if isinstance(entry, Dose) and entry.duration is not None:
            raise ScheduleError(f"'{agent}' is a species and cannot be infused; write a reaction driven by an input.")
        amount = numbers(entry.amount if isinstance(entry, Dose) else entry.value)
        if traced(amount):
            continue
        for number in np.atleast_1d(floats(np, amount)):
            if number != np.round(number) or number > LARGEST:
                raise ScheduleError(
                    f"'{agent}' is a species and cannot take {number:g} molecules; give a whole number up to {LARGEST}."
                )


def changes(
    xp: ModuleType, species: tuple[str, ...], schedule: Schedule, edges: Float[Any, " c+1"]
) -> tuple[Float[Any, "c s"], Float[Any, "c s"]]:
    """Return `multiply` and `add`: on entering cell c species become ``multiply * x + add``.

    All changes at one instant, in the order listed, are composed in the first cell that begins then.

    Examples
    --------
    >>> plan = Schedule(A=[Set(0, at=1), Dose(7, at=1)])
    >>> [part[:, 0].tolist() for part in changes(np, ("A",), plan, np.array([0.0, 1.0, 2.0]))]
    [[1.0, 0.0], [0.0, 7.0]]
    """
    count = edges.shape[0] - 1
    multiply = [floats(xp, np.ones(count)) for _ in species]
    add = [floats(xp, np.zeros(count)) for _ in species]
    for agent, entries in schedule.items():
        if agent not in species:
            continue
        column = species.index(agent)
        for entry in entries:
            keep, more = _change(xp, entry, edges)
            multiply[column], add[column] = keep * multiply[column], keep * add[column] + more
    if not species:
        return floats(xp, np.zeros((count, 0))), floats(xp, np.zeros((count, 0)))
    return xp.stack(multiply, axis=1), xp.stack(add, axis=1)


def _change(xp: ModuleType, entry: Dose | Set, edges: Any) -> tuple[Any, Any]:
    """Return the affine map of one entry in every cell: [c] and [c]."""
    at = entry.starts(xp)
    # the last edge begins no cell; a dose at the end always has an edge of its own before it
    first = xp.searchsorted(edges, xp.clip(at, edges[0], edges[-1]), side="left")
    within = (at >= edges[0]) & (at <= edges[-1])
    here = (xp.arange(edges.shape[0] - 1)[:, None] == first[None, :]) & within[None, :]
    amounts = entry.amounts(xp)[None, :]
    more = xp.sum(xp.where(here, amounts, 0.0), axis=1)
    if isinstance(entry, Dose):
        return xp.ones_like(more), more
    return xp.where(xp.any(here, axis=1), 0.0, 1.0).astype(more.dtype), more
