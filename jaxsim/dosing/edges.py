"""The edges of a timeline in order, and where each dose stands among them."""

from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .dose import Dose
from .namespace import floats
from .schedule import Schedule
from .set import Set


class Edges(NamedTuple):
    """Edges in order, with the number of the cell that each start and stop of a dose begins.

    Cells are found by position, not by comparing times: a compiler may round ``start + duration`` differently where it
    is sorted and where it is compared, and an infusion would then never end.
    """

    times: Float[Any, " edges"]
    """Hours, ascending, from start to end."""
    starts: dict[str, list[Any]]
    """Agent -> for each entry the cell [n] in which each dose begins; one that does not exist where it never does."""
    stops: dict[str, list[Any]]
    """Agent -> for each entry the cell [n] in which each dose is over; equal to `starts` for a bolus."""


def arrange(xp: ModuleType, schedule: Schedule, start: Any, end: Any, extra: Any) -> Edges:
    """Sort start, end, every dose edge and the `extra` edges; dose edges outside move to the nearer end.

    At equal times doses come in the order listed and before the edges that are no dose, so that the cell at the start
    has the first dose and a dose at the end has a cell (of no width).

    Examples
    --------
    >>> edges = arrange(np, Schedule(A=Dose(1, at=[0, 2, 9])), np.array(0.0), np.array(3.0), np.zeros(0))
    >>> edges.times.tolist(), edges.starts["A"][0].tolist()
    ([0.0, 0.0, 2.0, 3.0, 3.0], [0, 2, 5])
    """
    parts = [part for entries in schedule.entries for entry in entries for part in _edges_of(xp, entry)]
    raw = xp.concatenate([*parts, floats(xp, extra), start[None], end[None]])
    times, position = _sorted(xp, xp.clip(raw, start, end))
    position = xp.where(raw > end, raw.shape[0], position)
    starts: dict[str, list[Any]] = {}
    stops: dict[str, list[Any]] = {}
    taken = 0
    for agent, entries in schedule.items():
        starts[agent], stops[agent] = [], []
        for entry in entries:
            places = []
            for part in _edges_of(xp, entry):
                places.append(position[taken : taken + part.shape[0]])
                taken += part.shape[0]
            starts[agent].append(places[0])
            stops[agent].append(places[-1])
    return Edges(times, starts, stops)


def _edges_of(xp: ModuleType, entry: Dose | Set) -> list[Any]:
    """Return the starts and, of an infusion, the stops."""
    if isinstance(entry, Dose) and entry.duration is not None:
        return [entry.starts(xp), entry.stops(xp)]
    return [entry.starts(xp)]


def _sorted(xp: ModuleType, times: Any) -> tuple[Any, Any]:
    """Return times in order and the position at which each one comes, both from one stable sort."""
    if xp is np:
        order = np.argsort(times, kind="stable")
        position = np.empty_like(order)
        position[order] = np.arange(order.size)
        return times[order], position
    numbers = jnp.arange(times.shape[0])
    ordered, permutation = jax.lax.sort((times, numbers), num_keys=1, is_stable=True)
    return ordered, jnp.zeros_like(numbers).at[permutation].set(numbers)
