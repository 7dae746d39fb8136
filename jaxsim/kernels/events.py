"""The list of events of one trajectory: the same steps, one lane, and a log."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32

from jaxsim.kernels.blocked import arrange
from jaxsim.kernels.context import context
from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.loop import empty_run, step_once
from jaxsim.kernels.program import Arrangement, Program, Saving
from jaxsim.kernels.saving import stacked_counts
from jaxsim.kernels.service import Run, random_effects, turn_over
from jaxsim.kernels.state import Inputs, Lanes
from jaxsim.kernels.thinning import finished, waiting


class Log(NamedTuple):
    """Events in order; entries from `number` on are empty."""

    number: Int32[Array, ""]
    """Number of events, which may exceed the length of the log."""
    time: Float64[Array, " event"]
    code: Int32[Array, " event"]
    """Reaction, R for a dose, R + 1 + e for triggered event e."""
    state: Int32[Array, "event species"]
    """Counts after the event."""
    status: Int32[Array, ""]


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
        return ~finished(program, inputs, carry[0].lanes)[0] & (carry[1].number <= length)

    def step(carry: tuple[Run, Log]) -> tuple[Run, Log]:
        run, log = carry
        code, time = _applied(program, inputs, run.lanes), run.lanes.t[0]
        waits = waiting(program, run.lanes)[0]
        if program.has_random_effects:
            run = lax.cond(waits, lambda r: random_effects(program, inputs, given, r), lambda r: r, run)
        lanes = step_once(program, inputs, run.owner, given, run.lanes)
        return run._replace(lanes=lanes), _write(log, code, time, stacked_counts(program, lanes.x)[:, 0])

    species = len(program.structure.species)
    log = Log(
        jnp.zeros((), jnp.int32),
        jnp.zeros((length,), jnp.float64),
        jnp.zeros((length,), jnp.int32),
        jnp.zeros((length, species), jnp.int32),
        jnp.zeros((), jnp.int32),
    )
    run, log = lax.while_loop(goes_on, step, (run, log))
    return log._replace(status=diagnose(program, inputs, run.owner, given, run.lanes)[0])


def _applied(program: Program, inputs: Inputs, lanes: Lanes) -> Any:
    """Return the code that the next step applies, -1 for none."""
    code = (
        jnp.where(lanes.t < inputs.times[-1], lanes.pending, np.int32(-1)) if lanes.general is None else lanes.pending
    )
    if program.arrangement is Arrangement.ROWS:
        order = arrange(program.structure, program.rates).order
        code = jnp.where(code >= 0, jnp.asarray(np.array(order, np.int32))[jnp.maximum(code, np.int32(0))], code)
    return jnp.where(code >= np.int32(program.wake), np.int32(-1), code)[0]


def _write(log: Log, code: Any, time: Any, state: Any) -> Log:
    index = jnp.where(code >= 0, log.number, np.int32(log.time.shape[0]))  # outside: dropped
    return log._replace(
        number=log.number + (code >= 0).astype(jnp.int32),
        time=log.time.at[index].set(time, mode="drop"),
        code=log.code.at[index].set(code, mode="drop"),
        state=log.state.at[index].set(state, mode="drop"),
    )
