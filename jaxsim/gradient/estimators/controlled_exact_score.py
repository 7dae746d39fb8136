"""Method controlled_exact_score: scores on exact paths with martingale control variates, fitted on other paths."""

from jaxsim.gradient.estimators.controlled_score import controlled_estimate
from jaxsim.gradient.estimators.leap_score import spread_of
from jaxsim.gradient.estimators.score import UNBIASED, exact_anchors, exact_from, refuse, refuse_exact_faults
from jaxsim.gradient.exact.critic import exact_critics
from jaxsim.gradient.exact.drive import exact_drive
from jaxsim.gradient.exact.scores import ExactScores, exact_scores, settled_terms
from jaxsim.gradient.leap.channels import find_channels
from jaxsim.gradient.problem import GradientEstimate, Problem, chain_of, lanes_of
from jaxsim.runtime.double import double_precision


def estimate(problem: Problem) -> GradientEstimate:
    """Average what the linear critics leave over, times scores, plus what they see."""
    refuse(problem)
    chain = chain_of(problem, lanes_of(problem))
    exact, read = exact_drive(problem)
    spread, channels = spread_of(problem._replace(slopes=read.slopes)), find_channels(chain, read.slopes)
    known, critic = settled_terms(chain, exact), exact_critics(chain, exact)

    def call(first: int) -> ExactScores:
        with double_precision():
            return exact_scores(chain, channels, known, exact_from(exact, first), spread, critic)

    anchor = exact_anchors(problem, call, chain.lanes)
    return controlled_estimate(problem, chain.lanes, anchor, call, UNBIASED, refuse_exact_faults, read)
