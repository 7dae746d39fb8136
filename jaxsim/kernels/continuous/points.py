"""The points at which a continuous solution stops: every edge of the timeline, every save time and every moment at
which a rate jumps or bends, in order."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float64, Int

from jaxsim.dosing import Timeline


class Points(NamedTuple):
    """P = C + K + M points; the solution is smooth between neighbours."""

    time: Float64[Array, " P"]
    entered: Int[Array, " P"]
    """Cell that begins at the point; C, which there is not, at a save time or moment."""
    saves: Int[Array, " K"]
    """Where the save times stand among the points."""


def arrange_points(timeline: Timeline, times: Float64[Any, " K"], moments: Float64[Any, " M"]) -> Points:
    """Merge edges, save times and moments.

    At equal times edges come first, so that a dose has been given when saved.
    """
    cells = timeline.base.shape[0]
    raw = jnp.concatenate([timeline.edges[:cells], times, moments])
    order = jnp.argsort(raw, stable=True)
    place = jnp.argsort(order, stable=True)
    return Points(raw[order], jnp.minimum(order, cells), place[cells : cells + times.shape[0]])
