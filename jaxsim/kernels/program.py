"""The static description of a simulation: equal programs share one compiled executable."""

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import jax.numpy as jnp

from jaxsim.kernels.change import plan_changes
from jaxsim.kernels.rates import Rates, plan_rates
from jaxsim.kernels.stepper import Stepper
from jaxsim.network import Expression, Structure
from jaxsim.network.cancellation import NARROW, Ranges


class Saving(Enum):
    """How the save grid is recorded inside the loop."""

    FINAL = "the state at the end only"
    EVERY_EVENT = "the state after each event, at the index of the next save time"
    CROSSING = "the state when an event passes a save time"


@dataclass(frozen=True, kw_only=True)
class Program:
    """Everything about a simulation that shapes the compiled code; no numbers of the model."""

    structure: Structure
    sampled_parameters: tuple[str, ...]
    """Parameters that each trajectory draws for itself."""
    sampled_species: tuple[str, ...]
    """Species whose initial count each trajectory draws for itself."""
    stepper: Stepper
    """The method that runs in the event loop."""
    dosed: tuple[str, ...]
    """Species that the schedule changes."""
    checked_rates: tuple[int, ...]
    """Reactions whose rate is not known to be nonnegative, and is checked at every event."""
    checked_counts: bool
    """Whether a count may leave its range, and is checked at every event."""
    passages: tuple[tuple[str, Expression], ...]
    """Conditions whose first time is kept."""
    statistics: tuple[Any, ...]
    """Accumulators."""
    times: int
    uniform_times: bool
    saving: Saving
    lanes: int
    kept: int
    """Trajectories per call whose states are returned; 0 to return none."""
    precision: str = "float32"
    native: bool = False
    """Whether the event loop is native code, and not XLA's."""
    backend_reason: str = field(default="", compare=False)
    """Why the event loop is XLA's, if it is."""
    ranges: Ranges = NARROW
    """Which numbers are so large that single precision does not hold their differences."""
    reason: str = field(default="", compare=False)
    """Why propensities are in double precision, where that was not asked for."""

    @cached_property
    def _hash(self) -> int:
        fields = tuple(getattr(self, name) for name, kind in self.__dataclass_fields__.items() if kind.compare)
        return hash(fields)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def rates(self) -> Rates:
        """The plan of all propensities."""
        return plan_rates(self.structure, self.sampled_parameters, self.ranges)

    @property
    def backend(self) -> str:
        """What runs the event loop."""
        return "native" if self.native else "xla"

    @property
    def entry(self) -> int:
        """The code of entering a cell, next after those of the reactions."""
        return len(self.structure.reactions)

    @property
    def wake(self) -> int:
        """The code of a moment at which a trigger may switch, next after those of the events."""
        return self.entry + 1 + len(self.structure.events)

    @property
    def again(self) -> int:
        """The code of one more look at the triggers at the same moment."""
        return self.wake + 1

    @property
    def persistent(self) -> tuple[int, ...]:
        """The events that act as often as they were triggered, whatever happens meanwhile."""
        return tuple(e for e, event in enumerate(self.structure.events) if event.persistent)

    @property
    def timed(self) -> bool:
        """Whether some trigger reads the time."""
        return any(event.timed.switches for event in self.structure.events)

    @property
    def has_random_effects(self) -> bool:
        """Whether some change draws random numbers, and waits for the turnover."""
        return bool(plan_changes(self.structure).slow)

    @property
    def real(self) -> Any:
        """The dtype of propensities and waiting times."""
        return jnp.float64 if self.precision == "float64" else jnp.float32
