"""Method controlled_score: scores on the leap chain with martingale control variates, fitted on other trajectories."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators.leap_score import LEAP_BIAS, bias_of, leap_anchors, spread_of
from jaxsim.gradient.exact.scores import ExactScores
from jaxsim.gradient.heavy import Heavy, ends_of
from jaxsim.gradient.influence import Doubt, influences, values
from jaxsim.gradient.leap.channels import find_channels
from jaxsim.gradient.leap.critics import linear_critics
from jaxsim.gradient.leap.scores import Scores, leap_scores
from jaxsim.gradient.objective import Objective
from jaxsim.gradient.problem import (
    Alike,
    Average,
    GradientEstimate,
    Problem,
    batches,
    chain_of,
    drive_of,
    first_words,
    lanes_of,
    refuse_faults,
)
from jaxsim.gradient.summaries import Anchor
from jaxsim.gradient.tables import Read
from jaxsim.runtime.workers import run_batches

FITTED_FROM = 3 << 30  # number of the first trajectory from which the critics' weights are fitted


def estimate(problem: Problem) -> GradientEstimate:
    """Average what the critics leave over, times scores, plus what they see."""
    chain = chain_of(problem, lanes_of(problem))
    drive, spread = drive_of(problem), spread_of(problem)
    channels, critics = find_channels(chain, problem.slopes), linear_critics(chain, drive, problem.grid)
    anchor = leap_anchors(problem, drive)

    def call(first: int) -> Scores:
        return leap_scores(chain, channels, drive._replace(first=first_words(first)), spread, critics)

    read = Read(problem.grid.edges, problem.tables, problem.slopes)
    return controlled_estimate(
        problem, chain.lanes, anchor, call, LEAP_BIAS, lambda kept: refuse_faults(kept.faulty, "leap"), read
    )


def controlled_estimate(
    problem: Problem,
    lanes: int,
    anchor: list[Anchor | None],
    call: Callable[[int], Any],
    bias: str,
    refuse: Callable[[Any], None],
    read: Read,
) -> GradientEstimate:
    """Fit the critics' weights on one batch of its own, and average over the others."""
    (pilot,) = run_batches(call, [problem.first + FITTED_FROM])
    refuse(pilot)
    weights = fitted(problem.objective, anchor, pilot)
    given = batches(problem.first, problem.trajectories, lanes)
    gradient, value, alike, held = Average(problem.size), Average(1), Alike(), 0.0
    doubt = Doubt(anchor, problem.size)
    heavy = Heavy(problem, read, [max(ends_of(problem))])
    for kept in run_batches(call, given):
        refuse(kept)
        parts = partial(controlled, problem.objective, kept=kept, weights=weights)
        gradient.add(parts(anchor))
        doubt.add(parts)
        surprise = weights @ kept.martingale.astype(np.float64)
        heavy.add((influences(problem.objective, anchor, kept.numbers) - surprise)[None, :])
        value.add((values(problem.objective, anchor, kept.numbers) - surprise)[None, :])
        alike.add(kept.numbers)
        held += float(np.mean(getattr(kept, "held", 0.0))) / len(given)
    error = float(np.sqrt(value.covariance[0, 0]))
    number, bias = lanes * len(given), bias_of(bias, anchor)
    covariance = doubt.covariance(gradient) + heavy.lacking(gradient.covariance)
    return GradientEstimate(
        float(value.mean[0]), error, gradient.mean, covariance, number, bias, held, alike=alike.terms
    )


def fitted(objective: Objective, anchor: list[Anchor | None], kept: ExactScores | Scores) -> np.ndarray:
    """Return the weight of each critic, [C], by least squares of the influence on the martingales."""
    martingale = kept.martingale.astype(np.float64)
    martingale = martingale - martingale.mean(axis=1, keepdims=True)
    phi = influences(objective, anchor, kept.numbers)
    if not (np.all(np.isfinite(martingale)) and np.all(np.isfinite(phi))):
        raise SimulationError(
            "a control variate of the score, the adjoint of the rate equations along the path, is not finite; give a "
            "shorter step=, or use method 'score' or 'leap_score', which have none"
        )
    weights: np.ndarray = np.linalg.lstsq(martingale.T, phi - phi.mean(), rcond=1e-6)[0]
    return weights


def controlled(
    objective: Objective, anchor: list[Anchor | None], kept: ExactScores | Scores, weights: np.ndarray
) -> np.ndarray:
    """Return what each trajectory of a batch gives to the gradient, [P, L]."""
    many = kept.numbers.shape[1] / (kept.numbers.shape[1] - 1)
    left = influences(objective, anchor, kept.numbers) - weights @ kept.martingale.astype(np.float64)
    score = kept.total.astype(np.float64)
    score = score - score.mean(axis=1, keepdims=True)
    seen = np.tensordot(weights, kept.bracket.astype(np.float64), axes=1)
    rows = zip(objective.terms, kept.numbers.astype(np.float64), strict=True)
    seen = seen + sum(term.weight * term.summary.through_mean(row, score) for term, row in rows)
    return many * (left - left.mean())[None, :] * score + seen
