"""Quantiles of every species at every save time, from a histogram of bounded relative width."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32

from jaxsim.statistics.batch import Batch

_BITS = 8  # bins are exact below 2**BITS and 2**-(BITS-1) wide in relative terms above
_BINS = (32 - _BITS) * (1 << (_BITS - 1)) + (1 << (_BITS - 1))


@dataclass(frozen=True)
class Quantiles:
    """Accumulate a floating-point histogram: 128 bins per factor of two, one count each below 256.

    A quantile read from it is exact below 256 and within 0.8 % above, whatever the range of the data.
    """

    times: int
    species: int
    probabilities: tuple[float, ...]

    def start(self) -> Any:
        """Return the counts of no trajectories, int64 [species, time, bins]."""
        return jnp.zeros((self.species, self.times, _BINS), jnp.int64)

    def add(self, counts: Array, batch: Batch) -> Any:
        """Add the trajectories of one batch."""
        shape = batch.states.shape
        bins = jnp.where(batch.valid[None], bin_of(batch.states), np.int32(_BINS))
        species, time = (lax.broadcasted_iota(jnp.int32, shape, axis) for axis in (0, 1))
        return counts.at[species, time, bins].add(np.int64(1), mode="drop")

    def result(self, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return the quantiles [probability, time, species]; NaN where no trajectory was counted."""
        cumulative = np.cumsum(np.asarray(counts), axis=2)
        total = cumulative[:, :, -1]
        values = np.empty((len(self.probabilities), self.times, self.species))
        for row, probability in enumerate(self.probabilities):
            needed = np.maximum(np.ceil(probability * total), 1)
            first = np.argmax(cumulative >= needed[:, :, None], axis=2)
            values[row] = np.where(total > 0, centre_of(first), np.nan).T
        return {"quantiles": values}


def bin_of(count: Int32[Array, "..."]) -> Int32[Array, "..."]:
    """Return the bin of a count: its leading BITS bits and their position.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> bin_of(jnp.array([0, 255, 256, 257, 258], jnp.int32)).tolist()
    [0, 255, 256, 256, 257]
    """
    length = np.int32(32) - lax.clz(count)
    shift = jnp.maximum(length - np.int32(_BITS), np.int32(0))
    return shift * np.int32(1 << (_BITS - 1)) + (count >> shift)


def centre_of(bins: np.ndarray) -> np.ndarray:
    """Return the middle of the counts that share a bin."""
    half = 1 << (_BITS - 1)
    shift = np.maximum(bins // half - 1, 0)
    low = (bins - shift * half) << shift
    return low + ((1 << shift) - 1) / 2
