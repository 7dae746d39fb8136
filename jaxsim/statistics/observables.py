"""Mean and variance of observables, which are expressions of the species, and of variables."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.network import Expression, evaluate
from jaxsim.statistics.batch import Batch
from jaxsim.statistics.exact_sums import number_valid


class ObservableSums(NamedTuple):
    """Sums over trajectories in float64."""

    count: Any
    first: Any
    second: Any


@dataclass(frozen=True)
class Observables:
    """Accumulate expressions of the state, evaluated in float64."""

    observables: tuple[tuple[str, Expression], ...]
    species: tuple[str, ...]
    times: int
    variables: tuple[str, ...] = ()

    def start(self) -> ObservableSums:
        """Return the sums over no trajectories."""
        shape = (len(self.observables), self.times)
        return ObservableSums(
            jnp.zeros((self.times,), jnp.int64), jnp.zeros(shape, jnp.float64), jnp.zeros(shape, jnp.float64)
        )

    def add(self, sums: ObservableSums, batch: Batch) -> ObservableSums:
        """Add the trajectories of one batch."""
        shape = batch.valid.shape
        env = {name: _spread(value, shape) for name, value in batch.parameters.items()}
        env["t"] = jnp.broadcast_to(batch.times[:, None], shape)
        env.update({name: x.astype(jnp.float64) for name, x in zip(self.species, batch.states, strict=True)})
        env.update(zip(self.variables, batch.variables, strict=True))
        values = [_spread(evaluate(expression, env), shape) for _, expression in self.observables]
        kept = [jnp.where(batch.valid, value, 0.0) for value in values]
        return ObservableSums(
            sums.count + number_valid(batch.valid),
            sums.first + jnp.stack([jnp.sum(value, axis=1) for value in kept]),
            sums.second + jnp.stack([jnp.sum(value * value, axis=1) for value in kept]),
        )

    def result(self, sums: ObservableSums) -> dict[str, np.ndarray]:
        """Return mean and unbiased variance [time, observable]."""
        count, first, second = (np.asarray(part) for part in sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = first / np.where(count > 0, count, np.nan)
            variance = np.maximum(second - count * mean**2, 0.0) / np.where(count > 1, count - 1, np.nan)
        return {"observable_mean": mean.T, "observable_variance": variance.T}


def _spread(value: Any, shape: tuple[int, ...]) -> Any:
    """Return a number, or one value per lane, as float64 [time, lane]."""
    array = jnp.asarray(value).astype(jnp.float64)
    return jnp.broadcast_to(array if array.ndim != 1 else array[None, :], shape)
