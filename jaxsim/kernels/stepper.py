"""The contract of a stepper: everything that one method of the event loop does, so that nothing else knows the methods.

A stepper is a frozen dataclass without numbers of the model. It is a part of the :class:`Program`, so that equal
programs share compiled code. Loop, turnover, saving, diagnosis, the log of events and the native backend call the verbs
below; a new method is one file with one class, and the line in ``ensemble/prepare.choose_stepper`` that chooses it. The
verbs trace under JAX: shapes are static, L is the number of lanes.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, UInt32

from jaxsim.kernels.change import plan_changes

if TYPE_CHECKING:
    from jaxsim.kernels.context import Context
    from jaxsim.kernels.program import Program
    from jaxsim.kernels.state import Inputs, Lanes, Owner
    from jaxsim.network import Network


class Stepper(ABC):
    """One method: how counts are laid out, what a step does, and what its lanes are waiting for.

    The layout of counts is a tuple of int32 [L], one for each species, unless a stepper has its own.
    """

    cells: ClassVar[bool] = False
    """Whether lanes go through cells of time and count their own draws: they carry a `CellCarry` then."""

    @property
    @abstractmethod
    def method(self) -> str:
        """What results call it."""

    @property
    def native(self) -> "Stepper | None":
        """The stepper that native code is made from, None if there is none."""
        return self

    @abstractmethod
    def step(self, program: "Program", inputs: "Inputs", owner: "Owner", given: "Context", lanes: "Lanes") -> "Lanes":
        """Apply what is pending in every lane and choose what comes next; leave lanes that are halted as they are."""

    @abstractmethod
    def propensities(self, program: "Program", inputs: "Inputs", given: "Context", lanes: "Lanes") -> Any:
        """Return the propensities in the present state, or their bounds over the present cell, [reactions, L]."""

    @abstractmethod
    def cost(self, program: "Program") -> float:
        """Return about what a step costs, in ns a lane; only the patience of the loop depends on it."""

    def tables(self, network: "Network", inputs: "Inputs") -> Any:
        """Return constants that it reads besides the parameters, made from the numbers of the model."""
        return None

    def empty(self, program: "Program") -> Any:
        """Return the counts of lanes without trajectories."""
        return (jnp.zeros((program.lanes,), jnp.int32),) * len(program.structure.species)

    def begin(
        self, program: "Program", inputs: "Inputs", counts: tuple[Any, ...], fresh: Array, x: tuple[Any, ...]
    ) -> Any:
        """Return counts in its layout: in fresh lanes those given, int32 [L] of each species, elsewhere `x`."""
        return tuple(jnp.where(fresh, new, old) for new, old in zip(counts, x, strict=True))

    def by_lane(self, program: "Program", x: tuple[Any, ...]) -> Int32[Array, "L species"]:
        """Return the counts with the species of a lane side by side."""
        return jnp.stack(x, axis=1)

    def by_species(self, program: "Program", x: Any) -> tuple[Int32[Array, " L"], ...]:
        """Return the counts as one array for each species."""
        return tuple(x)

    def stacked(self, program: "Program", x: tuple[Any, ...]) -> Int32[Array, "species L"]:
        """Return the counts as one array."""
        return jnp.stack(x)

    def finished(self, program: "Program", inputs: "Inputs", lanes: "Lanes") -> Bool[Array, " L"]:
        """Return the lanes with nothing left to do: at the end, or stopped by a fault, or empty."""
        return ~(lanes.t < inputs.times[-1])

    def waiting(self, program: "Program", lanes: "Lanes") -> Bool[Array, " L"]:
        """Return the lanes whose pending change is random and waits for the turnover."""
        result = jnp.zeros(lanes.t.shape, bool)
        for code in plan_changes(program.structure).slow:
            result = result | (lanes.pending == np.int32(code))
        return result

    def draws(self, owner: "Owner", lanes: "Lanes") -> UInt32[Array, " L"]:
        """Return how many steps each trajectory has made: the counter of its random words."""
        return lanes.iteration - owner.first

    def applied(self, program: "Program", inputs: "Inputs", lanes: "Lanes") -> Int32[Array, " L"]:
        """Return what the next step applies, numbered as `Lanes.pending`, reactions as the network has them."""
        return jnp.where(lanes.t < inputs.times[-1], lanes.pending, np.int32(-1))


class CellStepper(Stepper):
    """A stepper whose lanes go through cells of time: of rates that vary, doses, events, random effects and leaps."""

    cells = True

    def finished(self, program: "Program", inputs: "Inputs", lanes: "Lanes") -> Bool[Array, " L"]:
        """Return the lanes that are in the last cell, at its end and with nothing pending, or stopped, or empty."""
        at_end = (lanes.t >= inputs.times[-1]) & in_last_cell(inputs, lanes.carried.cell) & (lanes.pending < 0)
        return at_end | jnp.isinf(lanes.t)

    def draws(self, owner: "Owner", lanes: "Lanes") -> UInt32[Array, " L"]:
        """Return how many steps each trajectory has made, which are fewer than those of its lane."""
        return lanes.carried.draws

    def applied(self, program: "Program", inputs: "Inputs", lanes: "Lanes") -> Int32[Array, " L"]:
        """Return what the next step applies: doses and events at the very end too."""
        return lanes.pending


class LeapStepper(CellStepper):
    """A stepper that leaps over many events at once."""

    variant: str
    """The line of ``leaping/variants.VARIANTS`` that says how."""
    fixed: bool
    """Whether leaps have a given length instead of a tolerance."""
    hybrid: bool
    """Whether reactions are divided into leaped and exact ones."""


def leap_method(program: "Program") -> LeapStepper:
    """Return the stepper of a program that leaps."""
    if not isinstance(program.stepper, LeapStepper):
        raise TypeError(f"this program does not leap: its method is '{program.stepper.method}'")
    return program.stepper


def is_hybrid(program: "Program") -> bool:
    """Return whether reactions are divided into leaped and exact ones."""
    return isinstance(program.stepper, LeapStepper) and program.stepper.hybrid


def in_last_cell(inputs: "Inputs", cell: Array) -> Bool[Array, " L"]:
    """Return the lanes for which no cell is left to enter."""
    return cell == np.int32(inputs.timeline.base.shape[0] - 1)
