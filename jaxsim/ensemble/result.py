"""What the calls of one design point have gathered, added up in order."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxsim.kernels import Program, Status, Tally


@dataclass
class Gathered:
    """Sums over all trajectories of a design point; integers, so exact in any order."""

    program: Program
    compile_seconds: float = 0.0
    wall_seconds: float = 0.0
    status: np.ndarray = field(default_factory=lambda: np.zeros(len(Status), np.int64))
    events: int = 0
    rejected: int = 0
    sums: tuple[Any, ...] | None = None
    states: list[np.ndarray] = field(default_factory=list)
    ends: list[np.ndarray] = field(default_factory=list)
    leaped: np.ndarray | None = None
    """int64 [treatment, reaction]: shares of the time, in parts of 1 / SHARES, summed over trajectories."""

    def add(self, part: tuple[int, int], tally: Tally) -> None:
        """Add the tally of one call."""
        self.status = self.status + tally.status
        self.events += int(tally.events)
        self.rejected += int(tally.rejected)
        self.sums = tally.statistics if self.sums is None else jax.tree.map(np.add, self.sums, tally.statistics)
        if tally.leaped is not None:
            leaped = np.asarray(tally.leaped)
            self.leaped = leaped if self.leaped is None else self.leaped + leaped
        if self.program.kept:
            self.states.append(np.moveaxis(np.asarray(tally.states)[: part[1]], 1, 2))
            self.ends.append(np.asarray(tally.ends)[: part[1]])

    def results(self) -> dict[str, np.ndarray]:
        """Return the arrays of all accumulators by name."""
        assert self.sums is not None
        found: dict[str, np.ndarray] = {}
        for statistic, sums in zip(self.program.statistics, self.sums, strict=True):
            found |= statistic.result(sums)
        return found
