"""From scores to gradients: each term's influence times its score, centred with the other trajectories' mean.

With phi the influence of a trajectory on an objective (F itself for a mean, (F - m)^2 for a variance, (F - q)+ over the
share of the tail for a tail mean, see `Anchor`), the gradient is the covariance of phi and the score. Centring phi by
the mean of the other trajectories of the batch ("leave one out") gives the sample covariance, which is unbiased; for
the variance the third cumulant's k-statistic is. Sources: Wang & Rathinam, SIAM/ASA J. Uncertain. Quantif. 4 (2016)
1288, for centring.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from scipy import stats

from jaxsim.errors import SimulationError
from jaxsim.gradient.objective import Objective, Term, described
from jaxsim.gradient.problem import Average

PILOT_MOST = 1 << 20
_BAND = 0.05  # of probability to each side, over which a density is estimated
_REACH = 1.5  # standard errors of a level within which quantiles are taken: seldom is the atom farther
MORE = 4  # times as many trajectories, where a pilot cannot tell between two atoms
NODES = np.linspace(-_REACH, _REACH, 9)
_SHARES = np.exp(-0.5 * NODES**2) / np.sum(np.exp(-0.5 * NODES**2))  # their probabilities


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
        part = _REACH * self.density_error
        return (below, above), (self._replace(band=self.band * (1 - part)), self._replace(band=self.band * (1 + part)))


class Doubt:
    """What the error of quantiles from other trajectories adds to the covariance of a gradient.

    A gradient is estimated at both ends of the interval of each quantile too, 1.5 standard errors away; what lies
    farther from the estimate counts as so many.
    """

    def __init__(self, anchor: list[Anchor | None], size: int) -> None:
        self.pairs = alternatives(anchor)
        self.averages = [[Average(size) for _ in pair] for pair in self.pairs]

    def add(self, gradients: Callable[[list[Anchor | None]], np.ndarray]) -> None:
        """Take in what a batch gives to the gradient, [P, L], as a function of the anchors."""
        for pair, averages in zip(self.pairs, self.averages, strict=True):
            for anchor, average in zip(pair, averages, strict=True):
                average.add(gradients(anchor))

    def covariance(self, found: Average) -> np.ndarray:
        """Return the covariance [P, P] of a gradient from the same batches with what it adds."""
        total = found.covariance
        for (anchor, _), (below, above) in zip(self.pairs, self.averages, strict=True):
            total = doubted(total, below.mean - found.mean, above.mean - found.mean, on_atoms(anchor))
        return total


def alternatives(anchor: list[Anchor | None]) -> list[tuple[list[Anchor | None], list[Anchor | None]]]:
    """Return pairs of lists of anchors, in which one is at either end of what is not known of it."""
    found = []
    for j, one in enumerate(anchor):
        for pair in () if one is None else one.alternatives:
            below, above = ([*anchor[:j], end, *anchor[j + 1 :]] for end in pair)
            found.append((below, above))
    return found


def on_atoms(anchor: list[Anchor | None]) -> bool:
    """Return whether some quantile is one of few values."""
    return any(one is not None and one.on_atom for one in anchor)


def doubted(covariance: np.ndarray, below: np.ndarray, above: np.ndarray, atoms: bool) -> np.ndarray:
    """Return a covariance [P, P] with the farther of two ends, by component, as 1.5 standard errors more.

    On atoms a gradient is one or the other, not between: that is no noise of mean zero, so that errors add up.
    """
    reach = np.maximum(np.abs(below), np.abs(above)) / _REACH
    sign = np.where(above >= below, 1.0, -1.0)
    more = np.diag(2.0 * reach * np.sqrt(np.maximum(np.diag(covariance), 0.0))) if atoms else 0.0
    return covariance + np.outer(sign * reach, sign * reach) + more


def needs_pilot(objective: Objective) -> bool:
    """Return whether a quantile must be known before scores can be weighed."""
    return any(term.summary in ("quantile", "tail mean") for term in objective.terms)


def anchors(
    objective: Objective, pilot: Callable[[], np.ndarray], more: Callable[[], np.ndarray] | None = None
) -> list[Anchor | None]:
    """Return the anchor of each term; `pilot` gives F [J, number] of trajectories of their own.

    Where these cannot tell on which of two atoms a tail begins, `more` gives those of `MORE` times as many.
    """
    if not needs_pilot(objective):
        return [None] * len(objective.terms)
    found = _anchors(objective, pilot())
    if more is not None and any(one is not None and one.in_doubt for one in found):
        found = _anchors(objective, more())
    return found


def _anchors(objective: Objective, numbers: np.ndarray) -> list[Anchor | None]:
    return [
        _anchor(term, row) if term.summary in ("quantile", "tail mean") else None
        for term, row in zip(objective.terms, np.asarray(numbers, np.float64), strict=True)
    ]


def _anchor(term: Term, numbers: np.ndarray) -> Anchor:
    level = term.level if term.summary == "quantile" or term.upper else 1.0 - term.level
    quantile = float(np.quantile(numbers, level, method="inverted_cdf"))
    error = np.sqrt(level * (1 - level) / numbers.size)
    levels = np.clip(level + error * NODES, 0.0, 1.0)
    nodes = tuple(np.quantile(numbers, levels, method="inverted_cdf").tolist())
    around = np.quantile(numbers, np.clip([level - error, level + error], 0, 1))
    spread = float(np.diff(around)[0]) / 2
    if term.summary == "tail mean":
        return Anchor(quantile, spread, quantile, quantile + 1.0, 1.0, nodes, on_atom=len(set(nodes)) < len(nodes))
    band = min(_BAND, level / 2, (1 - level) / 2)
    low, high = np.quantile(numbers, [level - band, level + band])
    atom = float(np.mean(numbers == quantile))
    if not high > low or atom > band:
        raise SimulationError(
            f"the {described(term)} stands on one value that {atom:.0%} of the trajectories take, where a quantile has "
            f"no derivative; use js.probability or js.cvar"
        )
    unsure = float(np.sqrt((1.0 - 2.0 * band) / (2.0 * band * numbers.size)))
    return Anchor(quantile, spread, float(low), float(high), 2 * band, nodes, unsure)


def influence(term: Term, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
    """Return phi of every trajectory, up to a constant."""
    if term.summary == "mean":
        return numbers
    if term.summary == "variance":
        count = numbers.size
        return (numbers - numbers.mean()) ** 2 * (count / (count - 2))
    assert anchor is not None
    if term.summary == "quantile":
        return -(numbers <= anchor.quantile).astype(np.float64) / anchor.density
    side, total = 1.0 if term.upper else -1.0, np.zeros(numbers.shape)
    for node, share in zip(anchor.nodes, _SHARES, strict=True):
        total += share * side * np.maximum(side * (numbers - node), 0.0)
    return total / (1.0 - term.level)


def influences(objective: Objective, anchor: list[Anchor | None], numbers: np.ndarray) -> np.ndarray:
    """Return phi of the whole objective for every trajectory."""
    return np.asarray(np.sum(influence_rows(objective, anchor, numbers), axis=0))


def influence_rows(objective: Objective, anchor: list[Anchor | None], numbers: np.ndarray) -> np.ndarray:
    """Return phi of each term times its weight, [J, L]."""
    rows = numbers.astype(np.float64)
    return np.stack([term.weight * influence(term, anchor[j], rows[j]) for j, term in enumerate(objective.terms)])


def _value(term: Term, anchor: Anchor | None, numbers: np.ndarray) -> np.ndarray:
    """Return numbers [L] whose mean is the summary of the term."""
    if term.summary == "mean":
        return numbers
    if term.summary == "variance":
        return (numbers - numbers.mean()) ** 2 * (numbers.size / (numbers.size - 1))
    assert anchor is not None
    if term.summary == "quantile":  # one Newton step from the anchor, which makes it a mean
        return anchor.quantile + (term.level - (numbers <= anchor.quantile)) / anchor.density
    return float(_SHARES @ np.array(anchor.nodes)) + influence(term, anchor, numbers)


def contributions(
    objective: Objective,
    anchor: list[Anchor | None],
    numbers: np.ndarray,
    scores: np.ndarray,
    credit: np.ndarray,
    causal: bool = True,
) -> np.ndarray:
    """Return what each trajectory of a batch gives to the gradient, [P, L].

    Parameters are those of `leap_scores`: F [J, L], the scores [J, P, L], and the causal credit [J, P, L],
    which integrals use where `causal`.
    """
    numbers, scores = numbers.astype(np.float64), scores.astype(np.float64)
    total = np.zeros(scores.shape[1:])
    many = numbers.shape[1] / (numbers.shape[1] - 1)
    for j, term in enumerate(objective.terms):
        if causal and term.kind == "integral" and term.summary == "mean":
            total += term.weight * credit[j]
            continue
        phi = influence(term, anchor[j], numbers[j])
        score = scores[j] - scores[j].mean(axis=1, keepdims=True)
        total += (term.weight * many) * (phi - phi.mean())[None, :] * score
        total += term.weight * through_mean(term, numbers[j], score)
    return total


def through_mean(term: Term, numbers: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return what each trajectory gives to the gradient of a variance through the mean of its batch, [P, L].

    The variance is taken about a mean of which the trajectory is a part, so that its share of the gradient has a second
    part, -2 (F - mean) cov(F, score). Its sum is zero, but not what it adds to the error.
    """
    if term.summary != "variance":
        return np.zeros(score.shape)
    apart = numbers - numbers.mean()
    slope = score @ apart / (numbers.size - 1)
    return np.asarray(-2.0 * slope[:, None] * apart[None, :])


def values(objective: Objective, anchor: list[Anchor | None], numbers: np.ndarray) -> np.ndarray:
    """Return [L] whose mean is the value of the objective."""
    rows = numbers.astype(np.float64)
    parts = [term.weight * _value(term, anchor[j], rows[j]) for j, term in enumerate(objective.terms)]
    return np.sum(parts, axis=0)


def _normal_quantile(share: float) -> float:
    """Return the two-sided normal quantile, 1.96 for 0.95.

    Examples
    --------
    >>> round(_normal_quantile(0.95), 2)
    1.96
    """
    return float(stats.norm.ppf(0.5 + 0.5 * share))


# From differentiable numbers and log-likelihoods of trajectories to one scalar whose derivative is the estimator.
#
# For each term: the derivative along the path of its influence, plus the influence, centred by leaving one out, times
# the derivative of the log-likelihood of the firings that are treated by score (a stochastic computation graph;
# Schulman, Heess, Weber & Abbeel, NeurIPS 2015, theorem 1). Where a critic follows the scored firings, its martingale
# is taken off the influence, and what it sees of the rates' moves is added (see `critics`).


class Ends(NamedTuple):
    """What differentiable trajectories end with."""

    numbers: Any
    """float32 [J, L]: F of each term."""
    likelihoods: Any
    """float32 [J, L]: log-likelihood of the scored firings up to where the term is known."""
    credit: Any
    """float32 [J, L]: for mean integrals, the sum over time of the centred rate times the log-likelihood so far."""
    held: Any
    faulty: Any
    whole: Any = None
    """float32 [L]: log-likelihood of all scored firings, where a critic follows them."""
    martingale: Any = None
    """float32 [L]: what the critic, weighted, was surprised by."""
    bracket: Any = None
    """float32 [L]: whose derivative is what the critic sees of the rates' moves."""


class Levels(NamedTuple):
    """The weights of the terms, and what quantiles and tail means hold fixed, from other trajectories; [J] each."""

    weight: Any
    quantile: Any
    low: Any
    high: Any
    band: Any
    """Probability between low and high."""
    nodes: Any
    """[J, K]: the quantiles above which tails lie, by their shares; see `credit.Anchor`."""


def loss(terms: tuple[Term, ...], levels: Levels, ends: Ends) -> Any:
    """Return the scalar; its value is of no use."""
    total = jnp.zeros((), jnp.float32)
    for j, term in enumerate(terms):
        numbers = ends.numbers[j]
        path = jnp.zeros((), jnp.float32) if term.discontinuous else jnp.mean(_path(term, levels, j, numbers))
        if term.kind == "integral" and term.summary == "mean":
            score = jnp.mean(ends.credit[j])
        else:
            many = np.float32(numbers.shape[0] / (numbers.shape[0] - 1))
            phi = stop_gradient(_influence(term, levels, j, numbers))
            score = many * jnp.mean((phi - jnp.mean(phi)) * ends.likelihoods[j])
        total = total + levels.weight[j] * (path + score)
    if ends.martingale is None:
        return total
    surprise = stop_gradient(ends.martingale)
    many = np.float32(surprise.shape[0] / (surprise.shape[0] - 1))
    return total + jnp.mean(ends.bracket) - many * jnp.mean((surprise - jnp.mean(surprise)) * ends.whole)


def _path(term: Term, levels: Levels, j: int, numbers: Any) -> Any:
    """Return values [L] whose mean's derivative is that of the summary along the paths."""
    if term.summary == "quantile":
        inside = (numbers >= levels.low[j]) & (numbers <= levels.high[j])
        return jnp.where(inside, numbers, 0.0) / levels.band[j]
    if term.summary == "variance":
        count = numbers.shape[0]
        return (numbers - jnp.mean(numbers)) ** 2 * np.float32(count / (count - 1))
    return _influence(term, levels, j, numbers)


def _influence(term: Term, levels: Levels, j: int, numbers: Any) -> Any:
    if term.summary == "mean":
        return numbers
    if term.summary == "variance":
        count = numbers.shape[0]
        return (numbers - jnp.mean(numbers)) ** 2 * np.float32(count / (count - 2))
    if term.summary == "quantile":
        density = levels.band[j] / (levels.high[j] - levels.low[j])
        return -(numbers <= levels.quantile[j]).astype(jnp.float32) / density
    side = np.float32(1.0 if term.upper else -1.0)
    total = jnp.zeros_like(numbers)
    for k, share in enumerate(_SHARES):
        total = total + np.float32(share) * side * jnp.maximum(side * (numbers - levels.nodes[j, k]), 0.0)
    return total / np.float32(1.0 - term.level)
