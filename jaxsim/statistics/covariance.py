"""Covariance of every pair of species at every save time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.statistics.batch import Batch
from jaxsim.statistics.exact_sums import central_product, joined, number_valid, sum_of_counts, sum_of_products


class CovarianceSums(NamedTuple):
    """Exact sums over trajectories, for the pairs (i, j) with i <= j in row order."""

    count: Any
    first: Any
    product_low: Any
    product_high: Any


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
