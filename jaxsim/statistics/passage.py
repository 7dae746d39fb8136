"""First-passage and extinction times: survival curves and their means."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.statistics.batch import Batch
from jaxsim.statistics.exact_sums import lane_sum


class PassageSums(NamedTuple):
    """Sums over the trajectories that ended well."""

    count: Any
    """int64 []."""
    surviving: Any
    """int64 [passage, time]: not yet passed at the save time."""
    passed: Any
    """int64 [passage]: passed before the end."""
    first: Any
    """float64 [passage]: sum of the passage times of those that passed."""
    second: Any
    """float64 [passage]: sum of their squares."""

    @property
    def key(self) -> str:
        """The name of its arrays in the stores of studies."""
        return "Passage"


@dataclass(frozen=True)
class Passage:
    """Accumulate when conditions on the state first hold."""

    names: tuple[str, ...]
    times: int

    def start(self) -> PassageSums:
        """Return the sums over no trajectories."""
        number = len(self.names)
        return PassageSums(
            jnp.zeros((), jnp.int64),
            jnp.zeros((number, self.times), jnp.int64),
            jnp.zeros((number,), jnp.int64),
            jnp.zeros((number,), jnp.float64),
            jnp.zeros((number,), jnp.float64),
        )

    def add(self, sums: PassageSums, batch: Batch) -> PassageSums:
        """Add the trajectories of one batch."""
        times = jnp.stack(batch.passages)
        passed = batch.finished[None, :] & jnp.isfinite(times)
        alive = batch.finished[None, None, :] & (times[:, None, :] > batch.times[None, :, None])
        value = jnp.where(passed, times, 0.0)
        return PassageSums(
            sums.count + jnp.sum(batch.finished.astype(jnp.int64)),
            sums.surviving + lane_sum(lambda one: one.astype(jnp.int64), alive),
            sums.passed + jnp.sum(passed.astype(jnp.int64), axis=1),
            sums.first + jnp.sum(value, axis=1),
            sums.second + jnp.sum(value * value, axis=1),
        )

    def result(self, sums: PassageSums) -> dict[str, np.ndarray]:
        """Return survival [time, passage], passed fraction, and mean and variance of the times of those that passed."""
        count, passed = int(sums.count), np.asarray(sums.passed)
        first, second = np.asarray(sums.first), np.asarray(sums.second)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = first / passed
            variance = (second - passed * mean**2) / (passed - 1)
        known = max(count, 1)
        return {
            "survival": np.asarray(sums.surviving).T / known if count else np.full((self.times, len(passed)), np.nan),
            "passed": passed / known if count else np.full(len(passed), np.nan),
            "passage_mean": np.where(passed > 0, mean, np.nan),
            "passage_variance": np.where(passed > 1, variance, np.nan),
            "passage_count": np.asarray(count),
        }
