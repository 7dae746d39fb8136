"""Turnover, outside the event loop: random effects, the end of trajectories and the beginning of others.

The loop runs all lanes in lockstep. A lane that has finished, or needs a random effect, waits until
waiting has cost as much as a turnover does; then all that wait are served in one pass.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, Int64

from jaxsim.kernels.change import apply_change, enter_cell, plan_changes, set_variables, values_before
from jaxsim.kernels.context import Context
from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.draws import draw_bits
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import parameter_values
from jaxsim.kernels.saving import clear, save_before_event, states_on_grid, variables_on_grid
from jaxsim.kernels.state import NONE, CellCarry, Inputs, Lanes, Owner, Status, lanes_counted
from jaxsim.kernels.trigger import chosen_lanes, triggers_at_start
from jaxsim.random import EFFECTS, EVENTS, INITIAL, PARAMETERS, draw_from, stream_of, threefry2x32, uniform_at
from jaxsim.statistics import Batch

# Start trajectories in free lanes: keys, sampled parameters, initial counts, doses at the start.


def refill(
    program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, free: Array, started: Array
) -> tuple[Owner, Lanes, Any]:
    """Give the next trajectories to the free lanes, as long as there are any; empty the others."""
    number = started + jnp.cumsum(free.astype(jnp.int32), dtype=jnp.int32) - np.int32(1)
    fresh = free & (number < inputs.size)
    return *begin(program, inputs, owner, lanes, number, fresh, free), started + lanes_counted(fresh)


def begin(
    program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, number: Array, fresh: Array, free: Array
) -> tuple[Owner, Lanes]:
    """Begin the trajectories with these numbers in fresh lanes, which are free, and empty the other free ones."""
    owner = _own(program, inputs, owner, jnp.where(fresh, number, np.int32(0)), fresh, free, lanes.iteration)
    return owner, _begin(program, inputs, owner, lanes, fresh, free)


def stream(inputs: Inputs, number: Array, purpose: int) -> tuple[Any, Any]:
    """Return the key of the trajectories with these numbers within the call."""
    return stream_of(inputs.seed, inputs.point, (inputs.first_low, inputs.first_high), number, purpose)


def _own(
    program: Program, inputs: Inputs, owner: Owner, number: Array, fresh: Array, free: Array, iteration: Array
) -> Owner:
    key0, key1 = stream(inputs, number, EVENTS)
    sampled = stream(inputs, number, PARAMETERS)
    parameters = {}
    for position, name in enumerate(program.sampled_parameters):
        value = inputs.parameters[name].sample(uniform_at(sampled, position)).astype(jnp.float64)
        parameters[name] = jnp.where(fresh, value, owner.parameters[name])
    return Owner(
        number=jnp.where(free, jnp.where(fresh, number, np.int32(-1)), owner.number),
        key0=jnp.where(fresh, key0, owner.key0),
        key1=jnp.where(fresh, key1, owner.key1),
        first=jnp.where(fresh, iteration, owner.first),
        parameters=parameters,
    )


def _begin(program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, fresh: Array, free: Array) -> Lanes:
    structure, start = program.structure, inputs.timeline.edges[0]
    x0 = _initial(program, inputs, owner, fresh.shape)
    x0 = enter_cell(structure, program.dosed, x0, inputs.timeline, jnp.zeros(fresh.shape, jnp.int32), fresh)
    zero = jnp.zeros(fresh.shape, jnp.uint32)
    # Triggers are looked at there, even where the start is the end.
    first = np.int32(program.wake) if structure.events else NONE
    lanes = lanes._replace(
        x=program.stepper.begin(program, inputs, x0, fresh, lanes.x),
        t=jnp.where(free, jnp.where(fresh, start, jnp.inf), lanes.t),
        bits=jnp.where(fresh, draw_bits(owner.key0, owner.key1, zero), lanes.bits),
        pending=jnp.where(free, jnp.where(fresh, first, NONE), lanes.pending),
        passages=tuple(jnp.where(fresh, jnp.inf, first) for first in lanes.passages),
    )
    if lanes.carry is not None:
        lanes = lanes._replace(carry=_begin_carry(program, inputs, owner, lanes, lanes.carry, fresh, free))
    return clear(program, lanes, fresh)


def _initial(program: Program, inputs: Inputs, owner: Owner, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the initial counts, [L] each; a sampled one is rounded to the nearest integer."""
    key = stream(inputs, owner.number, INITIAL)
    counts = []
    for name in program.structure.species:
        value = inputs.initial[name]
        if name in program.sampled_species:
            sampled = value.sample(uniform_at(key, program.sampled_species.index(name)))
            value = jnp.maximum(jnp.round(sampled.astype(jnp.float64)), 0.0)
        counts.append(jnp.broadcast_to(jnp.asarray(value).astype(jnp.int32), shape))
    return tuple(counts)


def _begin_carry(
    program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, carry: CellCarry, fresh: Array, free: Array
) -> CellCarry:
    variables = tuple(
        jnp.where(fresh, jnp.asarray(inputs.variables[name]).astype(jnp.float64), old)
        for name, old in zip(program.structure.variables, carry.variables, strict=True)
    )
    carry = carry._replace(variables=variables)
    zero = jnp.zeros(fresh.shape, jnp.uint32)
    triggers = carry.triggers
    if triggers is not None:
        precise = parameter_values(inputs.parameters, owner.parameters, np.float64)
        first = triggers_at_start(program, precise, lanes._replace(carry=carry))
        triggers = chosen_lanes(fresh, first, triggers)
    limit = carry.limit
    if limit is not None:
        limit = jnp.where(fresh, jnp.inf, limit)
    return carry._replace(
        cell=jnp.where(free, np.int32(0), carry.cell),
        draws=jnp.where(fresh, zero, carry.draws),
        fired=jnp.where(fresh, jnp.zeros_like(carry.fired), carry.fired),
        rejected=jnp.where(fresh, zero, carry.rejected),
        triggers=triggers,
        limit=limit,
        hybrid=jax.tree.map(lambda leaf: jnp.where(fresh, jnp.zeros_like(leaf), leaf), carry.hybrid),
    )


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
    ended = program.stepper.finished(program, inputs, run.lanes)
    tally = _gather(program, inputs, given, run, ended & (run.owner.number >= 0))
    owner, lanes, started = refill(program, inputs, run.owner, run.lanes, ended, run.started)
    return Run(owner, lanes, started, tally)


def random_effects(program: Program, inputs: Inputs, given: Context, run: Run) -> Run:
    """Apply the random effects that lanes wait for, after saving what they were before."""
    lanes, structure = run.lanes, program.structure
    if program.saving is Saving.CROSSING:
        lanes = save_before_event(program, lanes, inputs.times)
    carry, waits = lanes.carried, program.stepper.waiting(program, lanes)
    key = stream(inputs, run.owner.number, EFFECTS)
    position = iter(range(1 << 16))

    def draw(function: str, *arguments: Any) -> Any:
        counter = jnp.full(waits.shape, next(position), jnp.uint32)
        words = threefry2x32(*key, carry.draws, counter)
        given = (jnp.broadcast_to(jnp.asarray(value).astype(jnp.float64), waits.shape) for value in arguments)
        return draw_from(function, words, *given)

    pending, plan = jnp.where(waits, lanes.pending, NONE), plan_changes(structure)
    env = values_before(structure, given.precise, lanes.x, carry.variables, lanes.t)
    x = apply_change(structure, plan, lanes.x, pending, env, draw)
    variables = set_variables(structure, plan, carry.variables, pending, env, draw)
    carry = carry._replace(fired=carry.fired + waits.astype(carry.fired.dtype), variables=variables)
    # A draw at the very end of the run has still to be saved, and may make triggers true.
    pending = jnp.where(waits, np.int32(program.again), lanes.pending)
    return run._replace(lanes=lanes._replace(x=x, pending=pending, carry=carry))


def _gather(program: Program, inputs: Inputs, given: Context, run: Run, done: Array) -> Tally:
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
    if lanes.carry is not None:
        fired = jnp.where(done, lanes.carry.fired, jnp.zeros_like(lanes.carry.fired)).astype(jnp.int64)
        rejected = jnp.where(done, lanes.carry.rejected, np.uint32(0)).astype(jnp.int64)
        tally = tally._replace(events=tally.events + jnp.sum(fired), rejected=tally.rejected + jnp.sum(rejected))
    if lanes.carry is not None and lanes.carry.hybrid is not None and tally.leaped is not None:
        shares = _whole_shares(inputs, lanes.carry.hybrid.leaped, sound)
        tally = tally._replace(leaped=tally.leaped + jnp.sum(shares, axis=2))
    return _keep(program, tally, owner, status, batch, done) if program.kept else tally


def _whole_shares(inputs: Inputs, leaped: Array, sound: Array) -> Any:
    """Return shares of the time in whole parts, so that their sum does not depend on its order."""
    span = inputs.times[-1] - inputs.timeline.edges[0]
    share = leaped / jnp.where(span > 0, span, np.float64(1.0))
    return jnp.where(sound, jnp.round(share * np.float64(SHARES)).astype(jnp.int64), np.int64(0))


def _keep(program: Program, tally: Tally, owner: Owner, status: Array, batch: Batch, done: Array) -> Tally:
    index = jnp.where(done, owner.number, np.int32(program.kept))
    states = jnp.transpose(jnp.where(batch.valid[None], batch.states, np.int32(-1)), (2, 0, 1))
    return tally._replace(
        states=tally.states.at[index].set(states, mode="drop"), ends=tally.ends.at[index].set(status, mode="drop")
    )
