"""Limits that the final trial is going to find kept: the margin, the judgement of ends, the ways back and up to them.

The final trial counts a limit as kept where its upper 95 % bound keeps it. So the descent does not aim at the limit,
but short of it by the half-width that this bound is going to have, and by SPARE errors more for the noise of two
trials: an end that keeps the margin in a trial as large as the final one is found to keep the limit in 95 of 100 cases.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jaxsim.optimise.search import Search
from jaxsim.optimise.trial import BOUND, Trial

# The augmented Lagrangian: what a violated limit adds to the slope of the objective.
#
# For limits c <= 0, L = f + sum (max(0, m + r c)^2 - m^2) / 2r has the slope grad f + sum max(0, m + r c) grad c; m
# follows m <- max(0, m + r c) between rounds (Hestenes; Powell; Rockafellar, SIAM J. Control 12 (1974) 268). Objective
# and limits are taken in units of their own, so that one r serves all.

FIRM = 10.0  # r at the start: a limit exceeded by a tenth of its unit pulls as hard as the objective
LEAST_UNIT = 1e-3  # of the size of the objective or the bound: a unit that is not lost in a large offset, as of logs
_GROWTH, _ENOUGH = 2.0, 0.5  # r grows where a round has not halved the worst excess
FIRMEST = 256.0


@dataclass
class Penalty:
    """Hold the multipliers, which change between rounds.

    Parameters
    ----------
    scale
        Unit of the objective, then of each limit's excess, [1 + limits].
    most
        What each excess may be, [limits]; the margin to spare is taken off already.
    sign
        1 where the objective is minimised, -1 where maximised.
    """

    scale: np.ndarray
    most: np.ndarray
    sign: float
    multiplier: np.ndarray
    firmness: float = FIRM
    worst: float = np.inf

    def weights(self, found: np.ndarray) -> np.ndarray:
        """Return the weights of objective and excesses in the slope, from values of all functionals [1 + limits]."""
        pull = np.maximum(0.0, self.multiplier + self.firmness * self.excess(found))
        return np.concatenate([[self.sign], pull]) / self.scale

    def merit(self, found: np.ndarray) -> float:
        """Return the augmented Lagrangian, to be minimised."""
        pull = np.maximum(0.0, self.multiplier + self.firmness * self.excess(found))
        added = np.sum(pull**2 - self.multiplier**2) / (2.0 * self.firmness)
        return float(self.sign * found[0] / self.scale[0] + added)

    def excess(self, found: np.ndarray) -> np.ndarray:
        """Return by how much each limit is exceeded, in its unit, [limits]."""
        return (found[1:] - self.most) / self.scale[1:]

    def update(self, found: np.ndarray) -> None:
        """End a round: let the multipliers follow, from values on trajectories of their own."""
        excess = self.excess(found)
        self.multiplier = np.maximum(0.0, self.multiplier + self.firmness * excess)
        worst = float(np.max(np.maximum(excess, 0.0), initial=0.0))
        if worst > _ENOUGH * self.worst:
            self.firmness = min(self.firmness * _GROWTH, FIRMEST)
        self.worst = worst


def new_penalty(values: np.ndarray, most: np.ndarray, sign: float) -> Penalty:
    """Return a penalty before the first round.

    Parameters
    ----------
    values
        Of all functionals at the starts, [starts, 1 + limits]: how far they lie apart is the unit of each.
    most
        What each excess may be, [limits].
    sign
        1 where the objective is minimised, -1 where maximised.
    """
    known = values[np.all(np.isfinite(values), axis=1)]
    known = known if known.size else np.zeros((1, values.shape[1]))
    size = np.abs(np.concatenate([known[0, :1], most]))
    apart = np.maximum(np.ptp(known, axis=0), LEAST_UNIT * size)
    return Penalty(np.where(apart > 0.0, apart, 1.0), most, sign, np.zeros(most.size))


SPARE = 2.3262  # 1.6449 times the root of 2: a one-sided 95 % bound of the difference of two trials
STATIONS = 8  # on the line from an end that is not kept to one that is
WAYS = 2  # towards the best ends that are not kept
ROOTS = 3  # trials between two points that tell where a limit is reached


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
    over: np.ndarray
    """[ends]: the same, negative where there is room."""
    doubt: np.ndarray
    """[ends]: two standard errors of that, in this trial."""
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


def judge_limits(search: Search, penalty: Penalty, ends: list[np.ndarray], trajectories: int | None = None) -> Judged:
    """Try out ends on common trajectories, as many as judge in the end if not given."""
    trial = search.compared(ends, trajectories or search.judged)
    errors = final_errors(search, trial)
    most = aim(search, errors)
    over = np.max((trial.mean[:, 1:] - most) / penalty.scale[1:], axis=1, initial=-np.inf)
    errors = errors * np.sqrt(search.final / trial.trajectories)
    doubt = 2.0 * np.max(errors[:, 1:] / penalty.scale[1:], axis=1, initial=0.0)
    values = search.criterion.sign * trial.mean[:, 0]
    return Judged(values, trial.mean, most, np.maximum(over, 0.0), over, doubt, trial)


def retreat(search: Search, penalty: Penalty, z: np.ndarray, ends: list[np.ndarray]) -> list[np.ndarray]:
    """Return the best point that keeps the limits on the way from z to an end that keeps them; none if none does."""
    inside = judge_limits(search, penalty, ends)
    if inside.excess[inside.best] > 0.0:
        return []
    safe = ends[inside.best]
    line = _between(z, safe)
    found = judge_limits(search, penalty, line)
    return [safe, line[found.best]]


def retreat_cost(search: Search, ends: int) -> int:
    """Return how many trajectories that takes."""
    return (ends + STATIONS) * search.judged


def approach(search: Search, penalty: Penalty, z: np.ndarray, ends: list[np.ndarray]) -> np.ndarray:
    """Return the best point that keeps the limits among z, the ends, and the ways from z to ends that are better.

    A penalty may leave z well inside the limits while ends beyond them are better: the best point of such a way is
    where a limit is reached.
    """
    known = [z, *ends]
    found = judge_limits(search, penalty, known, search.choice)
    if found.excess[0] > 0.0:
        return z
    beyond = [i for i in np.argsort(found.values) if found.excess[i] > 0.0 and found.values[i] < found.values[0]]
    rivals = [z, known[found.best], *(onto(search, penalty, z, known[i]) for i in beyond[:WAYS])]
    if all(one is z for one in rivals):
        return z
    last = judge_limits(search, penalty, rivals, 2 * search.choice)
    keeps = np.where(np.arange(len(rivals)) < 2, last.excess == 0.0, last.over <= last.doubt)
    keeps[0] = True
    return rivals[int(np.argmin(np.where(keeps, last.values, np.inf)))]


def onto(search: Search, penalty: Penalty, inside: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """Return the point between two at which a limit is reached, by the rule of false position and a mean of its ends.

    Noise in each of the trials moves where they seem to cross, so that the last ones are averaged.
    """
    few = _fewer(search)
    low, high = judge_limits(search, penalty, [inside, beyond], few).over
    if high <= 0.0:
        return beyond
    slope = high - low
    shares: list[float] = []
    over: list[float] = []
    for _ in range(ROOTS):
        near = zip([0.0, 1.0, *shares], [low, high, *over], strict=True)
        sides = sorted(near, key=lambda pair: pair[0])
        kept = [side for side in sides if side[1] <= 0.0] or sides[:1]
        left = kept[-1]
        right = next((side for side in sides if side[0] > left[0] and side[1] > 0.0), sides[-1])
        rise = right[1] - left[1]
        share = left[0] - left[1] / rise * (right[0] - left[0]) if rise > 0.0 else left[0]
        shares.append(float(np.clip(share, 0.0, 1.0)))
        over.append(float(judge_limits(search, penalty, [_on(inside, beyond, shares[-1])], few).over[0]))
    share = np.mean(shares[1:]) - np.mean(over[1:]) / max(slope, 1e-300)
    return _on(inside, beyond, float(np.clip(share, 0.0, 1.0)))


def _fewer(search: Search) -> int:
    """Return how many trajectories tell where a limit is reached, each of several times."""
    return max(search.choice, search.judged // 4)


def approach_cost(search: Search, ends: int) -> int:
    """Return how many trajectories that may take."""
    return (ends + 1 + 2 * (2 + WAYS)) * search.choice + WAYS * (ROOTS + 2) * _fewer(search)


def _on(inside: np.ndarray, beyond: np.ndarray, share: float) -> np.ndarray:
    return np.asarray(inside + share * (beyond - inside))


def _between(z: np.ndarray, end: np.ndarray) -> list[np.ndarray]:
    """Return the stations between two points."""
    return [z + share * (end - z) for share in np.linspace(0.0, 1.0, STATIONS + 2)[1:-1]]
