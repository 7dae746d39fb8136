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

from jaxsim.gradient.objective import Objective, Term, described
from jaxsim.gradient.problem import Average
from jaxsim.gradient.summaries import REACH, Anchor, TracedAnchor

PILOT_MOST = 1 << 20
MORE = 4  # times as many trajectories, where a pilot cannot tell between two atoms


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
    reach = np.maximum(np.abs(below), np.abs(above)) / REACH
    sign = np.where(above >= below, 1.0, -1.0)
    more = np.diag(2.0 * reach * np.sqrt(np.maximum(np.diag(covariance), 0.0))) if atoms else 0.0
    return covariance + np.outer(sign * reach, sign * reach) + more


def needs_pilot(objective: Objective) -> bool:
    """Return whether a quantile must be known before scores can be weighed."""
    return any(term.summary.anchored for term in objective.terms)


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
    rows = np.asarray(numbers, np.float64)
    return [term.summary.anchor(row, described(term)) for term, row in zip(objective.terms, rows, strict=True)]


def influences(objective: Objective, anchor: list[Anchor | None], numbers: np.ndarray) -> np.ndarray:
    """Return phi of the whole objective for every trajectory."""
    return np.asarray(np.sum(influence_rows(objective, anchor, numbers), axis=0))


def influence_rows(objective: Objective, anchor: list[Anchor | None], numbers: np.ndarray) -> np.ndarray:
    """Return phi of each term times its weight, [J, L]."""
    rows = numbers.astype(np.float64)
    return np.stack(
        [term.weight * term.summary.influence(anchor[j], rows[j]) for j, term in enumerate(objective.terms)]
    )


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
        if causal and term.credited:
            total += term.weight * credit[j]
            continue
        phi = term.summary.influence(anchor[j], numbers[j])
        score = scores[j] - scores[j].mean(axis=1, keepdims=True)
        total += (term.weight * many) * (phi - phi.mean())[None, :] * score
        total += term.weight * term.summary.through_mean(numbers[j], score)
    return total


def values(objective: Objective, anchor: list[Anchor | None], numbers: np.ndarray) -> np.ndarray:
    """Return [L] whose mean is the value of the objective."""
    rows = numbers.astype(np.float64)
    parts = [term.weight * term.summary.values(anchor[j], rows[j]) for j, term in enumerate(objective.terms)]
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
    """[J, K]: the quantiles above which tails lie, by their shares; see :class:`jaxsim.gradient.summaries.Anchor`."""

    def anchor(self, j: int) -> TracedAnchor:
        """What term j holds fixed."""
        return TracedAnchor(self.quantile[j], self.low[j], self.high[j], self.band[j], self.nodes[j])


def loss(terms: tuple[Term, ...], levels: Levels, ends: Ends) -> Any:
    """Return the scalar; its value is of no use."""
    total = jnp.zeros((), jnp.float32)
    for j, term in enumerate(terms):
        numbers = ends.numbers[j]
        path, anchor = jnp.zeros((), jnp.float32), levels.anchor(j)
        if not term.discontinuous:
            path = jnp.mean(term.summary.traced_values(anchor, numbers))
        if term.credited:
            score = jnp.mean(ends.credit[j])
        else:
            many = np.float32(numbers.shape[0] / (numbers.shape[0] - 1))
            phi = stop_gradient(term.summary.traced_influence(anchor, numbers))
            score = many * jnp.mean((phi - jnp.mean(phi)) * ends.likelihoods[j])
        total = total + levels.weight[j] * (path + score)
    if ends.martingale is None:
        return total
    surprise = stop_gradient(ends.martingale)
    many = np.float32(surprise.shape[0] / (surprise.shape[0] - 1))
    return total + jnp.mean(ends.bracket) - many * jnp.mean((surprise - jnp.mean(surprise)) * ends.whole)
