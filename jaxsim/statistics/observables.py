"""Mean and variance of observables, which are expressions of the species, and of variables."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.network import Binary, Expression, Name, Number, evaluate
from jaxsim.statistics.batch import Batch
from jaxsim.statistics.exact_sums import number_valid

# Recognise sums of many species, so that they are a product with a matrix instead of code.


def linear_weights(expression: Expression, species: frozenset[str]) -> dict[str, float] | None:
    """Return the weight of each species in a sum of species times numbers, or None for any other expression.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> linear_weights(parse("A + 3*B + A"), frozenset("AB"))
    {'A': 2.0, 'B': 3.0}
    >>> linear_weights(parse("A*B"), frozenset("AB")) is None
    True
    """
    weights: dict[str, float] = {}
    stack = [(expression, 1.0)]
    while stack:
        node, factor = stack.pop()
        match node:
            case Binary("+", left, right):
                stack += [(left, factor), (right, factor)]
            case Binary("-", left, right):
                stack += [(left, factor), (right, -factor)]
            case Binary("*", Number(value), other) | Binary("*", other, Number(value)):
                stack.append((other, factor * value))
            case Name(name) if name in species:
                weights[name] = weights.get(name, 0.0) + factor
            case _:
                return None
    return weights


WIDE = 16  # species from which a sum of them is a product with a matrix: code would grow with the network


class ObservableSums(NamedTuple):
    """Sums over trajectories in float64."""

    count: Any
    first: Any
    second: Any

    @property
    def key(self) -> str:
        """The name of its arrays in the stores of studies."""
        return "Observable"


@dataclass(frozen=True)
class Observables:
    """Accumulate expressions of the state, evaluated in float64."""

    observables: tuple[tuple[str, Expression], ...]
    species: tuple[str, ...]
    times: int
    variables: tuple[str, ...] = ()

    @property
    def wide(self) -> dict[int, dict[str, float]]:
        """The weights of the species in observables that are sums of many."""
        species = frozenset(self.species)
        found = {n: linear_weights(expression, species) for n, (_, expression) in enumerate(self.observables)}
        return {n: weights for n, weights in found.items() if weights is not None and len(weights) >= WIDE}

    def start(self) -> ObservableSums:
        """Return the sums over no trajectories."""
        shape = (len(self.observables), self.times)
        return ObservableSums(
            jnp.zeros((self.times,), jnp.int64), jnp.zeros(shape, jnp.float64), jnp.zeros(shape, jnp.float64)
        )

    def add(self, sums: ObservableSums, batch: Batch) -> ObservableSums:
        """Add the trajectories of one batch."""
        shape, wide = batch.valid.shape, self.wide
        env = {name: _spread(value, shape) for name, value in batch.parameters.items()}
        env["t"] = jnp.broadcast_to(batch.times[:, None], shape)
        env.update({name: x.astype(jnp.float64) for name, x in zip(self.species, batch.states, strict=True)})
        env.update(zip(self.variables, batch.variables, strict=True))
        values = {
            n: _spread(evaluate(expression, env), shape)
            for n, (_, expression) in enumerate(self.observables)
            if n not in wide
        }
        if wide:
            weights = np.array([[row.get(name, 0.0) for name in self.species] for row in wide.values()])
            sums_of_species = jnp.tensordot(weights, batch.states.astype(jnp.float64), axes=1)
            values.update(zip(wide, sums_of_species, strict=True))
        kept = [jnp.where(batch.valid, values[n], 0.0) for n in range(len(self.observables))]
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
