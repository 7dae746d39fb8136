"""Method split_difference: central differences on exact paths, coupled event by event.

The referee of exact scores: right for any objective and any rate, without the bias of leaping, and with little noise as
long as the two paths stay together.
"""

import numpy as np

from jaxsim.ensemble.batches import run_batches
from jaxsim.ensemble.double import double_precision
from jaxsim.errors import SimulationError
from jaxsim.gradient.batches import Average, batches
from jaxsim.gradient.credit import anchors, values
from jaxsim.gradient.difference import half_widths
from jaxsim.gradient.exact_drive import PIECES, ExactDrive, exact_drive
from jaxsim.gradient.exact_pairs import Pairs, exact_pairs
from jaxsim.gradient.exact_score import settled_terms
from jaxsim.gradient.leap_score_estimator import bias_of
from jaxsim.gradient.problem import Estimate, Problem, chain_of, first_words, lanes_of

BIAS = (
    f"of the order of the square of the steps {{steps}}; exact paths whose drug curves are averaged over 1/{PIECES} of "
    f"the span"
)


def estimate(problem: Problem) -> Estimate:
    """Average differences over pairs."""
    widths, chain = half_widths(problem), chain_of(problem, lanes_of(problem))
    sides = [(moved(problem, -step), moved(problem, step)) for step in np.eye(problem.size) * widths[:, None]]
    known = settled_terms(chain, sides[0][0])

    def pairs(first: int, p: int) -> Pairs:
        with double_precision():
            words = first_words(first)
            return exact_pairs(chain, known, *(d._replace(drive=d.drive._replace(first=words)) for d in sides[p]))

    def pilot() -> np.ndarray:
        given = batches(problem.first + (1 << 31), problem.trajectories, chain.lanes)
        return np.concatenate([found.numbers[0] for found in run_batches(lambda first: pairs(first, 0), given)], axis=1)

    anchor = anchors(problem.objective, pilot)
    gradient, value = Average(problem.size), Average(1)
    given = batches(problem.first, problem.trajectories, chain.lanes)
    for found in run_batches(lambda first: [pairs(first, p) for p in range(problem.size)], given):
        _refuse_faults(found)
        both = np.array([[values(problem.objective, anchor, side) for side in one.numbers] for one in found])
        gradient.add((both[:, 1] - both[:, 0]) / (2.0 * widths[:, None]))
        value.add(both[0].mean(axis=0)[None, :])
    error = float(np.sqrt(value.covariance[0, 0]))
    bias = bias_of(BIAS.format(steps=", ".join(f"{width:.3g}" for width in widths)), anchor)
    return Estimate(float(value.mean[0]), error, gradient.mean, gradient.covariance, value.count, bias)


def moved(problem: Problem, direction: np.ndarray) -> ExactDrive:
    free = problem.free._replace(theta=problem.free.theta + direction)
    network, schedule = free.model()
    return exact_drive(problem._replace(free=free, network=network, schedule=schedule))[0]


def _refuse_faults(found: list[Pairs]) -> None:
    for one in found:
        if np.any(one.faulty):
            number = int(np.sum(one.faulty))
            raise SimulationError(
                f"in {number} of {one.faulty.size} pairs a rate was negative, not finite or too large for "
                "the clock at its time; correct the rate, or count times from a start near zero"
            )
