"""What happens outside the event loop: random effects, and the end and beginning of trajectories.

The loop runs all lanes in lockstep. A lane that has finished, or needs a random effect, waits until
waiting has cost as much as a service does; then all that wait are served in one pass.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, Int64

from jaxsim.kernels.change import apply_change, plan_changes, set_variables, values_before
from jaxsim.kernels.codes import NONE
from jaxsim.kernels.context import Context
from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.refill import refill, stream
from jaxsim.kernels.saving import save_before_event, states_on_grid, variables_on_grid
from jaxsim.kernels.state import Inputs, Lanes, Owner
from jaxsim.kernels.status import Status
from jaxsim.kernels.thinning import finished, waiting
from jaxsim.random import EFFECTS, draw_from, threefry2x32
from jaxsim.statistics import Batch

SHARES = 1 << 30  # parts into which a share of the time is divided for adding


class Tally(NamedTuple):
    """What has been gathered from trajectories that have ended."""

    status: Int64[Array, " status"]
    events: Int64[Array, ""]
    rejected: Int64[Array, ""]
    statistics: tuple[Any, ...]
    states: Int32[Array, "kept species K"]
    ends: Int32[Array, " kept"]
    """Status of each kept trajectory."""
    leaped: Int64[Array, "2 R"] | None
    """Share of its time over which each reaction was leaped over, by kind of leap, in parts of 1 / SHARES, summed over
    the trajectories that ended well; None without a partition."""


class Run(NamedTuple):
    """The carry of the outer loop."""

    owner: Owner
    lanes: Lanes
    started: Int32[Array, ""]
    tally: Tally


def turn_over(program: Program, inputs: Inputs, given: Context, run: Run) -> Run:
    """Gather the trajectories that have ended and start others in their lanes."""
    ended = finished(program, inputs, run.lanes)
    tally = _gather(program, inputs, given, run, ended & (run.owner.number >= 0))
    owner, lanes, started = refill(program, inputs, run.owner, run.lanes, ended, run.started)
    return Run(owner, lanes, started, tally)


def random_effects(program: Program, inputs: Inputs, given: Context, run: Run) -> Run:
    """Apply the random effects that lanes wait for, after saving what they were before."""
    lanes, structure = run.lanes, program.structure
    if program.saving is Saving.CROSSING:
        lanes = save_before_event(program, lanes, inputs.times)
    assert lanes.general is not None
    general, waits = lanes.general, waiting(program, lanes)
    key = stream(inputs, run.owner.number, EFFECTS)
    position = iter(range(1 << 16))

    def draw(function: str, *arguments: Any) -> Any:
        counter = jnp.full(waits.shape, next(position), jnp.uint32)
        words = threefry2x32(*key, general.draws, counter)
        given = (jnp.broadcast_to(jnp.asarray(value).astype(jnp.float64), waits.shape) for value in arguments)
        return draw_from(function, words, *given)

    pending, plan = jnp.where(waits, lanes.pending, NONE), plan_changes(structure)
    env = values_before(structure, given.precise, lanes.x, general.variables, lanes.t)
    x = apply_change(structure, plan, lanes.x, pending, env, draw)
    variables = set_variables(structure, plan, general.variables, pending, env, draw)
    general = general._replace(fired=general.fired + waits.astype(general.fired.dtype), variables=variables)
    # A draw at the very end of the run has still to be saved, and may make triggers true.
    pending = jnp.where(waits, np.int32(program.again), lanes.pending)
    return run._replace(lanes=lanes._replace(x=x, pending=pending, general=general))


def _gather(program: Program, inputs: Inputs, given: Context, run: Run, done: Any) -> Tally:
    owner, lanes, tally = run.owner, run.lanes, run.tally
    status = diagnose(program, inputs, owner, given, lanes)
    sound = done & ((status == int(Status.OK)) | (status == int(Status.ABSORBED)))
    states, reached = states_on_grid(program, lanes, sound)
    parameters = {name: given.precise[name] for name in program.structure.parameters}
    batch = Batch(states, reached & done[None, :], lanes.passages, sound, inputs.times, parameters)
    if program.structure.variables:
        batch = batch._replace(variables=variables_on_grid(program, lanes))
    codes = jnp.arange(len(Status), dtype=jnp.int32)
    counted = (status[None, :] == codes[:, None]) & done[None, :]
    tally = tally._replace(
        status=tally.status + jnp.sum(counted.astype(jnp.int64), axis=1),
        statistics=tuple(s.add(sums, batch) for s, sums in zip(program.statistics, tally.statistics, strict=True)),
    )
    if lanes.general is not None:
        fired = jnp.where(done, lanes.general.fired, jnp.zeros_like(lanes.general.fired)).astype(jnp.int64)
        rejected = jnp.where(done, lanes.general.rejected, np.uint32(0)).astype(jnp.int64)
        tally = tally._replace(events=tally.events + jnp.sum(fired), rejected=tally.rejected + jnp.sum(rejected))
    if lanes.general is not None and lanes.general.mixed is not None and tally.leaped is not None:
        shares = _whole_shares(inputs, lanes.general.mixed.leaped, sound)
        tally = tally._replace(leaped=tally.leaped + jnp.sum(shares, axis=2))
    return _keep(program, tally, owner, status, batch, done) if program.kept else tally


def _whole_shares(inputs: Inputs, leaped: Any, sound: Any) -> Any:
    """Return shares of the time in whole parts, so that their sum does not depend on its order."""
    span = inputs.times[-1] - inputs.timeline.edges[0]
    share = leaped / jnp.where(span > 0, span, np.float64(1.0))
    return jnp.where(sound, jnp.round(share * np.float64(SHARES)).astype(jnp.int64), np.int64(0))


def _keep(program: Program, tally: Tally, owner: Owner, status: Any, batch: Batch, done: Any) -> Tally:
    index = jnp.where(done, owner.number, np.int32(program.kept))
    states = jnp.transpose(jnp.where(batch.valid[None], batch.states, np.int32(-1)), (2, 0, 1))
    return tally._replace(
        states=tally.states.at[index].set(states, mode="drop"), ends=tally.ends.at[index].set(status, mode="drop")
    )
