"""Heavy events: what a score's error lacks where so few events carry so much that a sample may hold none of them.

Where the level of a drug jumps while its time is free, the whole jump is carried by the events of two cells. A few of
them, each with a large weight, make most of the variance of the score, and a sample without them has a small spread
beside a wrong mean; all the more where the objective is seldom other than zero. But the variance of a score is known:
it is the Fisher information of the path, the sum over cells of (d a)^2 / a times the width. Times the variance of what
the score is weighed with it is the variance of their product, were they independent. So what the sample's variance
lacks of that, at most the part of cells of few events, enters the error.

An event counts only where it meets trajectories that the objective tells apart. Of a condition that held in two of
4,096 trajectories all that is seen are two scores, and their spread says next to nothing of that of others: there every
event is one of few, and the variance of what the score is weighed with is itself known from two trajectories.
"""

from collections.abc import Sequence

import numpy as np

from jaxsim.gradient.information import few_of, informed, rates_moved
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.tables import Read

OF_FEW = 2.0  # of two trajectories of a rare kind twice as many were to be expected, as likely as not


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
        self.moves, self.happened = rates_moved(problem, read)  # [R, n, P], [R, n]
        self.before = np.array([read.edges[:-1] < end for end in ends])  # [J, n]
        self.count = 0
        self.about = np.zeros((len(ends), 1))  # powers are taken about the first trajectory, so that nothing cancels
        self.sums = np.zeros((4, len(ends)))  # of first to fourth powers

    def add(self, left: np.ndarray) -> None:
        """Take in what the score of each term is weighed with, [J, L]."""
        if not self.count:
            self.about = left[:, :1]
        self.count += left.shape[-1]
        self.sums += np.stack([((left - self.about) ** power).sum(axis=-1) for power in (1, 2, 3, 4)])

    def lacking(self, covariance: np.ndarray) -> np.ndarray:
        """Return what a sample's covariance of the mean of a gradient lacks, [P, P]."""
        spread, telling = self._spread()
        whole, few = np.zeros(covariance.shape[0]), np.zeros(covariance.shape[0])
        information = informed(self.moves, self.happened)  # [R, n, P]
        for before, variance, number in zip(self.before, spread, telling, strict=True):
            if number:
                own = information * before[:, None]
                whole += variance * own.sum(axis=(0, 1))
                few += variance * np.sum(own * few_of(self.moves, self.happened * number), axis=(0, 1))
        held = np.diag(covariance) * self.count
        return np.diag(np.clip(whole - held, 0.0, few)) / self.count

    def _spread(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the variance of what is weighed, and how many trajectories tell of it, [J] each.

        They are all for a coin, a third for a normal law, and those of the rarer kind for a rare condition.
        """
        mean, second, third, fourth = self.sums / self.count
        variance = np.maximum(second - mean**2, 0.0)
        central = fourth - 4.0 * mean * third + 6.0 * mean**2 * second - 3.0 * mean**4
        telling = self.count * np.divide(variance**2, central, out=np.zeros_like(mean), where=central > 0.0)
        return variance * (1.0 + np.divide(OF_FEW, telling, out=np.zeros_like(mean), where=telling > 0.0)), telling


def ends_of(problem: Problem) -> list[float]:
    """Return up to where each term looks."""
    return [float(term.end) for term in problem.objective.terms if term.end is not None]
