"""Heavy events: what a score's error lacks where so few events carry so much that a sample may hold none of them.

Where the level of a drug jumps while its time is free, the whole jump is carried by the events of two cells. A few of
them, each with a large weight, make most of the variance of the score, and a sample without them has a small spread
beside a wrong mean. But the variance of a score is known: it is the Fisher information of the path, the sum over cells
of (d a)^2 / a times the width. So what the sample lacks of it, at most that of cells of few events, enters the error,
times the variance of what the score is weighed with.
"""

from collections.abc import Sequence

import numpy as np

from jaxsim.gradient.information import informed
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.tables import Read


class Heavy:
    """Hold what is known of the information in few events, and what trajectories held of it.

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
        self.left = np.zeros((2, len(ends)))  # sums of first and second powers
        self.score = np.zeros((2, *self.few.shape))

    def add(self, left: np.ndarray, scores: np.ndarray) -> None:
        """Take in what scores are weighed with, [J, L], and the scores, [J, P, L]."""
        if np.any(self.few):
            self.count += left.shape[-1]
            self.left += np.stack([left.sum(axis=-1), (left**2).sum(axis=-1)])
            self.score += np.stack([scores.sum(axis=-1), np.square(scores, dtype=np.float64).sum(axis=-1)])

    @property
    def covariance(self) -> np.ndarray:
        """Of the mean of a gradient: what the sample lacks, [P, P]."""
        if not self.count:
            return np.zeros((self.few.shape[1],) * 2)
        left, held = (second / self.count - (first / self.count) ** 2 for first, second in (self.left, self.score))
        lacking = np.clip(self.whole - held, 0.0, self.few)
        return np.diag(np.maximum(left, 0.0) @ lacking) / self.count


def ends_of(problem: Problem) -> list[float]:
    """Return up to where each term looks."""
    return [float(term.end) for term in problem.objective.terms if term.end is not None]
