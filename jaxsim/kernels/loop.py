"""The loop, once: run trajectories through lanes until all have ended."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32, Int64

from jaxsim.kernels.context import Context, context
from jaxsim.kernels.leaping.hybrid import TREATMENTS
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.saving import UNWRITTEN
from jaxsim.kernels.state import NONE, CellCarry, HybridCarry, Inputs, Lanes, Owner, Status, lanes_counted
from jaxsim.kernels.stepper import LeapStepper, is_hybrid
from jaxsim.kernels.trigger import untriggered
from jaxsim.kernels.turnover import Run, Tally, random_effects, turn_over

TURN_OVER_COST = 4.0  # a turnover without save grid, in iterations of the event loop
ROW_COST = 2.0  # what one species at one save time adds to it, in ns per lane
EFFECT_COST = 2.0  # a pass of random effects
SLICE = 0.2e9  # ns of work after which a call returns, so that the caller can count, and stop
SLICE_LEAST = 4096  # iterations


class Burst(NamedTuple):
    """The carry of the event loop: lanes, and what their waiting has cost so far."""

    lanes: Lanes
    active: Int32[Array, ""]
    """Lanes with an event still to come."""
    events: Int64[Array, ""]
    idle_ended: Int64[Array, ""]
    """Iterations that ended lanes have waited, summed over lanes."""
    idle_waiting: Int64[Array, ""]


def run_slice(program: Program, inputs: Inputs, run: Run) -> tuple[Run, Any]:
    """Go on with `inputs.size` trajectories for a slice of the work; return the run and whether all have ended.

    Where a slice ends does not show in the results; lanes keep their trajectories from one to the next.
    """
    began = run.lanes.iteration

    def unfinished(run: Run) -> Any:
        return (run.started < inputs.size) | jnp.any(run.owner.number >= 0)

    def serve_and_run(run: Run) -> Run:
        given = context(program, inputs, run.owner)
        run = _burst(program, inputs, given, run, began)
        full = _must_turn_over(program, inputs, run)
        if program.has_random_effects:
            run = random_effects(program, inputs, given, run)
        return lax.cond(full, lambda r: turn_over(program, inputs, given, r), lambda r: r, run)

    run = lax.while_loop(lambda r: unfinished(r) & _in_slice(program, r.lanes, began), serve_and_run, run)
    return run, ~unfinished(run)


def _in_slice(program: Program, lanes: Lanes, began: Array) -> Any:
    """Return whether iterations are left; their counter may pass 2**32."""
    iterations = max(SLICE_LEAST, int(SLICE / (program.lanes * step_cost(program))))
    return lanes.iteration - began < np.uint32(iterations)


def _burst(program: Program, inputs: Inputs, given: Context, run: Run, began: Array) -> Run:
    """Run the event loop until the waiting of lanes has cost as much as a turnover would."""
    occupied = lanes_counted(run.owner.number >= 0)
    patience = np.int64(program.lanes * (TURN_OVER_COST + ROW_COST * _rows(program) / step_cost(program)))
    effect_patience = np.int64(program.lanes * EFFECT_COST)

    def worth_going_on(burst: Burst) -> Any:
        patient = (burst.idle_ended < patience) & (burst.idle_waiting < effect_patience)
        return (burst.active > 0) & patient & _in_slice(program, burst.lanes, began)

    def step(burst: Burst) -> Burst:
        lanes = program.stepper.step(program, inputs, run.owner, given, burst.lanes)
        return _account(program, inputs, burst, lanes, occupied)

    zero = jnp.zeros((), jnp.int64)
    active = lanes_counted(~program.stepper.finished(program, inputs, run.lanes))
    start = Burst(run.lanes, active, run.tally.events, zero, zero)
    end = lax.while_loop(worth_going_on, step, start)
    return run._replace(lanes=end.lanes, tally=run.tally._replace(events=end.events))


def _account(program: Program, inputs: Inputs, burst: Burst, lanes: Lanes, occupied: Array) -> Burst:
    """Count the lanes that go on, and the cost of those that wait."""
    ended = occupied - lanes_counted(~program.stepper.finished(program, inputs, lanes))
    if not program.stepper.cells:  # every lane before the end has an event pending
        active = occupied - ended
        events, waits = burst.events + active.astype(jnp.int64), jnp.zeros_like(active)
    else:  # counted lane by lane, since proposals may be rejected
        waits = lanes_counted(program.stepper.waiting(program, lanes))
        active, events = occupied - ended - waits, burst.events
    return Burst(
        lanes,
        active,
        events,
        burst.idle_ended + ended.astype(jnp.int64),
        burst.idle_waiting + waits.astype(jnp.int64),
    )


def _must_turn_over(program: Program, inputs: Inputs, run: Run) -> Any:
    """Decide whether to gather ended lanes: when no lane is left that could go on, or enough have ended."""
    ended = program.stepper.finished(program, inputs, run.lanes)
    if not program.has_random_effects:
        return jnp.any(ended)
    number = lanes_counted(ended & (run.owner.number >= 0))
    left = lanes_counted(~ended)
    return (left == 0) | (number * np.int32(8) > left)


def step_cost(program: Program) -> float:
    """Return about what an iteration costs, in ns per lane; only the patience of the loop depends on it."""
    reactions = len(program.structure.reactions)
    if program.native:
        return 2.0 + 0.5 * reactions
    return program.stepper.cost(program)


def _rows(program: Program) -> int:
    return 0 if program.saving is Saving.FINAL else program.times * len(program.structure.species)


def empty_run(program: Program) -> Run:
    """Return lanes without trajectories and a tally of nothing."""
    lanes = program.lanes
    zeros, word = jnp.zeros((lanes,), jnp.int32), jnp.zeros((lanes,), jnp.uint32)
    state = Lanes(
        x=program.stepper.empty(program),
        t=jnp.full((lanes,), jnp.inf, jnp.float64),
        bits=jnp.zeros((lanes,), jnp.uint64),
        iteration=jnp.zeros((), jnp.uint32),
        pending=zeros + NONE,
        passages=(jnp.full((lanes,), jnp.inf, jnp.float64),) * len(program.passages),
        saved=_grids(program),
        row=zeros if program.saving is Saving.CROSSING else None,
        carry=_empty_carry(program, zeros, word) if program.stepper.cells else None,
    )
    sampled = {name: jnp.zeros((lanes,), jnp.float64) for name in program.sampled_parameters}
    owner = Owner(zeros - np.int32(1), word, word, word, sampled)
    return Run(owner, state, jnp.zeros((), jnp.int32), _nothing(program))


def _empty_carry(program: Program, zeros: Array, word: Array) -> CellCarry:
    stepper = program.stepper
    leaps = isinstance(stepper, LeapStepper)
    limit = jnp.full(zeros.shape, jnp.inf, program.real) if leaps else None
    fired = word.astype(jnp.uint64) if leaps else word
    carry = CellCarry(zeros, word, fired, word, untriggered(program), limit, _empty_hybrid(program))
    number = len(program.structure.variables)
    if not number:
        return carry
    variable, grid = jnp.zeros(zeros.shape, jnp.float64), jnp.full((program.times, *zeros.shape), jnp.nan, jnp.float64)
    grids = () if program.saving is Saving.FINAL else (grid,) * number
    return carry._replace(variables=(variable,) * number, saved_variables=grids)


def _empty_hybrid(program: Program) -> HybridCarry | None:
    if not is_hybrid(program):
        return None
    shape = (len(program.structure.reactions), program.lanes)
    leaped = jnp.zeros((len(TREATMENTS), *shape), jnp.float64)
    return HybridCarry(jnp.zeros(shape, bool), jnp.zeros((program.lanes,), jnp.float64), leaped)


def _grids(program: Program) -> tuple[Any, ...]:
    """Return empty save grids: one of all species to be written by rows, or one for each species."""
    shape, species = (program.times, program.lanes), len(program.structure.species)
    if program.saving is Saving.CROSSING:
        return (jnp.full((*shape, species), UNWRITTEN, jnp.int32),)
    return (jnp.full(shape, UNWRITTEN, jnp.int32),) * (species if program.saving is Saving.EVERY_EVENT else 0)


def _nothing(program: Program) -> Tally:
    zero = jnp.zeros((), jnp.int64)
    shape = (program.kept, len(program.structure.species), program.times)
    shares = (len(TREATMENTS), len(program.structure.reactions))
    return Tally(
        status=jnp.zeros((len(Status),), jnp.int64),
        events=zero,
        rejected=zero,
        statistics=tuple(statistic.start() for statistic in program.statistics),
        states=jnp.full(shape, -1, jnp.int32),
        ends=jnp.full((program.kept,), -1, jnp.int32),
        leaped=jnp.zeros(shares, jnp.int64) if is_hybrid(program) else None,
    )
