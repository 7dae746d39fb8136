"""Forbidden windows: an axis of time without them, and back."""

from typing import Any

import jax.numpy as jnp
import numpy as np

Windows = tuple[tuple[float, float], ...]


def merged(windows: Windows, low: float, high: float) -> Windows:
    """Return the windows within [low, high], in order, those that touch made one.

    Examples
    --------
    >>> merged(((5.0, 7.0), (1.0, 2.0), (6.0, 9.0)), 0.0, 8.0)
    ((1.0, 2.0), (5.0, 8.0))
    """
    found: list[tuple[float, float]] = []
    for left, right in sorted((max(a, low), min(b, high)) for a, b in windows):
        if right <= left:
            continue
        if found and left <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return tuple(found)


def length(windows: Windows) -> float:
    """Return how long they are together."""
    return sum((b - a for a, b in windows), 0.0)


def opened(times: Any, windows: Windows) -> Any:
    """Return times on the whole axis, from those on the axis without the windows.

    Examples
    --------
    >>> opened(jnp.asarray([1.0, 3.0]), ((2.0, 5.0),)).tolist()
    [1.0, 6.0]
    """
    before = 0.0
    shifted = times
    for left, right in windows:
        shifted = shifted + jnp.where(times >= left - before, right - left, 0.0)
        before += right - left
    return shifted


def closed(times: np.ndarray, windows: Windows) -> np.ndarray:
    """Return times on the axis without the windows; what lies in one goes to its end.

    Examples
    --------
    >>> closed(np.array([1.0, 3.0, 6.0]), ((2.0, 5.0),)).tolist()
    [1.0, 2.0, 3.0]
    """
    return times - sum(np.clip(times - left, 0.0, right - left) for left, right in windows)
