"""Method score: score function on exact paths."""

from functools import partial

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators.leap_score import bias_of, spread_of
from jaxsim.gradient.exact.drive import PIECES, ExactDrive, exact_drive
from jaxsim.gradient.exact.scores import ExactScores, exact_scores, settled_terms
from jaxsim.gradient.exact.tilted import TiltedPaths
from jaxsim.gradient.heavy import Heavy, ends_of
from jaxsim.gradient.influence import MORE, PILOT_MOST, Doubt, anchors, contributions, influence_rows, values
from jaxsim.gradient.leap.channels import find_channels
from jaxsim.gradient.problem import Alike, Average, GradientEstimate, Problem, batches, chain_of, first_words, lanes_of
from jaxsim.gradient.summaries import Anchor
from jaxsim.kernels.continuous.real_rates import degree
from jaxsim.kernels.rates import plan_rates
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.workers import run_batches

UNBIASED = f"none: unbiased for the exact process, whose drug curves are averaged over 1/{PIECES} of the span"


def refuse(problem: Problem) -> None:
    """Refuse rates of whose score no table holds the integral."""
    refuse_nonlinear(problem)


def estimate(problem: Problem) -> GradientEstimate:
    """Average influence times score over exact trajectories."""
    chain = chain_of(problem, lanes_of(problem))
    refuse(problem)
    exact, read = exact_drive(problem)
    problem = problem._replace(slopes=read.slopes)
    spread, channels, known = spread_of(problem), find_channels(chain, read.slopes), settled_terms(chain, exact)

    def call(first: int) -> ExactScores:
        with double_precision():
            return exact_scores(chain, channels, known, exact_from(exact, first), spread)

    anchor = exact_anchors(problem, call, chain.lanes)
    gradient, value, alike = Average(problem.size), Average(1), Alike()
    doubt = Doubt(anchor, problem.size)
    heavy = Heavy(problem, read, ends_of(problem))
    given = batches(problem.first, problem.trajectories, chain.lanes)
    for kept in run_batches(call, given):
        refuse_exact_faults(kept)
        nothing = np.zeros_like(kept.scores)
        parts = partial(
            contributions, problem.objective, numbers=kept.numbers, scores=kept.scores, credit=nothing, causal=False
        )
        gradient.add(parts(anchor))
        doubt.add(parts)
        heavy.add(influence_rows(problem.objective, anchor, kept.numbers))
        value.add(values(problem.objective, anchor, kept.numbers)[None, :])
        alike.add(kept.numbers)
    error = float(np.sqrt(value.covariance[0, 0]))
    number = chain.lanes * len(given)
    bias = bias_of(UNBIASED, anchor)
    covariance = doubt.covariance(gradient) + heavy.lacking(gradient.covariance)
    return GradientEstimate(float(value.mean[0]), error, gradient.mean, covariance, number, bias, alike=alike.terms)


def exact_from(exact: ExactDrive, first: int) -> ExactDrive:
    """Return the numbers of a call for other trajectories."""
    return exact._replace(drive=exact.drive._replace(first=first_words(first)))


def exact_anchors(problem: Problem, call: object, lanes: int) -> list[Anchor | None]:
    """Return quantiles from trajectories that the gradient does not use."""

    def pilot(times: int = 1) -> np.ndarray:
        number = min(times * problem.trajectories, PILOT_MOST)
        given = batches(problem.first + (1 << 31), number, lanes)
        return np.concatenate([kept.numbers for kept in run_batches(call, given)], axis=1)  # type: ignore[arg-type]

    return anchors(problem.objective, pilot, partial(pilot, MORE))


def refuse_nonlinear(problem: Problem) -> None:
    """Refuse a rate that is not linear in what varies in time, whose integral no table holds."""
    structure = problem.network.structure
    plan = plan_rates(structure, chain_of(problem, 1).sampled_parameters)
    timed = frozenset(name for name, _ in plan.in_time)
    for reaction, rate in zip(structure.reactions, plan.expressions, strict=True):
        if degree(rate, timed) > 1:
            raise SimulationError(
                f"the rate of reaction '{reaction}' mixes state and time in a way that is not linear in a function of "
                f"time, so that the exact score has no table of its integral; use method 'leap_score'"
            )


def refuse_exact_faults(kept: ExactScores | TiltedPaths) -> None:
    """Refuse a result in which a rate went out of range."""
    number = int(np.sum(kept.faulty))
    if number:
        raise SimulationError(
            f"in {number} of {kept.faulty.size} trajectories a rate was negative, not finite or too large for "
            "the clock at its time; correct the rate, or count times from a start near zero"
        )
