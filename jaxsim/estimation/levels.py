"""One level of an estimate: which program, how many trajectories so far, what they give and what they cost."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.estimation.chain import LevelValues, leap_path
from jaxsim.estimation.exact_pair import exact_pair
from jaxsim.estimation.ladder import Ladder
from jaxsim.estimation.leap_pair import leap_pair
from jaxsim.estimation.sums import GROUP, LevelSums
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import timed_executable
from jaxsim.runtime.workers import run_batches

PROGRAMS: dict[str, Callable[[Any, Any], LevelValues]] = {"path": leap_path, "pair": leap_pair, "exact": exact_pair}

# Nanoseconds of one lane on one core of a Zen 4 server, for choosing sample sizes alone: to begin and to add up a
# trajectory of leaps, a reaction in a step of a chain or of a pair, an event of a coupled or of a single trajectory at
# all and for each reaction. Constants, so that a result does not depend on how busy the machine is.
_BEGIN, PATH, _PAIR = 1000.0, 9.0, 20.0
_EXACT, EXACT_REACTION, EXACT_STEP = 20.0, 6.0, 60.0
_PLAIN, PLAIN_REACTION, THINNED = 4.0, 0.8, 3.0


@dataclass
class Level:
    """Trajectories of one kind: single chains, pairs of chains, or pairs of a chain and the exact process."""

    ladder: Ladder
    kind: str
    level: int
    seed: Any
    sums: LevelSums = field(default_factory=LevelSums)
    seconds: float = 0.0
    """Processor seconds so far, without compiling."""
    events: float = 0.0
    """Mean number of exact events."""
    held: int = 0

    def __post_init__(self) -> None:
        rung = self.ladder.rung(self.level)
        self.sums = LevelSums(shift=(rung.mean if self.kind == "path" else 0.0, rung.mean))

    def run(self, number: int) -> None:
        """Run trajectories until there are at least `number`, rounded up to a multiple of GROUP."""
        number = -(-number // GROUP) * GROUP
        lanes, done = self.ladder.chain_for(self.kind).lanes, self.sums.number
        if number <= done:
            return
        given = list(range(done - done % lanes, number, lanes))
        call = self._compiled()
        began = time.process_time()
        total = self.events * done
        for first, block in zip(given, run_batches(call, given), strict=True):
            part = slice(max(done - first, 0), min(number - first, lanes))
            refuse_level(block.fault[part])
            self.sums = self.sums.add(block.value[part], block.control[part], block.finer[part])
            total += float(block.events[part].sum(dtype=np.float64))
            self.held += int(block.held[part].sum())
        self.events = total / number
        self.seconds += time.process_time() - began

    def _compiled(self) -> Any:
        run, device = PROGRAMS[self.kind], self.ladder.device
        example = self._inputs(0)
        program, seconds = timed_executable(run, self.ladder.chain_for(self.kind), example, device)
        self.ladder.compile_seconds += seconds
        with double_precision():
            shared = jax.device_put(example._replace(numbers=None), device)  # once, not for every block

        def call(first: int) -> LevelValues:
            numbers = self.ladder.numbers(self.kind, self.level, self.seed, first)
            result: LevelValues = program(shared._replace(numbers=numbers))
            return result

        return call

    def _inputs(self, first: int) -> Any:
        numbers = self.ladder.numbers(self.kind, self.level, self.seed, first)
        return getattr(self.ladder, f"{self.kind}_inputs")(self.level, numbers)

    @property
    def steps(self) -> int:
        """Of the (finer) chain."""
        return self.ladder.steps(self.level)

    @property
    def cost(self) -> float:
        """Nanoseconds that one trajectory is taken to cost."""
        return cost(self.kind, self.steps, len(self.ladder.chain.structure.reactions), self.events)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the variance."""
        return self.sums.number - 1

    @property
    def controlled(self) -> bool:
        """Whether taking the control away makes the variance smaller."""
        return self.sums.controlled

    @property
    def mean(self) -> float:
        """What the level adds to the estimate."""
        return self.sums.mean(self.controlled)

    @property
    def variance(self) -> float:
        """Of one trajectory, with the control where it helps."""
        return self.sums.variance(self.controlled)


def cost(kind: str, steps: int, reactions: int, events: float) -> float:
    """Return the nanoseconds that a trajectory of a kind is taken to cost.

    Examples
    --------
    >>> cost("path", 100, 2, 0.0) < cost("pair", 100, 2, 0.0) < cost("exact", 100, 2, 1e4)
    True
    """
    if kind == "exact":
        return EXACT_STEP * steps + (_EXACT + EXACT_REACTION * reactions) * events
    return _BEGIN + (_PAIR if kind == "pair" else PATH) * steps * reactions


def plain_cost(events: float, reactions: int, thinned: bool) -> float:
    """Return the nanoseconds that an exact trajectory alone is taken to cost."""
    return (_PLAIN + PLAIN_REACTION * reactions) * events * (THINNED if thinned else 1.0)


def refuse_level(fault: np.ndarray) -> None:
    """Refuse a level in which a trajectory went out of range."""
    number = int(np.sum(fault))
    if number:
        raise SimulationError(
            f"in {number} of {fault.size} trajectories a rate was negative or not finite or a count passed 2**30; "
            f"correct the rate, or use js.simulate"
        )
