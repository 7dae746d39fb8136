"""Mean and variance of every species at every save time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.statistics.batch import Batch
from jaxsim.statistics.exact_sums import central_product, joined, number_valid, sum_of_counts, sum_of_products


class MomentSums(NamedTuple):
    """Exact sums over trajectories; all integers, so that adding is associative."""

    count: Any
    """int64 [time]."""
    first: Any
    """int64 [species, time]."""
    second_low: Any
    """uint64 [species, time]."""
    second_high: Any
    """uint64 [species, time]."""

    @property
    def key(self) -> str:
        """The name of its arrays in the stores of studies."""
        return "Moment"


@dataclass(frozen=True)
class Moments:
    """Accumulate mean and variance from exact integer sums.

    Because the sums are exact, the result does not depend on the order in which trajectories end,
    on chunks, lanes or devices.
    """

    times: int
    species: int

    def start(self) -> MomentSums:
        """Return the sums over no trajectories."""
        shape = (self.species, self.times)
        return MomentSums(
            jnp.zeros((self.times,), jnp.int64),
            jnp.zeros(shape, jnp.int64),
            jnp.zeros(shape, jnp.uint64),
            jnp.zeros(shape, jnp.uint64),
        )

    def add(self, sums: MomentSums, batch: Batch) -> MomentSums:
        """Add the trajectories of one batch."""
        low, high = sum_of_products(batch.states, batch.states, batch.valid)
        return MomentSums(
            sums.count + number_valid(batch.valid),
            sums.first + sum_of_counts(batch.states, batch.valid),
            sums.second_low + low,
            sums.second_high + high,
        )

    def result(self, sums: MomentSums) -> dict[str, np.ndarray]:
        """Return count [time], and mean and unbiased variance [time, species] (NaN where there is none)."""
        count, first = np.asarray(sums.count), np.asarray(sums.first)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = first / np.where(count > 0, count, np.nan)
        second = joined(sums.second_low, sums.second_high)
        variance = central_product(count, first, first, second)
        return {"count": count, "mean": mean.T, "variance": variance.T}


# Covariance of every pair of species at every save time.


class CovarianceSums(NamedTuple):
    """Exact sums over trajectories, for the pairs (i, j) with i <= j in row order."""

    count: Any
    first: Any
    product_low: Any
    product_high: Any

    @property
    def key(self) -> str:
        """The name of its arrays in the stores of studies."""
        return "Covariance"


@dataclass(frozen=True)
class Covariance:
    """Accumulate the covariance matrix of the species from exact integer sums."""

    times: int
    species: int

    def start(self) -> CovarianceSums:
        """Return the sums over no trajectories."""
        pairs = self.species * (self.species + 1) // 2
        return CovarianceSums(
            jnp.zeros((self.times,), jnp.int64),
            jnp.zeros((self.species, self.times), jnp.int64),
            jnp.zeros((pairs, self.times), jnp.uint64),
            jnp.zeros((pairs, self.times), jnp.uint64),
        )

    def add(self, sums: CovarianceSums, batch: Batch) -> CovarianceSums:
        """Add the trajectories of one batch."""
        rows, columns = np.triu_indices(self.species)
        low, high = sum_of_products(batch.states[rows], batch.states[columns], batch.valid)
        return CovarianceSums(
            sums.count + number_valid(batch.valid),
            sums.first + sum_of_counts(batch.states, batch.valid),
            sums.product_low + low,
            sums.product_high + high,
        )

    def result(self, sums: CovarianceSums) -> dict[str, np.ndarray]:
        """Return the unbiased covariance [time, species, species]."""
        rows, columns = np.triu_indices(self.species)
        first = np.asarray(sums.first)
        values = central_product(
            np.asarray(sums.count), first[rows], first[columns], joined(sums.product_low, sums.product_high)
        )
        matrix = np.empty((self.times, self.species, self.species))
        matrix[:, rows, columns] = values.T
        matrix[:, columns, rows] = values.T
        return {"covariance": matrix}
