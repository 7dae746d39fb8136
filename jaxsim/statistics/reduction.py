"""Any function of one trajectory, averaged over trajectories."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.statistics.batch import Batch


class ReductionSums(NamedTuple):
    """Sums over the trajectories that ended well, in float64."""

    count: Any
    first: Any
    second: Any

    @property
    def key(self) -> str:
        """The name of its arrays in the stores of studies."""
        return "Reduction"


@dataclass(frozen=True)
class Reduction:
    """Average ``function(states)`` with states int32 [time, species] of one trajectory."""

    name: str
    function: Callable[[Any], Any]
    times: int
    species: int

    def _shape(self) -> tuple[int, ...]:
        states = jax.ShapeDtypeStruct((self.times, self.species), jnp.int32)
        return tuple(jax.eval_shape(self.function, states).shape)

    def start(self) -> ReductionSums:
        """Return the sums over no trajectories."""
        shape = self._shape()
        return ReductionSums(jnp.zeros((), jnp.int64), jnp.zeros(shape, jnp.float64), jnp.zeros(shape, jnp.float64))

    def add(self, sums: ReductionSums, batch: Batch) -> ReductionSums:
        """Add the trajectories of one batch."""
        by_lane = jnp.transpose(batch.states, (2, 1, 0))
        values = jax.vmap(self.function)(by_lane).astype(jnp.float64)
        mask = batch.finished.reshape((-1,) + (1,) * (values.ndim - 1))
        kept = jnp.where(mask, values, 0.0)
        return ReductionSums(
            sums.count + jnp.sum(batch.finished.astype(jnp.int64)),
            sums.first + jnp.sum(kept, axis=0),
            sums.second + jnp.sum(kept * kept, axis=0),
        )

    def result(self, sums: ReductionSums) -> dict[str, np.ndarray]:
        """Return mean and unbiased variance, in the shape of what the function returns."""
        count = int(sums.count)
        first, second = np.asarray(sums.first), np.asarray(sums.second)
        mean = first / count if count else np.full(first.shape, np.nan)
        spread = np.maximum(second - count * mean**2, 0.0) / (count - 1) if count > 1 else mean * np.nan
        return {f"{self.name}_mean": np.asarray(mean), f"{self.name}_variance": np.asarray(spread)}
