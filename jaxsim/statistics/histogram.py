"""Histogram of one species at every save time, in bins of equal integer width."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.statistics.batch import Batch


@dataclass(frozen=True)
class Histogram:
    """Count trajectories by bin: bin b holds ``low + b*width <= x < low + (b+1)*width``.

    Two more bins, the first and the last, hold what lies below and above; nothing is lost.
    """

    name: str
    species: int
    times: int
    low: int
    width: int
    bins: int

    def start(self) -> Any:
        """Return the counts of no trajectories, int64 [time, bins + 2]."""
        return jnp.zeros((self.times, self.bins + 2), jnp.int64)

    def add(self, counts: Array, batch: Batch) -> Any:
        """Add the trajectories of one batch."""
        x = batch.states[self.species]
        inside = jnp.floor_divide(x - np.int32(self.low), np.int32(self.width)) + np.int32(1)
        index = jnp.clip(inside, np.int32(0), np.int32(self.bins + 1))
        index = jnp.where(batch.valid, index, np.int32(self.bins + 2))
        time = jnp.broadcast_to(jnp.arange(self.times, dtype=jnp.int32)[:, None], x.shape)
        return counts.at[time, index].add(np.int64(1), mode="drop")

    def result(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return the counts [time, bins + 2]: below, the bins, above."""
        return {f"histogram_{self.name}": np.asarray(counts)}
