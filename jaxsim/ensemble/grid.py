"""The save times."""

from typing import Any

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.kernels.selection import FINEST
from jaxsim.network import Network

UNIFORM = 1e-9  # relative deviation of the spacing below which a grid counts as uniform


def as_grid(times: Any) -> np.ndarray:
    """Return save times, given as a number or any sequence, as float64 [K]."""
    return np.atleast_1d(np.asarray(list(times) if np.ndim(times) else [times], dtype=np.float64))


def checked_times(times: Any, start: float) -> np.ndarray:
    """Return the save times as float64 [K]; refuse what is not an increasing list from `start` on."""
    try:
        if isinstance(times, str):
            raise TypeError("a text is no list of times")
        grid = as_grid(times)
    except (TypeError, ValueError) as error:
        raise SimulationError(f"times {times!r} are not numbers; give a list such as [0, 1, 2]") from error
    if grid.ndim != 1 or grid.size == 0:
        raise SimulationError("times are empty; give at least one save time")
    if not np.all(np.isfinite(grid)):
        raise SimulationError(f"times contain {grid[~np.isfinite(grid)][0]}; save times must be finite")
    steps = np.diff(grid)
    if np.any(steps <= 0):
        place = int(np.argmax(steps <= 0))
        raise SimulationError(
            f"times are not increasing: {grid[place]:g} is followed by {grid[place + 1]:g}; sort them and drop repeats"
        )
    if grid[0] < start:
        raise SimulationError(f"the save time {grid[0]:g} is before the start at {start:g}; start earlier or drop it")
    return grid


def refuse_unresolved(step: float, start: float, end: float) -> None:
    """Refuse steps from start to end that double precision cannot tell apart there.

    Examples
    --------
    >>> refuse_unresolved(1e-3, 1.7e9, 1.7e9 + 60)
    >>> refuse_unresolved(1.0, 1e16, 1e16 + 60)
    Traceback (most recent call last):
    jaxsim.errors.SimulationError: steps of 1 cannot be told apart at the time 1e+16; count times from a start near zero
    """
    farthest = max(abs(start), abs(end))
    if farthest > step * FINEST:
        raise SimulationError(
            f"steps of {step:.3g} cannot be told apart at the time {farthest:.6g}; count times from a start near zero"
        )


def is_uniform(grid: np.ndarray) -> bool:
    """Return whether the save times are equally spaced.

    Examples
    --------
    >>> is_uniform(np.linspace(0, 1, 5)), is_uniform(np.array([0.0, 1.0, 3.0]))
    (True, False)
    """
    if grid.size < 3:
        return False
    ideal = np.linspace(grid[0], grid[-1], grid.size)
    return bool(np.max(np.abs(grid - ideal)) <= UNIFORM * (grid[-1] - grid[0]))


def time_coordinate(network: Network, times: Any) -> tuple[str, np.ndarray, dict[str, str]]:
    """Return the time coordinate of a Dataset, with the unit of time where the network knows it.

    Examples
    --------
    >>> time_coordinate(Network({"A": 1}, ["A -> , 1"]), [0.0, 1.0])[2]
    {'long_name': 'time'}
    """
    unit = {"units": network.time_unit} if network.time_unit else {}
    return "time", as_grid(times), {"long_name": "time", **unit}
