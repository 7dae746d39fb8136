"""Searches: the problem that all stages share, where it stands, and what it has cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.tables import build_tables
from jaxsim.optimise.criterion import Criterion
from jaxsim.optimise.regimen import Regimen
from jaxsim.optimise.trial import Trial, paired_trial

SELECTION = 0x9E3779B97F4A7C15  # added to the seed: trials that choose share no trajectory with the descent
FRESH = 0xD1B54A32D192ED03  # the final trial shares none with anything before it
CHOICE = 2048  # trajectories of each schedule where one is chosen, unless the final trial has fewer
CHOICE_SHARE = 0.05  # of the budget that they are at most: about fourteen are chosen from before and after the polish
JUDGED_SHARE = 0.1  # of the budget that the trajectories are at most by which each end is judged under limits


@dataclass(kw_only=True)
class Search:
    """Hold what the stages share; the counters are what they change."""

    criterion: Criterion
    regimen: Regimen
    problem: Problem
    """At the start."""
    method: str
    seed: int
    final: int
    """Trajectories of the final trial, which judges the limits."""
    announce: Callable[[str], None]
    budget: float = np.inf
    """Trajectories that the search may simulate, gradients counted by their cost."""
    next_trajectory: int = 0
    """The first number that no batch of the descent has used."""
    next_choice: int = 0
    """The same of the trials that choose."""
    resolution: float = 0.0
    """Standard error of the objective in the final trial: what is less makes no difference."""
    forward_equivalents: float = 0.0
    """Trajectories simulated so far, gradients counted by their cost."""
    notes: list[str] = field(default_factory=list)

    @property
    def choice(self) -> int:
        """Trajectories of each schedule where one is chosen."""
        return self._within(min(CHOICE, self.final), CHOICE_SHARE)

    @property
    def judged(self) -> int:
        """Trajectories that judge each end: as many as in the final trial where there are limits, if affordable."""
        if not self.criterion.limits:
            return 2 * self.choice
        return max(2 * self.choice, self._within(self.final, JUDGED_SHARE))

    def _within(self, trajectories: int, share: float) -> int:
        """Return so many trajectories, or the whole batches that are within a share of the budget."""
        if trajectories <= share * self.budget:
            return trajectories
        assert self.problem.lanes is not None
        return self.problem.lanes * max(1, int(share * self.budget) // self.problem.lanes)

    def affords(self, cost: float | int) -> bool:
        """Return whether the budget has so much left."""
        return self.forward_equivalents + cost <= self.budget

    def at(self, z: np.ndarray) -> Problem:
        """Return the problem at other coordinates."""
        free = self.regimen.free(z)
        network, schedule = free.model()
        grid = self.problem.grid
        tables, slopes = build_tables(free, network, grid.edges, self.problem.shifts, grid.pinned)
        return self.problem._replace(free=free, network=network, schedule=schedule, tables=tables, slopes=slopes)

    def take(self, trajectories: int) -> int:
        """Return the number of the first of so many trajectories that nothing has used."""
        first = self.next_trajectory
        self.next_trajectory += trajectories
        return first

    def try_out(self, schedules: dict[str, Schedule], trajectories: int) -> Trial:
        """Compare schedules on trajectories that nothing has used, to choose between them."""
        seed = (self.seed + SELECTION) % (1 << 64)
        found = paired_trial(self.problem, self.criterion, schedules, trajectories, seed, self.next_choice)
        self.next_choice += found.trajectories
        self.forward_equivalents += found.trajectories * len(schedules)
        return found

    def compared(self, ends: Sequence[np.ndarray], trajectories: int) -> Trial:
        """Try out ends on common trajectories."""
        return self.try_out({str(i): self.regimen.schedule(z) for i, z in enumerate(ends)}, trajectories)
