"""Heavy events: what a score's error lacks where so few events carry so much that a sample may hold none of them.

Where the level of a drug jumps while its time is free, the whole jump is carried by the events of two cells. A few of
them, each with a large weight, make most of the variance of the score, and a sample without them has a small spread
beside a wrong mean; all the more where the objective is seldom other than zero. But the variance of a score is known:
it is the Fisher information of the path, the sum over cells of (d a)^2 / a times the width. Times the variance of what
the score is weighed with it is the variance of their product, were they independent. So what the sample's variance
lacks of that, at most the part of cells of few events, enters the error.
"""

from collections.abc import Sequence

import numpy as np

from jaxsim.gradient.information import informed
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.tables import Read


class Heavy:
    """Hold what is known of the information in few events, and the spread of what scores are weighed with.

    Parameters
    ----------
    problem, read
        The tables are those that the method reads.
    ends : sequence of float
        Up to where each score is taken.
    """

    def __init__(self, problem: Problem, read: Read, ends: Sequence[float]) -> None:
        whole, few = informed(problem, read)  # [n, P]
        before = np.array([read.edges[:-1] < end for end in ends], np.float64)
        self.whole, self.few = before @ whole, before @ few  # [J, P]
        self.count = 0
        self.sums = np.zeros((2, len(ends)))  # of first and second powers

    def add(self, left: np.ndarray) -> None:
        """Take in what the score of each term is weighed with, [J, L]."""
        self.count += left.shape[-1]
        self.sums += np.stack([left.sum(axis=-1), (left**2).sum(axis=-1)])

    def lacking(self, covariance: np.ndarray) -> np.ndarray:
        """Return what a sample's covariance of the mean of a gradient lacks, [P, P]."""
        first, second = self.sums / self.count
        spread = np.maximum(second - first**2, 0.0)
        held = np.diag(covariance) * self.count
        return np.diag(np.clip(spread @ self.whole - held, 0.0, spread @ self.few)) / self.count


def ends_of(problem: Problem) -> list[float]:
    """Return up to where each term looks."""
    return [float(term.end) for term in problem.objective.terms if term.end is not None]
