"""The arrays of a simulation, grouped by how long they live, and how trajectories end. L lanes, K times, C cells."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Float64, Int32, UInt16, UInt32, UInt64

from jaxsim.dosing import Timeline
from jaxsim.kernels.program import Program
from jaxsim.statistics.exact_sums import lane_sum


class Inputs(NamedTuple):
    """The numbers of one call: they change without recompiling."""

    seed: UInt32[Any, "2"]
    point: UInt32[Any, ""]
    first_low: UInt32[Any, ""]
    """Number of the call's first trajectory, modulo 2**32."""
    first_high: UInt32[Any, ""]
    size: Int32[Any, ""]
    """Trajectories to run in this call."""
    max_events: UInt32[Any, ""]
    parameters: dict[str, Any]
    """Scalars, or distributions for the sampled ones."""
    initial: dict[str, Any]
    variables: dict[str, Any]
    """Values of the variables at the start."""
    timeline: Timeline
    times: Float64[Any, " K"]
    tolerance: Float64[Any, ""]
    """Relative change of a rate that a leap allows."""
    step: Float64[Any, ""]
    """Length of leaps, where it is fixed."""
    tables: Any = None
    """Constants of the stepper, if it has any."""


class Owner(NamedTuple):
    """Which trajectory a lane holds: constant from one turnover to the next."""

    number: Int32[Array, " L"]
    """Number of the trajectory within the call; -1 in an empty lane."""
    key0: UInt32[Array, " L"]
    key1: UInt32[Array, " L"]
    first: UInt32[Array, " L"]
    """Iteration at which the trajectory began, so that its draw counter is the difference."""
    parameters: dict[str, Any]
    """Sampled parameters, float64 [L] each."""


class Lanes(NamedTuple):
    """The carry of the event loop: what changes at every event.

    The reaction that has been chosen is pending: it is applied at the top of the next iteration. If
    it were applied at once, XLA on the CPU would compute random numbers and selection again inside
    the update of every species; across the edge of the loop it has to read them from memory.
    """

    x: Any
    """Counts, as the stepper lays them out: a tuple of int32 [L], unless it has a layout of its own."""
    t: Float64[Array, " L"]
    """Time of the pending reaction; the end when finished; infinite when stopped by a fault."""
    bits: UInt64[Array, " L"]
    """Two random words for the next waiting time and choice; packed, so that they are made once."""
    iteration: UInt32[Array, ""]
    pending: Int32[Array, " L"]
    """Reaction to apply, or one of the codes below."""
    passages: tuple[Float64[Array, " L"], ...]
    saved: tuple[Any, ...]
    """States at save times: int32 [K, L] of each species, or one [K, L, species]; -1 where nothing was
    written, to be filled from the row before."""
    row: Int32[Array, " L"] | None
    """Save times passed so far (crossing mode)."""
    carry: "CellCarry | None"

    @property
    def carried(self) -> "CellCarry":
        """What lanes carry that go through cells of time."""
        if self.carry is None:
            raise TypeError("these lanes go through no cells of time; a CellStepper is asked for")
        return self.carry


class CellCarry(NamedTuple):
    """The part of the carry that only cells, events and random effects need."""

    cell: Int32[Array, " L"]
    draws: UInt32[Array, " L"]
    """Iterations of the trajectory: the counter of its draws."""
    fired: UInt32[Array, " L"] | UInt64[Array, " L"]
    """Firings of reactions; 64 bits for leaps, of which one may hold 2**30."""
    rejected: UInt32[Array, " L"]
    """Proposals that thinning rejected, or leaps that would have taken more than there was."""
    triggers: "Triggers | None"
    """None without events."""
    limit: Float[Array, " L"] | None
    """Longest leap allowed after a rejection, infinite otherwise; None without leaps."""
    hybrid: "HybridCarry | None" = None
    variables: tuple[Float64[Array, " L"], ...] = ()
    saved_variables: tuple[Float64[Array, "K L"], ...] = ()
    """Variables at save times; NaN where nothing was written, to be filled from the row before."""

    @property
    def treated(self) -> "HybridCarry":
        """How reactions were treated last, in lanes of the hybrid method."""
        if self.hybrid is None:
            raise TypeError("these lanes are not of the hybrid method")
        return self.hybrid

    @property
    def longest(self) -> Float[Array, " L"]:
        """The limit, in lanes that leap."""
        if self.limit is None:
            raise TypeError("these lanes do not leap; a LeapStepper is asked for")
        return self.limit


class Triggers(NamedTuple):
    """The part of the carry that only triggered events need."""

    armed: UInt32[Array, " L"]
    """Bit e: trigger e was true after the last change, and that has been seen."""
    queue: UInt16[Array, "persistent L"] | None
    """How often each persistent event has been triggered and not yet acted; None without such events."""
    after: Bool[Array, " L"] | None
    """Whether the lane is past its last moment, at which triggers are looked at: a switch of one, a dose, or the start.
    None if no trigger reads the time."""


class HybridCarry(NamedTuple):
    """The part of the carry that only the hybrid method needs."""

    fast: Bool[Array, "R L"]
    """Reactions that were leaped over last: where they stand in the hysteresis of the partition."""
    threshold: Float64[Array, " L"]
    """Propensity, integrated over time, that is left until the next jump of the exact reactions; 0 if to be drawn."""
    leaped: Float64[Array, "2 R L"]
    """Time over which each reaction was leaped over, by explicit and by implicit leaps."""


# What a lane may have pending besides a reaction.
#
# From 0 on: reactions 0 to R-1, then R for entering a cell, then R+1+e for triggered event e of E, then R+1+E for
# looking at the triggers at a moment at which one may switch, and R+2+E for looking at them again at the same moment.

NONE = np.int32(-1)
REJECTED = np.int32(-2)  # a proposal that thinning rejected
FAULT = np.int32(-3)  # from here down the lane has stopped
ABOVE = np.int32(-4)  # a rate exceeded its bound
NEGATIVE = np.int32(-5)  # a rate that varies in time was negative
TOO_OFTEN = np.int32(-6)  # an event waits to act more often than can be counted
TOO_FINE = np.int32(-7)  # events come faster than the clock can tell apart


# How a trajectory can end. Nothing else is possible, and every result counts these.


class Status(IntEnum):
    """How a trajectory ended; only the first two are fine."""

    OK = 0
    ABSORBED = 1
    STEP_LIMIT = 2
    OVERFLOW = 3
    NEGATIVE_COUNT = 4
    NEGATIVE_RATE = 5
    RATE_NOT_FINITE = 6
    BOUND_VIOLATED = 7
    VARIABLE_NOT_FINITE = 8
    TRIGGER_LIMIT = 9
    CLOCK_NOT_RESOLVED = 10

    @property
    def label(self) -> str:
        """The name users see, such as ``step limit``.

        Examples
        --------
        >>> Status.STEP_LIMIT.label
        'step limit'
        """
        return self.name.lower().replace("_", " ")

    @property
    def fine(self) -> bool:
        """Whether the trajectory reached the end as it should."""
        return self in (Status.OK, Status.ABSORBED)

    @property
    def sentence(self) -> str:
        """What happened and what to do, as a clause that follows a count of trajectories."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.OK: "reached the end",
    Status.ABSORBED: "reached the end in a state in which nothing can happen any more",
    Status.STEP_LIMIT: "were stopped at the limit of events before the end; "
    "raise max_events or simulate a shorter time",
    Status.OVERFLOW: "had a count beyond 2**31 - 1; scale the species down or simulate a shorter time",
    Status.NEGATIVE_COUNT: "had a count below zero, because a reaction fired without its reactants; "
    "let its rate vanish when a reactant is missing",
    Status.NEGATIVE_RATE: "had a negative rate; "
    "write the rate so that it cannot be negative, for instance with max(0, ...)",
    Status.RATE_NOT_FINITE: "had a rate that is infinite or not a number; look for a division by zero or an overflow",
    Status.BOUND_VIOLATED: "had a rate above its bound between two events, which would bias the result; "
    "please report it",
    Status.VARIABLE_NOT_FINITE: "had a variable that is infinite or not a number; "
    "look for a division by zero or parameters out of range in what events set",
    Status.TRIGGER_LIMIT: "had an event that was triggered more than 65,535 times in one instant before it could act; "
    "look for events that switch its trigger on and off without end, or give it a higher priority",
    Status.CLOCK_NOT_RESOLVED: "had events that followed each other faster than a clock in double precision can tell "
    "apart at that time; count times from a start near zero",
}

LABELS = tuple(status.label for status in Status)


# Counting lanes.


def lanes_counted(mask: Bool[Array, " L"]) -> Int32[Array, ""]:
    """Return how many lanes are marked, as int32 also where 64-bit types exist."""
    return lane_sum(lambda m: m.astype(jnp.int32), mask)


# Work that few lanes need at a time.


def where_any(program: Program, mask: Array, rare: Callable[[], Any], usual: Array) -> Any:
    """Return `rare()` in the lanes of the mask and `usual` in all others, both of one structure.

    Native code does the work only if a lane of the few it runs in lockstep needs it. XLA runs hundreds, of which one
    nearly always does, and has no use for a branch.
    """

    def chosen() -> Any:
        return jax.tree.map(lambda new, old: new if new is old else jnp.where(mask, new, old), rare(), usual)

    return lax.cond(jnp.any(mask), chosen, lambda: usual) if program.native else chosen()
