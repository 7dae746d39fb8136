"""The lowest level with points instead of independent numbers: randomised quasi-Monte Carlo.

Parameters and counts that vary between trajectories, and the firings of the first leaps, are functions of one uniform
each by inversion, monotone in it; so the coordinates of a scrambled Sobol sequence take the place of the uniforms.
Scrambled anew and independently, each replicate is unbiased, and their spread gives the error. What coordinates do not
reach comes from the trajectory's own stream.
"""

import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from jaxsim.estimation.chain import leap_path
from jaxsim.estimation.ladder import Ladder
from jaxsim.estimation.levels import cost, refuse_level
from jaxsim.estimation.sums import GROUP, LevelSums
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import timed_executable
from jaxsim.runtime.workers import run_batches

SLAB = 1 << 13  # points that are made together, some megabytes
_MAKING = threading.Lock()
REPLICATES = 16  # Student's t then has 15 degrees of freedom: 9 % wider than the normal's interval


@dataclass
class PointSets:
    """Single chains on the coarsest mesh, driven by scrambled Sobol points; the sibling of `Level`."""

    ladder: Ladder
    seed: Any
    sums: LevelSums = field(default_factory=LevelSums)
    """Over all points of all replicates."""
    totals: np.ndarray = field(default_factory=lambda: np.zeros((2, REPLICATES)))
    """Sums of value, less its shift, and control over each replicate."""
    seconds: float = 0.0
    held: int = 0
    kind: str = "points"
    level: int = 0
    events: float = 0.0

    def __post_init__(self) -> None:
        mean = self.ladder.rung(0).mean
        self.sums = LevelSums(shift=(mean, mean))

    def run(self, number: int) -> None:
        """Run points until there are at least `number`: the same power of 2, from GROUP on, in each replicate."""
        done = self.sums.number // REPLICATES
        each = max(GROUP, 1 << (-(-number // REPLICATES) - 1).bit_length())
        if each <= done:
            return
        lanes = self.ladder.chain_for("points").lanes
        jobs = [(r, first) for r in range(REPLICATES) for first in range(done, each, lanes)]
        call = self._compiled()
        began = time.process_time()
        for (r, first), block in zip(jobs, run_batches(lambda n: call(*jobs[n]), [*range(len(jobs))]), strict=True):
            part = slice(0, min(lanes, each - first))
            refuse_level(block.fault[part])
            value, control = block.value[part], block.control[part]
            self.sums = self.sums.add(value, control, block.finer[part])
            self.totals[:, r] += [np.sum(value - self.sums.shift[0]), np.sum(control)]
            self.held += int(block.held[part].sum())
        self.seconds += time.process_time() - began

    def _compiled(self) -> Any:
        ladder, chain = self.ladder, self.ladder.chain_for("points")
        example = ladder.path_inputs(0, ladder.numbers("points", 0, self.seed, 0))
        program, seconds = timed_executable(leap_path, chain, example, ladder.device)
        ladder.compile_seconds += seconds
        with double_precision():
            tables = jax.device_put(example.tables, ladder.device)

        def call(replicate: int, first: int) -> Any:
            numbers = ladder.numbers("points", 0, self.seed, (replicate << 26) + first)
            words = coordinates(self.seed, replicate, chain.pointed, first, chain.lanes)
            return program(example._replace(numbers=numbers._replace(points=words), tables=tables))

        return call

    @property
    def steps(self) -> int:
        """Of the chain."""
        return self.ladder.steps(0)

    @property
    def cost(self) -> float:
        """Nanoseconds that one trajectory is taken to cost."""
        return cost("path", self.steps, len(self.ladder.chain.structure.reactions), 0.0)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the variance."""
        return REPLICATES - 1

    @property
    def controlled(self) -> bool:
        """Whether taking the control away makes the spread of replicates smaller."""
        return bool(np.var(self.totals[0] - self.totals[1]) < np.var(self.totals[0]))

    @property
    def mean(self) -> float:
        """What the level adds to the estimate."""
        return self.sums.mean(self.controlled)

    @property
    def variance(self) -> float:
        """Of one trajectory, if they were independent and had the spread that replicates show."""
        each = self.sums.number // REPLICATES
        values = self.totals[0] - (self.totals[1] if self.controlled else 0.0)
        return float(np.var(values / each, ddof=1)) * each


def coordinates(seed: int, replicate: int, dimension: int, first: int, number: int) -> np.ndarray:
    """Return points of a scrambled Sobol sequence as words of 32 bits, uint32 [dimension, number].

    Scrambling: a random linear matrix and a digital shift (Matousek, J. Complexity 14 (1998) 527).

    Examples
    --------
    >>> words = coordinates(1, 0, 3, 0, 64)
    >>> [sorted((row >> np.uint32(26)).tolist()) == [*range(64)] for row in words]
    [True, True, True]
    """
    parts, place = [], first
    while place < first + number:
        start, size = _slab_at(place)
        with _MAKING:  # two threads that want the same slab at the same time
            slab = _slab(int(seed), replicate, dimension, start, size)
        parts.append(slab[:, place - start : min(size, first + number - start)])
        place = start + size
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def _slab_at(place: int) -> tuple[int, int]:
    """Return where the slab begins that a point is in, and its length: the longer, the further out, up to SLAB."""
    size = GROUP if place < GROUP else min(1 << (place.bit_length() - 1), SLAB)
    return place // size * size, size


@lru_cache(maxsize=8)
def _slab(seed: int, replicate: int, dimension: int, start: int, size: int) -> np.ndarray:
    """Return consecutive points."""
    source = _scrambled(seed, replicate, dimension).reset()
    if start:
        source.fast_forward(start)
    with np.errstate(all="ignore"):
        values = source.random(size)
    return np.minimum(values * 2.0**32, 2.0**32 - 1).astype(np.uint32).T


@lru_cache(maxsize=2 * REPLICATES)
def _scrambled(seed: int, replicate: int, dimension: int) -> Any:
    """Return the sequence of a replicate, kept: to scramble one takes as long as thousands of its points."""
    from scipy.stats import qmc

    return qmc.Sobol(dimension, scramble=True, bits=32, rng=np.random.default_rng([seed, replicate]))
