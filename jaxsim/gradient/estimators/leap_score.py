"""Method leap_score: score function on the leap chain."""

from functools import partial

import jax
import numpy as np

from jaxsim.gradient.heavy import Heavy, ends_of
from jaxsim.gradient.influence import MORE, PILOT_MOST, Doubt, anchors, contributions, influence_rows, values
from jaxsim.gradient.leap.chain import Drive
from jaxsim.gradient.leap.channels import find_channels
from jaxsim.gradient.leap.paths import leap_paths
from jaxsim.gradient.leap.scores import Spread, leap_scores
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

LEAP_BIAS = "none beyond that of leaping: unbiased for the law of the leap chain with these steps"


def estimate(problem: Problem) -> GradientEstimate:
    """Average influence times score over trajectories."""
    chain = chain_of(problem, lanes_of(problem))
    drive, spread = drive_of(problem), spread_of(problem)
    channels = find_channels(chain, problem.slopes)
    given = batches(problem.first, problem.trajectories, chain.lanes)
    anchor = leap_anchors(problem, drive)
    gradient, value, alike, held = Average(problem.size), Average(1), Alike(), 0.0
    doubt = Doubt(anchor, problem.size)
    heavy = Heavy(problem, Read(problem.grid.edges, problem.tables, problem.slopes), ends_of(problem))
    for kept in run_batches(
        lambda first: leap_scores(chain, channels, drive._replace(first=first_words(first)), spread), given
    ):
        refuse_faults(kept.faulty, "leap")
        parts = partial(contributions, problem.objective, numbers=kept.numbers, scores=kept.scores, credit=kept.credit)
        gradient.add(parts(anchor))
        doubt.add(parts)
        heavy.add(influence_rows(problem.objective, anchor, kept.numbers))
        value.add(values(problem.objective, anchor, kept.numbers)[None, :])
        alike.add(kept.numbers)
        held += float(np.mean(kept.held)) / len(given)
    error = float(np.sqrt(value.covariance[0, 0]))
    return GradientEstimate(
        float(value.mean[0]),
        error,
        gradient.mean,
        doubt.covariance(gradient) + heavy.lacking(gradient.covariance),
        chain.lanes * len(given),
        bias_of(LEAP_BIAS, anchor),
        held,
        alike=alike.terms,
    )


def bias_of(bias: str, anchor: list[Anchor | None]) -> str:
    """Return what is known of the bias, with what the quantiles of other trajectories add."""
    for found in anchor:
        if found is not None:
            bias += (
                f"; the quantile {found.quantile:g} +- {found.quantile_error:.2g} comes from other trajectories, and "
                f"its error counts in the standard errors"
            )
    return bias


def spread_of(problem: Problem) -> Spread:
    """Return the tables that spread channels over free numbers, in single precision."""
    slopes = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), problem.slopes.tables)
    return Spread(slopes.exposure, slopes.parameters)


def leap_anchors(problem: Problem, drive: Drive) -> list[Anchor | None]:
    """Return quantiles from trajectories that the gradient does not use."""

    def pilot(times: int = 1) -> np.ndarray:
        number = min(times * problem.trajectories, PILOT_MOST)
        chain = chain_of(problem, lanes_of(problem._replace(trajectories=number)))
        given = batches(problem.first + (1 << 31), number, chain.lanes)
        found = run_batches(lambda first: leap_paths(chain, drive._replace(first=first_words(first))), given)
        return np.concatenate([paths.numbers for paths in found], axis=1)

    return anchors(problem.objective, pilot, partial(pilot, MORE))
