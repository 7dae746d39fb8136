"""The list of events of a trajectory: the same steps, and a log."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float64, Int32

from jaxsim.kernels.context import context
from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.loop import empty_run
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.state import Inputs, Lanes
from jaxsim.kernels.turnover import Run, random_effects, turn_over


class Log(NamedTuple):
    """Events in order, of each lane; entries from `number` on are empty."""

    number: Int32[Any, " L"]
    """Number of events, which may exceed the length of the log."""
    time: Float64[Any, "event L"]
    code: Int32[Any, "event L"]
    """Reaction, R for a dose, R + 1 + e for triggered event e."""
    state: Int32[Any, "event L species"]
    """Counts after the event."""
    status: Int32[Any, " L"]


def empty_log(program: Program, length: int) -> Log:
    """Return a log of no events, with room for so many."""
    lanes, species = program.lanes, len(program.structure.species)
    return Log(
        jnp.zeros((lanes,), jnp.int32),
        jnp.zeros((length, lanes), jnp.float64),
        jnp.zeros((length, lanes), jnp.int32),
        jnp.zeros((length, lanes, species), jnp.int32),
        jnp.zeros((lanes,), jnp.int32),
    )


def single_lane(program: Program) -> Program:
    """Return the program that runs one trajectory and gathers nothing."""
    return replace(program, lanes=1, statistics=(), kept=0, saving=Saving.FINAL, passages=())


def record_events(program: Program, inputs: Inputs, length: int) -> Log:
    """Run the call's first trajectory and log its events."""
    program = single_lane(program)
    empty = empty_run(program)
    run = turn_over(program, inputs, context(program, inputs, empty.owner), empty)
    given = context(program, inputs, run.owner)

    def goes_on(carry: tuple[Run, Log]) -> Any:
        return ~program.stepper.finished(program, inputs, carry[0].lanes)[0] & (carry[1].number[0] <= length)

    def step(carry: tuple[Run, Log]) -> tuple[Run, Log]:
        run, log = carry
        before, waits = run.lanes, program.stepper.waiting(program, run.lanes)[0]
        if program.has_random_effects:
            run = lax.cond(waits, lambda r: random_effects(program, inputs, given, r), lambda r: r, run)
        lanes = program.stepper.step(program, inputs, run.owner, given, run.lanes)
        return run._replace(lanes=lanes), note(program, inputs, log, before, lanes)

    run, log = lax.while_loop(goes_on, step, (run, empty_log(program, length)))
    return log._replace(status=diagnose(program, inputs, run.owner, given, run.lanes))


def note(program: Program, inputs: Inputs, log: Log, before: Lanes, after: Lanes) -> Log:
    """Add to the log what a step has applied, if anything: `before` is when it still was pending."""
    code = _applied(program, inputs, before)
    index = jnp.where(code >= 0, log.number, np.int32(log.time.shape[0]))  # outside: dropped
    lane = jnp.arange(program.lanes, dtype=jnp.int32)
    return log._replace(
        number=log.number + (code >= 0).astype(jnp.int32),
        time=log.time.at[index, lane].set(before.t, mode="drop"),
        code=log.code.at[index, lane].set(code, mode="drop"),
        state=log.state.at[index, lane].set(program.stepper.by_lane(program, after.x), mode="drop"),
    )


def _applied(program: Program, inputs: Inputs, lanes: Lanes) -> Any:
    """Return the code that the next step applies, -1 for none."""
    code = program.stepper.applied(program, inputs, lanes)
    return jnp.where(code >= np.int32(program.wake), np.int32(-1), code)
