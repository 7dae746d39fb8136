"""Summaries: what a term of an objective says of its numbers over all trajectories.

A summary S of the law of F changes with a parameter as the mean of an influence phi does: dS = d E[phi(F)] (Hampel,
J. Am. Stat. Assoc. 69 (1974) 383). Scores are weighed by phi, and paths are differentiated through it. A summary is a
frozen object that gives phi, and the value as a mean; a new one is a class here and a constructor in ``objectives``.
Quantiles and tails hold something fixed that comes from other trajectories: their `Anchor`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import stats

from jaxsim.errors import SimulationError

_BAND = 0.05  # of probability to each side, over which a density is estimated
REACH = 1.5  # standard errors of a level within which quantiles are taken: seldom is the atom farther
NODES = np.linspace(-REACH, REACH, 9)
_SHARES = np.exp(-0.5 * NODES**2) / np.sum(np.exp(-0.5 * NODES**2))  # their probabilities
LEAST_VARIANCE = 1e-6  # of a signal: what is certain is a steep step, and has a derivative


class Anchor(NamedTuple):
    """What a quantile or tail mean holds fixed, from other trajectories.

    Where counts stand on few values, the quantile of a sample flips between two of them, and what lies above one or the
    other differs by the whole of its probability. So a tail is that above several quantiles, each with the probability
    that it is the one, which splits the atoms between which the sample cannot tell.
    """

    quantile: float
    quantile_error: float
    low: float
    high: float
    band: float
    """Probability between low and high, around the quantile."""
    nodes: tuple[float, ...]
    """Quantiles at levels within the error of the level."""
    density_error: float = 0.0
    """Of the density at the quantile, relative; 0 where none is needed."""
    on_atom: bool = False
    """Whether it is one of few values that trajectories come to."""

    @property
    def density(self) -> float:
        """Of F at the quantile."""
        return self.band / (self.high - self.low)

    @property
    def in_doubt(self) -> bool:
        """Whether the quantile is on one of two atoms or the other."""
        return self.on_atom and self.nodes[0] != self.nodes[-1]

    @property
    def alternatives(self) -> tuple[tuple["Anchor", "Anchor"], ...]:
        """Pairs of anchors at both ends of what is not known, 1.5 standard errors away."""
        ends = (self.nodes[0], self.nodes[-1])
        below, above = (self._replace(quantile=end, nodes=(end,) * len(NODES)) for end in ends)
        if not self.density_error:
            return ((below, above),)
        part = REACH * self.density_error
        return (below, above), (self._replace(band=self.band * (1 - part)), self._replace(band=self.band * (1 + part)))


class TracedAnchor(NamedTuple):
    """The numbers of an anchor that compiled programs read."""

    quantile: Any
    low: Any
    high: Any
    band: Any
    """Probability between low and high."""
    nodes: Any
    """[K]: the quantiles above which tails lie, by their shares."""


class Summary(ABC):
    """One number of the law of F."""

    anchored: ClassVar[bool] = False
    """Whether it holds something fixed that other trajectories give."""

    @abstractmethod
    def text(self, number: str, true: bool) -> str:
        """Return it in words; `true` tells that the number is whether a condition holds."""

    @abstractmethod
    def influence(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return phi of every trajectory, up to a constant, float64 [L]."""

    @abstractmethod
    def values(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return numbers [L] whose mean is the summary."""

    @abstractmethod
    def traced_influence(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return phi of every trajectory in a compiled program, float32 [L]."""

    def traced_values(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return values [L] whose mean's derivative is that of the summary along the paths."""
        return self.traced_influence(anchor, numbers)

    def through_mean(self, numbers: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return what each trajectory gives to the gradient through the mean of its batch, [P, L]."""
        return np.zeros(score.shape)

    @abstractmethod
    def of_normal(self, expected: Array, variance: Array) -> Any:
        """Return the summary of a normal variable."""

    def of_integral(self, expected: Array) -> Any:
        """Return what the mean of an integral, whose spread is not known, says of the summary."""
        return expected

    def anchor(self, numbers: np.ndarray, said: str) -> Anchor | None:
        """Return the anchor from F of other trajectories; `said` is the term in words."""
        return None

    @property
    def steepness(self) -> float:
        """The most by which it can change, as a multiple of the probability that changes hands."""
        return 1.0


@dataclass(frozen=True)
class Mean(Summary):
    """The mean."""

    def text(self, number: str, true: bool) -> str:
        """Return it in words."""
        return f"probability of {number}" if true else f"mean of {number}"

    def influence(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return the numbers."""
        return numbers

    def values(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return the numbers."""
        return numbers

    def traced_influence(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return the numbers."""
        return numbers

    def of_normal(self, expected: Array, variance: Array) -> Any:
        """Return the mean."""
        return expected


@dataclass(frozen=True)
class Variance(Summary):
    """The variance."""

    def text(self, number: str, true: bool) -> str:
        """Return it in words."""
        return f"variance of {number}"

    def influence(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return squares about the mean of the batch."""
        count = numbers.size
        return (numbers - numbers.mean()) ** 2 * (count / (count - 2))

    def values(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return squares about the mean of the batch."""
        return (numbers - numbers.mean()) ** 2 * (numbers.size / (numbers.size - 1))

    def traced_influence(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return squares about the mean of the batch."""
        count = numbers.shape[0]
        return (numbers - jnp.mean(numbers)) ** 2 * np.float32(count / (count - 2))

    def traced_values(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return squares about the mean of the batch."""
        count = numbers.shape[0]
        return (numbers - jnp.mean(numbers)) ** 2 * np.float32(count / (count - 1))

    def through_mean(self, numbers: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Return what each trajectory gives to the gradient through the mean of its batch, [P, L].

        The variance is taken about a mean of which the trajectory is a part, so that its share of the gradient has a
        second part, -2 (F - mean) cov(F, score). Its sum is zero, but not what it adds to the error.
        """
        apart = numbers - numbers.mean()
        slope = score @ apart / (numbers.size - 1)
        return np.asarray(-2.0 * slope[:, None] * apart[None, :])

    def of_normal(self, expected: Array, variance: Array) -> Any:
        """Return the variance."""
        return variance

    def of_integral(self, expected: Array) -> Any:
        """Return nothing: the mean says nothing of it."""
        return 0.0 * expected


@dataclass(frozen=True)
class Quantile(Summary):
    """The quantile at a level."""

    level: float
    anchored = True

    def text(self, number: str, true: bool) -> str:
        """Return it in words."""
        return f"quantile {self.level:g} of {number}"

    def influence(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return whether numbers are below, over the density."""
        held = _held(anchor)
        return -(numbers <= held.quantile).astype(np.float64) / held.density

    def values(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return one Newton step from the anchor, which makes it a mean."""
        held = _held(anchor)
        return held.quantile + (self.level - (numbers <= held.quantile)) / held.density

    def traced_influence(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return whether numbers are below, over the density."""
        density = anchor.band / (anchor.high - anchor.low)
        return -(numbers <= anchor.quantile).astype(jnp.float32) / density

    def traced_values(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return the numbers around the quantile."""
        inside = (numbers >= anchor.low) & (numbers <= anchor.high)
        return jnp.where(inside, numbers, 0.0) / anchor.band

    def of_normal(self, expected: Array, variance: Array) -> Any:
        """Return the quantile."""
        deviation = jnp.sqrt(jnp.maximum(variance, LEAST_VARIANCE))
        return expected + np.float32(stats.norm.ppf(self.level)) * deviation

    def anchor(self, numbers: np.ndarray, said: str) -> Anchor:
        """Return the quantile with the density around it; refuse one that stands on a single value."""
        level = self.level
        quantile, spread, nodes = _around(level, numbers)
        band = min(_BAND, level / 2, (1 - level) / 2)
        low, high = np.quantile(numbers, [level - band, level + band])
        atom = float(np.mean(numbers == quantile))
        if not high > low or atom > band:
            raise SimulationError(
                f"the {said} stands on one value that {atom:.0%} of the trajectories take, where a quantile has "
                f"no derivative; use js.probability or js.cvar"
            )
        unsure = float(np.sqrt((1.0 - 2.0 * band) / (2.0 * band * numbers.size)))
        return Anchor(quantile, spread, float(low), float(high), 2 * band, nodes, unsure)

    @property
    def steepness(self) -> float:
        """The most by which it can change, as a multiple of the probability that changes hands."""
        return 1.0 / (1.0 - self.level)


@dataclass(frozen=True)
class TailMean(Summary):
    """The mean of the tail beyond a level."""

    level: float
    """The share of trajectories outside the tail."""
    upper: bool
    """Whether the tail is that of large numbers."""
    anchored = True

    def text(self, number: str, true: bool) -> str:
        """Return it in words."""
        return f"mean of the {'upper' if self.upper else 'lower'} {1 - self.level:g} tail of {number}"

    def influence(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return how far numbers lie in the tail, over its share."""
        side, total = 1.0 if self.upper else -1.0, np.zeros(numbers.shape)
        for node, share in zip(_held(anchor).nodes, _SHARES, strict=True):
            total += share * side * np.maximum(side * (numbers - node), 0.0)
        return total / (1.0 - self.level)

    def values(self, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
        """Return the quantile, and how far numbers lie beyond it, over the share (Rockafellar & Uryasev 2000)."""
        return float(_SHARES @ np.array(_held(anchor).nodes)) + self.influence(anchor, numbers)

    def traced_influence(self, anchor: TracedAnchor, numbers: Array) -> Any:
        """Return how far numbers lie in the tail, over its share."""
        side = np.float32(1.0 if self.upper else -1.0)
        total = jnp.zeros_like(numbers)
        for k, share in enumerate(_SHARES):
            total = total + np.float32(share) * side * jnp.maximum(side * (numbers - anchor.nodes[k]), 0.0)
        return total / np.float32(1.0 - self.level)

    def of_normal(self, expected: Array, variance: Array) -> Any:
        """Return the mean of the tail."""
        deviation = jnp.sqrt(jnp.maximum(variance, LEAST_VARIANCE))
        beyond = np.float32(stats.norm.pdf(stats.norm.ppf(self.level)) / (1.0 - self.level))
        return expected + (beyond if self.upper else -beyond) * deviation

    def anchor(self, numbers: np.ndarray, said: str) -> Anchor:
        """Return the quantiles above which the tail may lie."""
        quantile, spread, nodes = _around(self.level if self.upper else 1.0 - self.level, numbers)
        return Anchor(quantile, spread, quantile, quantile + 1.0, 1.0, nodes, on_atom=len(set(nodes)) < len(nodes))

    @property
    def steepness(self) -> float:
        """The most by which it can change, as a multiple of the probability that changes hands."""
        return 1.0 / (1.0 - self.level)


MEAN, VARIANCE = Mean(), Variance()


def _held(anchor: Anchor | None) -> Anchor:
    if anchor is None:
        raise TypeError("a quantile or tail mean needs its anchor, from trajectories of its own")
    return anchor


def _around(level: float, numbers: np.ndarray) -> tuple[float, float, tuple[float, ...]]:
    """Return the quantile at a level, its error, and the quantiles at levels within the error of the level."""
    quantile = float(np.quantile(numbers, level, method="inverted_cdf"))
    error = np.sqrt(level * (1 - level) / numbers.size)
    levels = np.clip(level + error * NODES, 0.0, 1.0)
    nodes = tuple(np.quantile(numbers, levels, method="inverted_cdf").tolist())
    around = np.quantile(numbers, np.clip([level - error, level + error], 0, 1))
    return quantile, float(np.diff(around)[0]) / 2, nodes
