"""Limits that the final trial is going to find kept: the margin, the judgement of ends, and the way back to one.

The final trial counts a limit as kept where its upper 95 % bound keeps it. So the descent does not aim at the limit,
but short of it by the half-width that this bound is going to have, and by SPARE errors more for the noise of two
trials: an end that keeps the margin in a trial as large as the final one is found to keep the limit in 95 of 100 cases.
"""

from typing import NamedTuple

import numpy as np

from jaxsim.optimise.penalty import Penalty
from jaxsim.optimise.search import Search
from jaxsim.optimise.trial import BOUND, Trial

SPARE = 2.3262  # 1.6449 times the root of 2: a one-sided 95 % bound of the difference of two trials
STATIONS = 8  # on the line from an end that is not kept to one that is


class Judged(NamedTuple):
    """What a trial says of some ends."""

    values: np.ndarray
    """[ends]: of the objective, to be minimised."""
    rows: np.ndarray
    """[ends, 1 + limits]: of all functionals."""
    most: np.ndarray
    """[ends, limits]: what each excess may be, the margin taken off."""
    excess: np.ndarray
    """[ends]: by how much the worst limit exceeds what the final trial is going to keep, in its unit; else 0."""

    @property
    def best(self) -> int:
        """The best of those that keep all limits, or the one nearest to that."""
        return int(np.lexsort((self.values, self.excess))[0])


def final_errors(search: Search, trial: Trial) -> np.ndarray:
    """Return the standard errors that the final trial is going to have, [schedules, 1 + limits]."""
    each = [[trial.error(i, f) for f in range(trial.mean.shape[1])] for i in range(len(trial.names))]
    return np.array(each) * np.sqrt(trial.trajectories / search.final)


def aim(search: Search, errors: np.ndarray) -> np.ndarray:
    """Return the limits less their margins, [..., limits], given errors [..., 1 + limits] of the final trial."""
    return np.asarray(search.criterion.most - (BOUND + SPARE) * errors[..., 1:])


def judged_trajectories(search: Search) -> int:
    """Return how many trajectories judge each end: as many as in the final trial where there are limits."""
    return max(2 * search.choice, search.final) if search.criterion.limits else 2 * search.choice


def judge(search: Search, penalty: Penalty, ends: list[np.ndarray]) -> Judged:
    """Try out ends on common trajectories."""
    trial = search.compared(ends, judged_trajectories(search))
    most = aim(search, final_errors(search, trial))
    excess = np.max((trial.mean[:, 1:] - most) / penalty.scale[1:], axis=1, initial=0.0)
    return Judged(search.criterion.sign * trial.mean[:, 0], trial.mean, most, excess)


def retreat(search: Search, penalty: Penalty, z: np.ndarray, ends: list[np.ndarray]) -> list[np.ndarray]:
    """Return the best point that keeps the limits on the way from z to an end that keeps them; none if none does."""
    inside = judge(search, penalty, ends)
    if inside.excess[inside.best] > 0.0:
        return []
    safe = ends[inside.best]
    line = [z + share * (safe - z) for share in np.linspace(0.0, 1.0, STATIONS + 2)[1:-1]]
    found = judge(search, penalty, line)
    return [safe, line[found.best]]
