"""The problem that estimators are given, and the estimate that they return."""

from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.errors import SimulationError
from jaxsim.gradient.free import Free
from jaxsim.gradient.leap.chain import Drive, LeapChain
from jaxsim.gradient.objective import LeapGrid, Objective, looks, species_changes
from jaxsim.gradient.pace import Pace
from jaxsim.gradient.tables import Slopes, Tables, distributed_names
from jaxsim.network import Network
from jaxsim.random import seed_words

# How many trajectories run side by side, in which batches, and the sums of what they give.

_CPU_LANES, _GPU_LANES, LEAST_LANES = 2048, 1 << 16, 64
FEWEST_BATCHES = 32  # where the error of a gradient is seen only in the spread between batches


def gradient_lanes(trajectories: int, between: bool = False) -> int:
    """Return how many trajectories run side by side; `between` asks for batches enough to see their spread.

    Examples
    --------
    >>> gradient_lanes(100), gradient_lanes(10_000, between=True)
    (128, 512)
    """
    most = _CPU_LANES if jax.default_backend() == "cpu" else _GPU_LANES
    wanted = -(-trajectories // FEWEST_BATCHES) if between else trajectories
    return max(LEAST_LANES, min(most, 1 << max(0, wanted - 1).bit_length()))


def batches(first: int, trajectories: int, lanes: int) -> list[int]:
    """Return the number of the first trajectory of every batch; the last batch is full too."""
    return [first + lanes * index for index in range(max(1, -(-trajectories // lanes)))]


class Average:
    """The mean of vectors over trajectories (or over batches) and the covariance of that mean."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean = np.zeros(size)
        self.squares = np.zeros((size, size))

    def add(self, values: np.ndarray) -> None:
        """Add vectors [size, number] (Chan, Golub & LeVeque, Am. Stat. 37 (1983) 242)."""
        values = np.asarray(values, np.float64)
        number = values.shape[1]
        mean = values.mean(axis=1)
        centred = values - mean[:, None]
        apart = mean - self.mean
        total = self.count + number
        self.squares += centred @ centred.T + np.outer(apart, apart) * (self.count * number / total)
        self.mean = self.mean + apart * (number / total)
        self.count = total

    @property
    def covariance(self) -> np.ndarray:
        """Of the mean."""
        return self.squares / (self.count * max(1, self.count - 1))


class Alike:
    """Whether every term had one and the same number in all trajectories so far."""

    def __init__(self) -> None:
        self.low: np.ndarray | None = None
        self.high: np.ndarray | None = None

    def add(self, numbers: np.ndarray) -> None:
        """Take in F [J, L] of a batch."""
        low, high = np.min(numbers, axis=1), np.max(numbers, axis=1)
        self.low = low if self.low is None else np.minimum(self.low, low)
        self.high = high if self.high is None else np.maximum(self.high, high)

    @property
    def terms(self) -> tuple[bool, ...]:
        """For each term whether it was the same throughout."""
        assert self.low is not None and self.high is not None
        return tuple((self.low == self.high).tolist())


def refuse_faults(faulty: np.ndarray, what: str) -> None:
    """Refuse a result in which a rate went out of range."""
    number = int(np.sum(faulty))
    if number:
        raise SimulationError(
            f"in {number} of {faulty.size} trajectories a rate was negative or not finite, took a species of which "
            f"there was less than nothing, or too many reactions fired in one {what}; correct the rate, or give a "
            f"shorter step="
        )


_MOST = 2**31 - 1  # molecules


class Problem(NamedTuple):
    """One gradient that is asked for, checked."""

    free: Free
    network: Network
    schedule: Schedule
    objective: Objective
    grid: LeapGrid
    tables: Tables
    slopes: Slopes
    trajectories: int
    seed: int
    first: int
    """Number of the first trajectory."""
    shifts: int
    steps: np.ndarray | None
    """Half widths of differences, [P], where they were given."""
    scored: tuple[str, ...] | None = None
    """Species whose reactions the surrogate scores, where they were given."""
    reason: str = ""
    """Why this estimator was chosen."""
    lanes: int | None = None
    """How many trajectories run side by side; chosen by their number if not given."""
    pace: Pace | None = None
    """How fast things relax and how often reactions fire along the mean; set by `posed`."""
    asked: bool = False
    """Whether the longest leap was asked for, and not chosen."""

    @property
    def size(self) -> int:
        """How many numbers are free."""
        return self.free.theta.size


class GradientEstimate(NamedTuple):
    """What an estimator returns."""

    value: float
    value_error: float
    gradient: np.ndarray
    """float64 [P]."""
    covariance: np.ndarray
    """float64 [P, P], of the gradient."""
    trajectories: int
    bias: str
    """What is known of the bias, in a sentence."""
    held: float = 0.0
    """Share of the trajectories in which a count was held at zero."""
    compile_seconds: float = 0.0
    alike: tuple[bool, ...] | None = None
    """For each term whether it came to the same number in all trajectories; None where only the sum is known."""
    bound: np.ndarray | None = None
    """At most how far off the gradient is where no event was seen, at the level 95 %, [P]."""


def lanes_of(problem: Problem, between: bool = False) -> int:
    """Return how many trajectories run side by side; `between` asks for batches enough to see their spread."""
    return gradient_lanes(problem.trajectories, between) if problem.lanes is None else problem.lanes


def chain_of(problem: Problem, lanes: int) -> LeapChain:
    """Return what is compiled for the leap chain of a problem."""
    network = problem.network
    sampled = distributed_names(network.parameters), distributed_names(network.initial)
    terms = tuple(replace(term, weight=1.0) for term in problem.objective.terms)  # weights are numbers of a call
    return LeapChain(network.structure, *sampled, terms, lanes)


def drive_of(problem: Problem, tables: Tables | None = None) -> Drive:
    """Return the numbers of a call, in single precision, for the first trajectories of a problem."""
    tables = problem.tables if tables is None else tables
    multiply, add = species_changes(problem.schedule, problem.network.structure.species, problem.grid)
    initial = {
        name: jax.tree.map(np.float32, value) if hasattr(value, "sample") else np.int32(value)
        for name, value in problem.network.initial.items()
    }
    return Drive(
        tables=jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), tables),
        width=problem.grid.widths.astype(np.float32),
        looks=looks(problem.objective.terms, problem.grid),
        multiply=multiply.astype(np.float32),
        add=add.astype(np.float32),
        whole=_whole(add),
        initial=initial,
        seed=seed_words(problem.seed),
        first=first_words(problem.first),
    )


def _whole(add: np.ndarray) -> np.ndarray:
    """Return the whole molecules of amounts, rounded down as in simulations."""
    if np.any(np.abs(add) > _MOST):
        raise SimulationError(
            f"a dose of {np.max(np.abs(add)):g} molecules is beyond 2**31 - 1; scale the species down"
        )
    return np.floor(add).astype(np.int32)


def first_words(first: int) -> np.ndarray:
    """Return the number of a trajectory as two words."""
    return np.array([first & 0xFFFFFFFF, first >> 32], np.uint32)
