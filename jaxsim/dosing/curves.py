"""All inputs over all cells: what they are, and the bounds they keep."""

from types import ModuleType
from typing import Any

import numpy as np

from .bounds import bounds
from .edges import Edges
from .namespace import floats
from .superposition import Course, superpose


def curves(xp: ModuleType, courses: dict[str, Any], edges: Edges) -> tuple[Any, ...]:
    """Return base [c, i], amplitude [c, i, m], rate [i, m], lower and upper [c, i] of all inputs.

    `courses` maps the name of each input to its course, or to its constant value.

    Examples
    --------
    >>> from jaxsim.dosing import Schedule
    >>> from jaxsim.dosing.edges import arrange
    >>> edges = arrange(np, Schedule(), np.array(0.0), np.array(3.0), np.zeros(0))
    >>> [part.shape for part in curves(np, {"drug": np.array(2.5)}, edges)]
    [(1, 1), (1, 1, 0), (1, 0), (1, 1), (1, 1)]
    """
    count = edges.times.shape[0] - 1
    modes = max((given.rates.shape[0] for given in courses.values() if isinstance(given, Course)), default=0)
    nothing = floats(xp, np.zeros((count, modes))), floats(xp, np.zeros(modes))
    columns = []
    for name, given in courses.items():
        if isinstance(given, Course):
            columns.append(_dosed(xp, given, edges, name, modes))
        else:
            constant = xp.broadcast_to(given, (count,))
            columns.append((constant, *nothing, constant, constant))
    if not columns:
        none = floats(xp, np.zeros((count, 0)))
        return none, none[:, :, None][:, :, :modes], none[:0].reshape(0, 0), none, none
    base, amplitude, rate, lower, upper = zip(*columns, strict=True)
    curve = xp.stack(base, axis=1), xp.stack(amplitude, axis=1), xp.stack(rate)
    return *curve, xp.stack(lower, axis=1), xp.stack(upper, axis=1)


def _dosed(xp: ModuleType, given: Course, edges: Edges, name: str, modes: int) -> tuple[Any, ...]:
    """Return base, amplitude, rate, lower and upper of one input, padded to `modes`."""
    base, amplitude = continuation(xp, given, edges, name)
    lower, upper = bounds(xp, base, amplitude, given.rates, edges.times[1:] - edges.times[:-1])
    missing = modes - given.rates.shape[0]
    return base, xp.pad(amplitude, ((0, 0), (0, missing))), xp.pad(given.rates, (0, missing)), lower, upper


def continuation(xp: ModuleType, given: Course, edges: Edges, name: str) -> tuple[Any, Any]:
    """Return base [c] and amplitudes [c, m] with which one input continues from the start of every cell.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, Schedule
    >>> from jaxsim.dosing.edges import arrange
    >>> edges = arrange(np, Schedule(drug=Dose(2, at=1)), np.array(0.0), np.array(3.0), np.zeros(0))
    >>> given = Course(*(np.array([x]) for x in (1.0, 1.0, 2.0, 5.0, 0.1)))
    >>> continuation(np, given, edges, "drug")[1].tolist()
    [[0.0], [10.0]]
    """
    cell = xp.arange(edges.times.shape[0] - 1)[:, None]
    begun = cell >= xp.concatenate(edges.starts[name])[None, :]
    over = cell >= xp.concatenate(edges.stops[name])[None, :]
    return superpose(xp, given, edges.times[:-1], begun, over)
