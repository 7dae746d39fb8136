"""The arrays of a simulation, grouped by how long they live. L lanes, K save times, C cells."""

from typing import Any, NamedTuple

from jaxtyping import Array, Bool, Float, Float64, Int32, UInt16, UInt32, UInt64

from jaxsim.dosing import Timeline
from jaxsim.kernels.group_tables import GroupTables


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
    groups: GroupTables | None = None
    """Where reactions stand in groups: their constants."""


class Owner(NamedTuple):
    """Which trajectory a lane holds: constant from one service to the next."""

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
    """Counts, as the arrangement has them: a tuple of int32 [L], or int32 [species + 1, L] with a last row of
    ones, or `Grouped`."""
    t: Float64[Array, " L"]
    """Time of the pending reaction; the end when finished; infinite when stopped by a fault."""
    bits: UInt64[Array, " L"]
    """Two random words for the next waiting time and choice; packed, so that they are made once."""
    iteration: UInt32[Array, ""]
    pending: Int32[Array, " L"]
    """Reaction to apply, or one of the codes of codes.py."""
    passages: tuple[Float64[Array, " L"], ...]
    saved: tuple[Any, ...]
    """States at save times: int32 [K, L] of each species, or one [K, L, species]; -1 where nothing was
    written, to be filled from the row before."""
    row: Int32[Array, " L"] | None
    """Save times passed so far (crossing mode)."""
    general: "General | None"


class General(NamedTuple):
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
    mixed: "Mixed | None" = None
    variables: tuple[Float64[Array, " L"], ...] = ()
    saved_variables: tuple[Float64[Array, "K L"], ...] = ()
    """Variables at save times; NaN where nothing was written, to be filled from the row before."""


class Triggers(NamedTuple):
    """The part of the carry that only triggered events need."""

    armed: UInt32[Array, " L"]
    """Bit e: trigger e was true after the last change, and that has been seen."""
    queue: UInt16[Array, "persistent L"] | None
    """How often each persistent event has been triggered and not yet acted; None without such events."""
    after: Bool[Array, " L"] | None
    """Whether the lane is past its last moment, at which triggers are looked at: a switch of one, a dose, or the start.
    None if no trigger reads the time."""


class Mixed(NamedTuple):
    """The part of the carry that only the hybrid method needs."""

    fast: Bool[Array, "R L"]
    """Reactions that were leaped over last: where they stand in the hysteresis of the partition."""
    threshold: Float64[Array, " L"]
    """Propensity, integrated over time, that is left until the next jump of the exact reactions; 0 if to be drawn."""
    leaped: Float64[Array, "2 R L"]
    """Time over which each reaction was leaped over, by explicit and by implicit leaps."""
