"""How many trajectories run side by side, in which batches, and the sums of what they give."""

import jax
import numpy as np

from jaxsim.errors import SimulationError

CPU_LANES, GPU_LANES, LEAST_LANES = 2048, 1 << 16, 64
FEWEST_BATCHES = 32  # where the error of a gradient is seen only in the spread between batches


def lane_count(trajectories: int, between: bool = False) -> int:
    """Return how many trajectories run side by side; `between` asks for batches enough to see their spread.

    Examples
    --------
    >>> lane_count(100), lane_count(10_000, between=True)
    (128, 512)
    """
    most = CPU_LANES if jax.default_backend() == "cpu" else GPU_LANES
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
