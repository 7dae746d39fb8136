"""The law of the event loop, from the steppers: what an iteration does to a lane, and when the lane leaves the loop."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.kernels.context import Context, context
from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.draws import draw_bits
from jaxsim.kernels.event_log import Log, empty_log, note
from jaxsim.kernels.loop import _nothing, empty_run
from jaxsim.kernels.native.equations import Flat, Variable, deduce, flatten, live, with_known
from jaxsim.kernels.native.rare import put_apart
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.state import Inputs, Lanes, Owner
from jaxsim.kernels.turnover import Run, begin, random_effects

EXTENTS = (8191, 8209, 8219, 8221, 8231, 8233)  # of the axis of lanes while tracing: one that nothing else has


@dataclass(eq=False)
class Law:
    """One iteration as equations, and which arrays it takes and gives."""

    flat: Flat
    lane: int
    """The extent of the axis of lanes."""
    first_lane: int
    """The number of the first input that is part of the lanes; the outputs are these inputs afterwards, and then
    whether the lane leaves the loop."""


def trace(program: Program, inputs: Inputs, log: int | None = None) -> Law:
    """Trace one iteration of every lane, in double precision; with `log`, one that notes so many events.

    In the loop every lane has its own count of iterations. A lane that has finished leaves it, and random effects are
    applied at the top of an iteration: what is thereby known of a lane that goes on is put into the equations.
    """
    lane = _extent(program, inputs)
    program = replace(program, lanes=lane)
    owner, given, lanes = shapes_of(program, inputs)
    events = jax.eval_shape(lambda: empty_log(program, log)) if log is not None else None

    def law(inputs: Inputs, owner: Owner, given: Context, lanes: Lanes, events: Log | None) -> Any:
        served, before = _serve(program, inputs, owner, given, lanes)
        new = program.stepper.step(program, inputs, owner, given, with_own_bits(program, owner, served))
        leaves = program.stepper.finished(program, inputs, new)
        if events is not None:
            events = note(program, inputs, events, lanes, new)
            leaves = leaves | (events.number > np.int32(events.time.shape[0]))
        return new._replace(bits=lanes.bits), events, leaves, before

    closed = jax.make_jaxpr(law)(inputs, owner, given, lanes, events)
    flat = flatten(closed, lane)
    flat.outputs, before = flat.outputs[:-1], flat.outputs[-1]
    facts = deduce(flat.lanewise, [(before, False)])
    flat.lanewise = with_known(flat.lanewise, facts)
    flat.outputs = [facts.get(id(value), value) for value in flat.outputs]
    flat.lanewise = put_apart(live(flat.lanewise, flat.outputs), flat.outputs)
    _alive(flat)
    return Law(flat, lane, len(flat.inputs) - len(jax.tree.leaves((lanes, events))))


class LaneBatch(NamedTuple):
    """The trajectories that are being run."""

    owner: Owner
    given: Context
    lanes: Lanes


def begun(program: Program, inputs: Inputs, number: Array) -> tuple[LaneBatch, Any]:
    """Return the trajectories with these numbers at their start, one for each lane, and whether each is to run."""
    empty = empty_run(program)
    free, fresh = jnp.ones(number.shape, bool), number < inputs.size
    owner, lanes = begin(program, inputs, empty.owner, empty.lanes, number, fresh, free)
    lanes = lanes._replace(iteration=jnp.zeros(number.shape, jnp.uint32))
    return LaneBatch(owner, context(program, inputs, owner), lanes), ~program.stepper.finished(program, inputs, lanes)


def without_grids(lanes: Lanes) -> Lanes:
    """Return lanes without their save grid."""
    carry = lanes.carry if lanes.carry is None else lanes.carry._replace(saved_variables=())
    return lanes._replace(saved=(), row=None, carry=carry)


def trace_start(program: Program, inputs: Inputs) -> tuple[Flat, int]:
    """Trace how the lanes begin, but for their save grid, and return the extent of the axis of lanes too.

    The inputs are those of the program and the numbers of the trajectories.
    """
    lane = _extent(program, inputs)
    bare = replace(program, lanes=lane, saving=Saving.FINAL)
    closed = jax.make_jaxpr(lambda i, n: begun(bare, i, n))(inputs, jax.ShapeDtypeStruct((lane,), jnp.int32))
    return _alive(flatten(closed, lane)), lane


def trace_status(program: Program, inputs: Inputs) -> tuple[Flat, int]:
    """Trace how each trajectory of a batch without its save grid has ended."""
    lane = _extent(program, inputs)
    bare = replace(program, lanes=lane, saving=Saving.FINAL)
    closed = jax.make_jaxpr(lambda i, b: diagnose(bare, i, *b))(inputs, shapes_of(bare, inputs))
    return _alive(flatten(closed, lane)), lane


def shapes_of(program: Program, inputs: Inputs) -> LaneBatch:
    """Return the shapes of a batch."""
    owner, lanes, *_ = jax.eval_shape(lambda: empty_run(program))
    given = jax.eval_shape(lambda i, o: context(program, i, o), inputs, owner)
    return LaneBatch(owner, given, lanes._replace(iteration=jax.ShapeDtypeStruct((program.lanes,), jnp.uint32)))


def _alive(flat: Flat) -> Flat:
    flat.lanewise = live(flat.lanewise, flat.outputs)
    needed = [v for e in flat.lanewise for v in e.reads()] + [v for v in flat.outputs if isinstance(v, Variable)]
    flat.shared = live(flat.shared, needed)
    return flat


def with_own_bits(program: Program, owner: Owner, lanes: Lanes) -> Lanes:
    """Return the lanes with the random words that the step is to read, made from their counter.

    The steppers carry them over the edge of the loop, which serves XLA only.
    """
    return lanes._replace(bits=draw_bits(owner.key0, owner.key1, program.stepper.draws(owner, lanes)))


def _serve(program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> tuple[Lanes, Any]:
    """Apply the random effects that lanes wait for; return the lanes, and what is true of none of them then.

    An effect at the very end finishes a lane, so that of lanes with
    effects only the waiting is over.
    """
    if not program.has_random_effects:
        return lanes, program.stepper.finished(program, inputs, lanes)

    def serve(lanes: Lanes) -> Lanes:
        run = Run(owner, lanes, jnp.zeros((), jnp.int32), _nothing(program))
        return random_effects(program, inputs, given, run).lanes

    lanes = lax.cond(jnp.any(program.stepper.waiting(program, lanes)), serve, lambda same: same, lanes)
    return lanes, program.stepper.waiting(program, lanes)


def _extent(program: Program, inputs: Inputs) -> int:
    taken = {extent for leaf in jax.tree.leaves(inputs) for extent in jnp.shape(leaf)} | {program.times}
    return next(extent for extent in EXTENTS if extent not in taken)
