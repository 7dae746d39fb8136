"""Trials: several schedules on the same trajectories, so that their differences have small errors of their own."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.gradient.estimators.leap_score import leap_anchors
from jaxsim.gradient.influence import values
from jaxsim.gradient.leap.chain import Drive
from jaxsim.gradient.leap.paths import leap_paths
from jaxsim.gradient.problem import (
    LEAST_LANES,
    Average,
    Problem,
    batches,
    chain_of,
    drive_of,
    first_words,
    refuse_faults,
)
from jaxsim.gradient.summaries import Anchor
from jaxsim.gradient.tables import table_values
from jaxsim.optimise.criterion import Criterion
from jaxsim.runtime.workers import run_batches

_CPU_LANES, _GPU_LANES = 1024, 1 << 16
BOUND = 1.6449  # normal quantile of a one-sided 95 % bound


class Trial(NamedTuple):
    """What several schedules gave; functional 0 is the objective, the others are the limits."""

    names: tuple[str, ...]
    mean: np.ndarray
    """float64 [schedules, functionals]."""
    covariance: np.ndarray
    """float64 [schedules, functionals, schedules, functionals], of the means."""
    trajectories: int
    """Of each schedule."""
    leaping: np.ndarray | None = None
    """float64 [schedules, functionals]: what leaps add to the means, estimated; None where paths were exact, and where
    only differences between schedules on the same leaps are asked for, to choose."""
    paths: str = "leaps"
    """What was simulated, in words."""

    def error(self, schedule: int, functional: int = 0) -> float:
        """Return the standard error of a mean, what leaps add included."""
        noise = max(self.covariance[schedule, functional, schedule, functional], 0.0)
        return float(np.hypot(np.sqrt(noise), self._leaping(functional)[schedule]))

    def difference(self, schedule: int, other: int, functional: int = 0) -> tuple[float, float]:
        """Return how much more one schedule gives than another, and its standard error from the pairs."""
        c, added = self.covariance[:, functional, :, functional], self._leaping(functional)
        spread = c[schedule, schedule] + c[other, other] - 2.0 * c[schedule, other]
        return (
            float(self.mean[schedule, functional] - self.mean[other, functional]),
            float(np.hypot(np.sqrt(max(spread, 0.0)), added[schedule] - added[other])),
        )

    def _leaping(self, functional: int) -> np.ndarray:
        return np.zeros(len(self.names)) if self.leaping is None else self.leaping[:, functional]

    def upper(self, schedule: int) -> np.ndarray:
        """Return the upper 95 % bound of each limit's excess, [limits]."""
        limits = range(1, self.mean.shape[1])
        return np.array([self.mean[schedule, f] + BOUND * self.error(schedule, f) for f in limits])


def trial_lanes(trajectories: int) -> int:
    """Return how many trajectories of a trial run side by side: two batches at least, for two cores.

    Examples
    --------
    >>> trial_lanes(300), trial_lanes(20_000) <= 1 << 16
    (128, True)
    """
    most = _CPU_LANES if jax.default_backend() == "cpu" else _GPU_LANES
    return max(LEAST_LANES, min(most, 1 << max(1, trajectories // 2).bit_length() - 1))


def paired_trial(
    problem: Problem, criterion: Criterion, schedules: Mapping[str, Schedule], trajectories: int, seed: int, first: int
) -> Trial:
    """Simulate all schedules with common random numbers and return what they give.

    `problem` says everything but the doses: network, grid, shifts, and how many trajectories run side by side.
    """
    lanes = trial_lanes(trajectories) if problem.lanes is None else problem.lanes
    problem = problem._replace(objective=criterion.terms, seed=seed, first=first, trajectories=trajectories)
    chain = chain_of(problem, lanes)
    drives = [_drive(problem._replace(schedule=schedule)) for schedule in schedules.values()]
    anchors = [leap_anchors(problem._replace(lanes=lanes), drive) for drive in drives]

    def call(number: int) -> np.ndarray:
        rows = []
        for drive, anchor in zip(drives, anchors, strict=True):
            paths = jax.tree.map(np.asarray, leap_paths(chain, drive._replace(first=first_words(number))))
            refuse_faults(paths.faulty, "leap")
            rows += functionals(criterion, anchor, paths.numbers)
        return np.stack(rows)

    average = Average(len(drives) * len(criterion.counts))
    for found in run_batches(call, batches(first, trajectories, lanes)):
        average.add(found)
    shape = (len(drives), len(criterion.counts))
    return Trial(
        tuple(schedules), average.mean.reshape(shape), average.covariance.reshape(*shape, *shape), average.count
    )


def functionals(criterion: Criterion, anchor: Sequence[Anchor | None], numbers: np.ndarray) -> list[np.ndarray]:
    """Return [L] of each functional, whose means are the functionals."""
    rows = []
    for index in range(len(criterion.counts)):
        part, objective = criterion.functional(index)
        rows.append(values(objective, list(anchor[part]), numbers[part]))
    return rows


def _drive(problem: Problem) -> Drive:
    grid = problem.grid
    return drive_of(problem, table_values(problem.network, problem.schedule, grid.edges, problem.shifts, grid.pinned))
