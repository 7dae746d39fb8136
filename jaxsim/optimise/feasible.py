"""Limits that the final trial is going to find kept: the margin, the judgement of ends, the ways back and up to them.

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
WAYS = 2  # towards the best ends that are not kept


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
    trial: Trial

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


def judge(search: Search, penalty: Penalty, ends: list[np.ndarray], trajectories: int | None = None) -> Judged:
    """Try out ends on common trajectories, as many as judge in the end if not given."""
    trial = search.compared(ends, trajectories or search.judged)
    most = aim(search, final_errors(search, trial))
    excess = np.max((trial.mean[:, 1:] - most) / penalty.scale[1:], axis=1, initial=0.0)
    return Judged(search.criterion.sign * trial.mean[:, 0], trial.mean, most, excess, trial)


def retreat(search: Search, penalty: Penalty, z: np.ndarray, ends: list[np.ndarray]) -> list[np.ndarray]:
    """Return the best point that keeps the limits on the way from z to an end that keeps them; none if none does."""
    inside = judge(search, penalty, ends)
    if inside.excess[inside.best] > 0.0:
        return []
    safe = ends[inside.best]
    line = _between(z, safe)
    found = judge(search, penalty, line)
    return [safe, line[found.best]]


def retreat_cost(search: Search, ends: int) -> int:
    """Return how many trajectories that takes."""
    return (ends + STATIONS) * search.judged


def approach(search: Search, penalty: Penalty, z: np.ndarray, ends: list[np.ndarray]) -> np.ndarray:
    """Return the best point that keeps the limits among z, the ends, and the ways from z to ends that are better.

    A penalty may leave z well inside the limits while ends beyond them are better: the best point lies between. Each
    way is cut into stations, and then the step beyond the best of them once more; few trajectories choose, and as many
    as always judge what they chose.
    """
    few, known = search.choice, [z, *ends]
    found = judge(search, penalty, known, few)
    if found.excess[0] > 0.0:
        return z
    rivals = [z, known[found.best]]
    beyond = [i for i in np.argsort(found.values) if found.excess[i] > 0.0 and found.values[i] < found.values[0]]
    ways = [_between(z, known[i]) for i in beyond[:WAYS]]
    points = [z, *(point for way in ways for point in way)]
    best = judge(search, penalty, points, few).best if ways else 0
    if not best and not found.best:
        return z
    if best:
        way, station = divmod(best - 1, STATIONS)
        closer = _between(points[best], [*ways[way], known[beyond[way]]][station + 1])
        rivals += [points[best], closer[judge(search, penalty, closer, few).best]]
    return rivals[judge(search, penalty, rivals).best]


def approach_cost(search: Search, ends: int) -> int:
    """Return how many trajectories that may take."""
    return (ends + 2 + (WAYS + 1) * STATIONS) * search.choice + 4 * search.judged


def _between(z: np.ndarray, end: np.ndarray) -> list[np.ndarray]:
    """Return the stations between two points."""
    return [z + share * (end - z) for share in np.linspace(0.0, 1.0, STATIONS + 2)[1:-1]]
