"""Start trajectories in free lanes: keys, sampled parameters, initial counts, doses at the start."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.change import enter_cell
from jaxsim.kernels.codes import NONE
from jaxsim.kernels.masks import count
from jaxsim.kernels.partial_propensity import grouped
from jaxsim.kernels.program import Arrangement, Program
from jaxsim.kernels.randomness import draw_bits
from jaxsim.kernels.rates import parameter_values
from jaxsim.kernels.saving import clear
from jaxsim.kernels.state import General, Inputs, Lanes, Owner
from jaxsim.kernels.trigger import chosen_lanes, triggers_at_start
from jaxsim.random import EVENTS, INITIAL, PARAMETERS, threefry2x32, trajectory_key, uniform


def refill(
    program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, free: Any, started: Any
) -> tuple[Owner, Lanes, Any]:
    """Give the next trajectories to the free lanes, as long as there are any; empty the others."""
    number = started + jnp.cumsum(free.astype(jnp.int32), dtype=jnp.int32) - np.int32(1)
    fresh = free & (number < inputs.size)
    return *begin(program, inputs, owner, lanes, number, fresh, free), started + count(fresh)


def begin(
    program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, number: Any, fresh: Any, free: Any
) -> tuple[Owner, Lanes]:
    """Begin the trajectories with these numbers in fresh lanes, which are free, and empty the other free ones."""
    owner = _own(program, inputs, owner, jnp.where(fresh, number, np.int32(0)), fresh, free, lanes.iteration)
    return owner, _begin(program, inputs, owner, lanes, fresh, free)


def stream(inputs: Inputs, number: Any, purpose: int) -> tuple[Any, Any]:
    """Return the key of the trajectories with these numbers within the call."""
    low = inputs.first_low + number.astype(jnp.uint32)
    high = inputs.first_high + (low < inputs.first_low).astype(jnp.uint32)
    return trajectory_key(inputs.seed, inputs.point, low, high, purpose)


def draw_for(key: tuple[Any, Any], position: int) -> Any:
    """Return uniform number `position` of the stream."""
    counter = jnp.full(key[0].shape, position, jnp.uint32)
    return uniform(threefry2x32(*key, counter, jnp.zeros_like(counter))[0])


def _own(program: Program, inputs: Inputs, owner: Owner, number: Any, fresh: Any, free: Any, iteration: Any) -> Owner:
    key0, key1 = stream(inputs, number, EVENTS)
    sampled = stream(inputs, number, PARAMETERS)
    parameters = {}
    for position, name in enumerate(program.sampled_parameters):
        value = inputs.parameters[name].sample(draw_for(sampled, position)).astype(jnp.float64)
        parameters[name] = jnp.where(fresh, value, owner.parameters[name])
    return Owner(
        number=jnp.where(free, jnp.where(fresh, number, np.int32(-1)), owner.number),
        key0=jnp.where(fresh, key0, owner.key0),
        key1=jnp.where(fresh, key1, owner.key1),
        first=jnp.where(fresh, iteration, owner.first),
        parameters=parameters,
    )


def _begin(program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, fresh: Any, free: Any) -> Lanes:
    structure, start = program.structure, inputs.timeline.edges[0]
    x0 = _initial(program, inputs, owner, fresh.shape)
    x0 = enter_cell(structure, program.dosed, x0, inputs.timeline, jnp.zeros(fresh.shape, jnp.int32), fresh)
    x: Any
    if program.arrangement is Arrangement.ROWS:
        ones = jnp.ones_like(x0[0])
        x = jnp.where(fresh[None, :], jnp.stack([*x0, ones]), lanes.x)
    elif program.arrangement is Arrangement.GROUPS:
        started = grouped(program, inputs, x0)
        x = jax.tree.map(lambda new, old: jnp.where(fresh[:, None], new, old), started, lanes.x)
    else:
        x = tuple(jnp.where(fresh, new, old) for new, old in zip(x0, lanes.x, strict=True))
    zero = jnp.zeros(fresh.shape, jnp.uint32)
    # Triggers are looked at there, even where the start is the end.
    first = np.int32(program.wake) if structure.events else NONE
    lanes = lanes._replace(
        x=x,
        t=jnp.where(free, jnp.where(fresh, start, jnp.inf), lanes.t),
        bits=jnp.where(fresh, draw_bits(owner.key0, owner.key1, zero), lanes.bits),
        pending=jnp.where(free, jnp.where(fresh, first, NONE), lanes.pending),
        passages=tuple(jnp.where(fresh, jnp.inf, first) for first in lanes.passages),
    )
    if lanes.general is not None:
        lanes = lanes._replace(general=_begin_general(program, inputs, owner, lanes, lanes.general, fresh, free))
    return clear(program, lanes, fresh)


def _initial(program: Program, inputs: Inputs, owner: Owner, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the initial counts, [L] each; a sampled one is rounded to the nearest integer."""
    key = stream(inputs, owner.number, INITIAL)
    counts = []
    for name in program.structure.species:
        value = inputs.initial[name]
        if name in program.sampled_species:
            sampled = value.sample(draw_for(key, program.sampled_species.index(name)))
            value = jnp.maximum(jnp.round(sampled.astype(jnp.float64)), 0.0)
        counts.append(jnp.broadcast_to(jnp.asarray(value).astype(jnp.int32), shape))
    return tuple(counts)


def _begin_general(
    program: Program, inputs: Inputs, owner: Owner, lanes: Lanes, general: General, fresh: Any, free: Any
) -> General:
    variables = tuple(
        jnp.where(fresh, jnp.asarray(inputs.variables[name]).astype(jnp.float64), old)
        for name, old in zip(program.structure.variables, general.variables, strict=True)
    )
    general = general._replace(variables=variables)
    zero = jnp.zeros(fresh.shape, jnp.uint32)
    triggers = general.triggers
    if triggers is not None:
        precise = parameter_values(inputs.parameters, owner.parameters, np.float64)
        first = triggers_at_start(program, precise, lanes._replace(general=general))
        triggers = chosen_lanes(fresh, first, triggers)
    limit = general.limit
    if limit is not None:
        limit = jnp.where(fresh, jnp.inf, limit)
    return general._replace(
        cell=jnp.where(free, np.int32(0), general.cell),
        draws=jnp.where(fresh, zero, general.draws),
        fired=jnp.where(fresh, jnp.zeros_like(general.fired), general.fired),
        rejected=jnp.where(fresh, zero, general.rejected),
        triggers=triggers,
        limit=limit,
        mixed=jax.tree.map(lambda leaf: jnp.where(fresh, jnp.zeros_like(leaf), leaf), general.mixed),
    )
