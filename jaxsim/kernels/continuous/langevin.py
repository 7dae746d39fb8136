"""The chemical Langevin equation: real counts, one Wiener process per reaction, trajectories side by side.

Sources: Gillespie, J. Chem. Phys. 113 (2000) 297, for the equation; Anderson & Mattingly, Commun. Math. Sci. 9
(2011) 301, with theta = 1/2, for the scheme, of weak order two. A step of length h from X is

    Y  = X + S a(X) h/2 + S sqrt(a(X) h/2) n1
    X' = Y + S (2 a(Y) - a(X)) h/2 + S sqrt(max(2 a(Y) - a(X), 0) h/2) n2

Boundary: propensities are read at max(x, 0), and the state itself is left as it comes ("full truncation", which Lord,
Koekkoek & van Dijk, Quant. Finance 10 (2010) 177, found the least biased of the fixes they compare). So no root is
taken of a negative number, no molecule is made or lost by clipping, and linear conservation laws hold to rounding. A
species may be a fraction of a molecule to a few molecules below zero; the reactions that take it then stand still.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32, UInt32

from jaxsim.dosing import Timeline
from jaxsim.kernels.continuous.lane_moments import LaneMoments, lane_moments
from jaxsim.kernels.continuous.points import arrange_points
from jaxsim.kernels.continuous.real_rates import environment, finite, inputs_at, real_propensities, whole
from jaxsim.kernels.mass_action import as_mass_action
from jaxsim.kernels.status import Status
from jaxsim.network import Structure, evaluate, stoichiometry
from jaxsim.random import EVENTS, INITIAL, PARAMETERS, normal, threefry2x32, trajectory_key, uniform


@dataclass(frozen=True)
class LangevinProgram:
    """Everything that shapes the compiled code; no numbers of the model."""

    structure: Structure
    sampled_parameters: tuple[str, ...]
    sampled_species: tuple[str, ...]
    lanes: int
    covariance: bool
    kept: bool


class LangevinInputs(NamedTuple):
    """The numbers of one call: they change without recompiling."""

    seed: UInt32[Any, "2"]
    point: UInt32[Any, ""]
    first_low: UInt32[Any, ""]
    first_high: UInt32[Any, ""]
    size: Int32[Any, ""]
    """Trajectories of the call, at most the lanes."""
    parameters: dict[str, Any]
    initial: dict[str, Any]
    timeline: Timeline
    times: Float64[Any, " K"]
    step: Float64[Any, ""]
    """Longest step; shorter ones end at edges and save times."""


class LangevinSums(NamedTuple):
    """What is gathered from the trajectories of one call."""

    moments: LaneMoments
    """Of species and observables, with the leading axis K."""
    status: Int32[Array, " L"]
    states: Float64[Array, "K S L"] | None
    steps: Any
    """int64: steps of each trajectory."""


class _Carry(NamedTuple):
    """The carry along the points."""

    x: Float64[Array, "S L"]
    noise: Any
    """Normal variates [2, R, L] of the next step: drawn across the edge of the loop, so that XLA makes them once."""
    drawn: UInt32[Array, ""]
    """Steps whose variates have been drawn."""
    time: Any
    cell: Any
    status: Int32[Array, " L"]


def run_langevin(program: LangevinProgram, inputs: LangevinInputs) -> LangevinSums:
    """Simulate the trajectories of one call."""
    points = arrange_points(inputs.timeline, inputs.times)
    cells = inputs.timeline.base.shape[0]
    lane = jnp.arange(program.lanes, dtype=jnp.uint32)
    key = _stream(inputs, lane, EVENTS)
    parameters = _parameters(program, inputs, lane)
    used = lane.astype(jnp.int32) < inputs.size

    def visit(here: _Carry, point: Any) -> tuple[_Carry, Any]:
        time, entered = point
        here = _advance(program, inputs, parameters, key, here, time)
        arrives = entered < cells
        cell = jnp.where(arrives, entered, here.cell)
        dosed = jnp.stack([enter_one(inputs.timeline, cell, s, row) for s, row in enumerate(here.x)])
        x = jnp.where(arrives, dosed, here.x)
        broken = (here.status == int(Status.OK)) & ~finite(x)
        status = jnp.where(broken, np.int32(Status.RATE_NOT_FINITE), here.status)
        here = here._replace(x=x, time=time, cell=cell, status=status)
        values = jnp.concatenate([x, _observables(program, parameters, inputs, here)])
        valid = used & (status == int(Status.OK))
        return here, (lane_moments(values, valid, program.covariance), x if program.kept else None)

    zero = jnp.zeros((), jnp.uint32)
    x0 = _initial(program, inputs, lane)
    fine = jnp.full((program.lanes,), int(Status.OK), jnp.int32)
    first = _Carry(x0, _noise(program, key, zero), zero, points.time[0], jnp.zeros_like(points.entered[0]), fine)
    last, gathered = lax.scan(visit, first, (points.time, points.entered))
    moments, states = _rows(gathered, points.saves)
    status = jnp.where(used, last.status, np.int32(-1))
    return LangevinSums(moments, status, states, last.drawn.astype(jnp.int64))


def _rows(gathered: Any, saves: Any) -> Any:
    moments, states = gathered
    picked = LaneMoments(*(leaf[saves] for leaf in moments))
    return picked, None if states is None else states[saves]


def enter_one(timeline: Timeline, cell: Any, species: int, x: Any) -> Any:
    """Give the doses of a cell to one species in all lanes."""
    return timeline.multiply[cell, species] * x + timeline.add[cell, species]


def _advance(
    program: LangevinProgram, inputs: LangevinInputs, parameters: Any, key: Any, here: _Carry, time: Any
) -> _Carry:
    """Step from one point to the next in equal steps of at most the step asked for."""
    width = time - here.time
    number = jnp.ceil(width / inputs.step * (1.0 - 1e-12)).astype(jnp.int32)
    number = jnp.where(width > 0.0, jnp.maximum(number, np.int32(1)), np.int32(0))
    length = width / jnp.maximum(number, np.int32(1)).astype(jnp.float64)

    def step(index: Any, carry: _Carry) -> _Carry:
        start = here.time + length * index.astype(jnp.float64)
        x, negative = _step(program, inputs, parameters, carry, start, length)
        drawn = carry.drawn + np.uint32(1)
        fault = negative & (carry.status == int(Status.OK))
        status = jnp.where(fault, np.int32(Status.NEGATIVE_RATE), carry.status)
        return carry._replace(x=x, noise=_noise(program, key, drawn), drawn=drawn, status=status)

    return lax.fori_loop(np.int32(0), number, step, here)


def _step(
    program: LangevinProgram, inputs: LangevinInputs, parameters: Any, carry: _Carry, start: Any, length: Any
) -> tuple[Any, Any]:
    """Advance all lanes by one step; tell which met a negative rate."""
    structure, half = program.structure, 0.5 * length
    x = carry.x
    a, faulty = _rates(program, inputs, parameters, carry.cell, start, x)
    middle = _moved(structure, x, a * half + jnp.sqrt(a * half) * carry.noise[0])
    b, faulty_too = _rates(program, inputs, parameters, carry.cell, start + half, middle)
    ahead = 2.0 * b - a
    fired = ahead * half + jnp.sqrt(jnp.maximum(ahead, 0.0) * half) * carry.noise[1]
    return _moved(structure, middle, fired), faulty | faulty_too


def _moved(structure: Structure, x: Any, fired: Any) -> Any:
    """Add the stoichiometry times the (real) numbers of firings; summed term by term, so that no lane sees another."""
    rows = []
    for s, changes in enumerate(stoichiometry(structure).tolist()):
        row = x[s]
        for r, change in enumerate(changes):
            if change:
                row = row + (fired[r] if change == 1 else float(change) * fired[r])
        rows.append(row)
    return jnp.stack(rows)


def _rates(
    program: LangevinProgram, inputs: LangevinInputs, parameters: Any, cell: Any, time: Any, x: Any
) -> tuple[Any, Any]:
    """Return the propensities [R, L], none negative, and the lanes in which one is negative at whole counts too."""
    structure = program.structure
    given = inputs_at(structure, inputs.timeline, cell, time - inputs.timeline.edges[cell])
    timed = {**given, "t": time}
    a = real_propensities(structure, environment(structure, parameters, timed, x), x[0])
    species = frozenset(structure.species)
    written = np.array([as_mass_action(reaction.rate, species) is None for reaction in structure.reactions])
    if not written.any():
        return a, jnp.zeros(x[0].shape, bool)

    def at_whole_counts() -> Any:
        b = real_propensities(structure, environment(structure, parameters, timed, whole(x)), x[0])
        return jnp.any((a < 0.0) & (b < 0.0), axis=0)

    faulty = lax.cond(jnp.any(a < 0.0), at_whole_counts, lambda: jnp.zeros(x[0].shape, bool))
    return jnp.where(a < 0.0, 0.0, a), faulty


def _noise(program: LangevinProgram, key: Any, step: Any) -> Any:
    """Return the standard normal variates of a step, float64 [2, R, L]: both words of one cipher call each."""
    shape = (len(program.structure.reactions), program.lanes)
    reaction = lax.broadcasted_iota(jnp.uint32, shape, 0)
    key0, key1 = (jnp.broadcast_to(word[None, :], shape) for word in key)
    words = threefry2x32(key0, key1, jnp.broadcast_to(step, shape), reaction)
    bits = jnp.stack(words)
    return normal(uniform(bits), uniform(~bits)).astype(jnp.float64)


def _stream(inputs: LangevinInputs, lane: Any, purpose: int) -> tuple[Any, Any]:
    low = inputs.first_low + lane
    high = inputs.first_high + (low < inputs.first_low).astype(jnp.uint32)
    return trajectory_key(inputs.seed, inputs.point, low, high, purpose)


def _drawn(inputs: LangevinInputs, lane: Any, purpose: int, position: int) -> Any:
    counter = jnp.full(lane.shape, position, jnp.uint32)
    return uniform(threefry2x32(*_stream(inputs, lane, purpose), counter, jnp.zeros_like(counter))[0])


def _parameters(program: LangevinProgram, inputs: LangevinInputs, lane: Any) -> dict[str, Any]:
    """Return the parameters, scalars or drawn by each trajectory; the draws are those of the exact method."""
    drawn = {
        name: inputs.parameters[name].sample(_drawn(inputs, lane, PARAMETERS, position)).astype(jnp.float64)
        for position, name in enumerate(program.sampled_parameters)
    }
    return {**inputs.parameters, **drawn}


def _initial(program: LangevinProgram, inputs: LangevinInputs, lane: Any) -> Any:
    rows = []
    for name in program.structure.species:
        if name in program.sampled_species:
            position = program.sampled_species.index(name)
            value = inputs.initial[name].sample(_drawn(inputs, lane, INITIAL, position))
            rows.append(jnp.maximum(jnp.round(value.astype(jnp.float64)), 0.0))
        else:
            rows.append(jnp.broadcast_to(inputs.initial[name], lane.shape))
    return jnp.stack(rows)


def _observables(program: LangevinProgram, parameters: Any, inputs: LangevinInputs, here: _Carry) -> Any:
    structure = program.structure
    env = {**parameters, "t": here.time, **dict(zip(structure.species, here.x, strict=True))}
    values = [evaluate(expression, env) for _, expression in structure.observables]
    rows = [jnp.broadcast_to(jnp.asarray(v).astype(jnp.float64), here.x[0].shape) for v in values]
    return jnp.stack(rows) if rows else jnp.zeros((0, program.lanes), jnp.float64)
