"""Batches of trajectories that have just ended, as the event loop hands them to every accumulator."""

from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float64, Int32


class Batch(NamedTuple):
    """Trajectories on the save grid, one per lane; lanes that hold none are masked out."""

    states: Int32[Array, "species time lane"]
    """Counts."""
    valid: Bool[Array, "time lane"]
    """Whether the lane holds a trajectory that ended in this batch and reached that save time."""
    passages: tuple[Float64[Array, " lane"], ...]
    """First-passage times in the order requested; infinite where the condition never held."""
    finished: Bool[Array, " lane"]
    """Whether the lane holds a trajectory that ended in this batch and ended well."""
    times: Float64[Array, " time"]
    """The save times."""
    parameters: dict[str, Any]
    """Values of the parameters: scalars, or arrays [lane] of those that differ between trajectories."""
    variables: tuple[Float64[Array, "time lane"], ...] = ()
