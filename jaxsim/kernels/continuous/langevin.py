"""The chemical Langevin equation: real counts, one Wiener process per reaction, trajectories side by side.

Sources: Gillespie, J. Chem. Phys. 113 (2000) 297, for the equation; Anderson & Mattingly, Commun. Math. Sci. 9
(2011) 301, with theta = 1/2, for the scheme, of weak order two. A step of length h from X is

    Y  = X + S a(X) h/2 + S sqrt(a(X) h/2) n1
    X' = Y + S (2 a(Y) - a(X)) h/2 + S sqrt(max(2 a(Y) - a(X), 0) h/2) n2

Boundary: propensities are read at max(x, 0), and the state itself is left as it comes ("full truncation", which Lord,
Koekkoek & van Dijk, Quant. Finance 10 (2010) 177, found the least biased of the fixes they compare). So no root is
taken of a negative number, no molecule is made or lost by clipping, and linear conservation laws hold to rounding. A
species may be a fraction of a molecule to a few molecules below zero; the reactions that take it then stand still.
Where one does not, because its rate does not vanish with what it takes, the trajectory ends with a negative count.

Steps end at doses, save times and the moments at which rates jump or bend with the time. In a network whose rates read
the time or inputs each trajectory has a time of its own, and halves a step over which a rate varies by more than the
scheme resolves, so that windows at moments that differ between trajectories, and narrow peaks, are met.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float64, Int32, UInt32

from jaxsim.dosing import Timeline
from jaxsim.kernels.continuous.overlooked import rate_boxes
from jaxsim.kernels.continuous.real_rates import (
    arrange_points,
    environment,
    finite,
    inputs_at,
    real_drift,
    real_propensities,
    real_rates,
    whole_counts,
)
from jaxsim.kernels.moments import ROOM, branches, find_moments, input_boxes
from jaxsim.kernels.rates import as_mass_action
from jaxsim.kernels.state import Status
from jaxsim.network import Structure, bounds, evaluate, names, names_of_time, stoichiometry
from jaxsim.network.moments import TimeSwitch
from jaxsim.random import EVENTS, INITIAL, PARAMETERS, normal, stream_of, threefry2x32, uniform, uniform_at

# Moments of real values over lanes, and their merging in a fixed order.
#
# Source: Chan, Golub & LeVeque, Am. Stat. 37 (1983) 242, for the merging.


class LaneMoments(NamedTuple):
    """Number, mean and sums of squares about the mean of Z values; with a leading axis of times once gathered."""

    count: Any
    """int64."""
    mean: Any
    """float64 [Z]."""
    squares: Any
    """float64 [Z], or [Z, Z] with the products of pairs."""


def lane_moments(values: Float64[Array, "Z L"], valid: Bool[Array, " L"], pairs: bool) -> LaneMoments:
    """Return the moments over the valid lanes, by two passes."""
    count = jnp.sum(valid.astype(jnp.int64))
    kept = jnp.where(valid[None, :], values, 0.0)
    mean = jnp.sum(kept, axis=1) / jnp.maximum(count, np.int64(1)).astype(jnp.float64)
    centred = jnp.where(valid[None, :], values - mean[:, None], 0.0)
    squares = centred @ centred.T if pairs else jnp.sum(centred * centred, axis=1)
    return LaneMoments(count, mean, squares)


def merged_moments(left: LaneMoments, right: LaneMoments) -> LaneMoments:
    """Return the moments of both sets (numpy, with a leading axis of times).

    Examples
    --------
    >>> parts = [LaneMoments(*map(np.array, part)) for part in (([2], [[1.0]], [[2.0]]), ([1], [[4.0]], [[0.0]]))]
    >>> [part.tolist() for part in merged_moments(*parts)]
    [[3], [[2.0]], [[8.0]]]
    """
    count = left.count + right.count
    share = (right.count / np.maximum(count, 1))[:, None]
    apart = right.mean - left.mean
    between = left.count[:, None] * share * apart
    added = between[:, :, None] * apart[:, None, :] if left.squares.ndim == 3 else between * apart
    return LaneMoments(count, left.mean + share * apart, left.squares + right.squares + added)


RESOLVED = 0.1  # of its largest value, by which a rate may vary over a step; a narrow pulse then errs by 0.2 %
_UNRESOLVED = 0.05  # firings that a step may leave unresolved, with ...
_PART = 1e-5  # ... this part of the largest count
_SHORTEST = 1e-12  # of the way between two points, below which no step is halved
_ROUNDING = 1e-9  # of the largest rate, above which a rate counts as positive


@dataclass(frozen=True)
class LangevinProgram:
    """Everything that shapes the compiled code; no numbers of the model."""

    structure: Structure
    sampled_parameters: tuple[str, ...]
    sampled_species: tuple[str, ...]
    lanes: int
    covariance: bool
    kept: bool
    room: int = ROOM
    """Moments of each switch in time whose guard is not linear."""

    @property
    def shared_switches(self) -> tuple[TimeSwitch, ...]:
        """Switches whose moments are the same for all trajectories."""
        own: set[str] = set(self.sampled_parameters)
        shared = []
        for one in real_drift(self.structure).switches:
            if names(one.value) & own:
                own.add(one.name)
            else:
                shared.append(one)
        return tuple(shared)

    @property
    def varying(self) -> tuple[int, ...]:
        """Reactions whose rate changes with the time between two points."""
        switches = real_drift(self.structure).switches
        moving = names_of_time(self.structure) | {one.name for one in switches if one not in self.shared_switches}
        return tuple(r for r, rate in enumerate(real_rates(self.structure)) if names(rate) & moving)


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
    """int64 [L]: steps of each trajectory."""
    fits: Any
    """bool: whether there was room for all moments at which rates jump or bend."""


class _Way(NamedTuple):
    """The way from one point to the next."""

    key: Any
    start: Any
    end: Any
    held: dict[str, Any]
    """Branches of the switches that all trajectories share."""


class _Carry(NamedTuple):
    """The carry along the points."""

    x: Float64[Array, "S L"]
    noise: Any
    """Normal variates [2, R, L] of the next step: drawn across the edge of the loop, so that XLA makes them once."""
    drawn: UInt32[Array, " L"]
    """Steps whose variates have been drawn."""
    time: Any
    cell: Any
    status: Int32[Array, " L"]


def run_langevin(program: LangevinProgram, inputs: LangevinInputs) -> LangevinSums:
    """Simulate the trajectories of one call."""
    structure = program.structure
    plain = {name: value for name, value in inputs.parameters.items() if name not in program.sampled_parameters}
    moments = find_moments(program.shared_switches, structure.inputs, plain, inputs.timeline, program.room)
    points = arrange_points(inputs.timeline, inputs.times, moments.times)
    cells = inputs.timeline.base.shape[0]
    lane = jnp.arange(program.lanes, dtype=jnp.uint32)
    key = _stream(inputs, lane, EVENTS)
    parameters = _parameters(program, inputs, lane)
    used = lane.astype(jnp.int32) < inputs.size

    def visit(here: _Carry, point: tuple[Any, ...]) -> tuple[_Carry, Any]:
        time, entered = point
        way = _Way(key, here.time, time, _held(program, inputs, parameters, here, time))
        here = advance(program, inputs, parameters, way, here)
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

    advance = _advance_timed if program.varying else _advance
    zero = jnp.zeros((program.lanes,), jnp.uint32)
    x0 = _initial(program, inputs, lane)
    fine = jnp.full((program.lanes,), int(Status.OK), jnp.int32)
    first = _Carry(x0, _noise(program, key, zero), zero, points.time[0], jnp.zeros_like(points.entered[0]), fine)
    last, gathered = lax.scan(visit, first, (points.time, points.entered))
    sums, states = _rows(gathered, points.saves)
    status = jnp.where(used, last.status, np.int32(-1))
    return LangevinSums(sums, status, states, last.drawn.astype(jnp.int64), moments.fits)


def _rows(gathered: tuple[Any, ...], saves: Array) -> Any:
    moments, states = gathered
    picked = LaneMoments(*(leaf[saves] for leaf in moments))
    return picked, None if states is None else states[saves]


def enter_one(timeline: Timeline, cell: Array, species: int, x: Array) -> Any:
    """Give the doses of a cell to one species in all lanes."""
    return timeline.multiply[cell, species] * x + timeline.add[cell, species]


def _held(program: LangevinProgram, inputs: LangevinInputs, parameters: Any, here: _Carry, time: Any) -> dict[str, Any]:
    """Return the branches that hold for all trajectories on the way from here to the next point."""
    timed = _timed(program, inputs, here.cell, 0.5 * (here.time + time))
    return branches(program.shared_switches, {**parameters, **timed})


def _timed(program: LangevinProgram, inputs: LangevinInputs, cell: Array, time: Array) -> dict[str, Any]:
    """Return the inputs and the time, by name: numbers, or [L] as `time` is."""
    since = time - inputs.timeline.edges[cell]
    if jnp.ndim(time) == 0:
        return {**inputs_at(program.structure, inputs.timeline, cell, since), "t": time}
    timed = jax.vmap(lambda one: inputs_at(program.structure, inputs.timeline, cell, one))(since)
    return {**timed, "t": time}


def _advance(
    program: LangevinProgram, inputs: LangevinInputs, parameters: dict[str, Any], way: _Way, here: _Carry
) -> _Carry:
    """Step from one point to the next in equal steps of at most the step asked for."""
    width = way.end - way.start
    number = jnp.ceil(width / inputs.step * (1.0 - 1e-12)).astype(jnp.int32)
    number = jnp.where(width > 0.0, jnp.maximum(number, np.int32(1)), np.int32(0))
    length = width / jnp.maximum(number, np.int32(1)).astype(jnp.float64)

    def step(index: Array, carry: _Carry) -> _Carry:
        start = here.time + length * index.astype(jnp.float64)
        x, fault = _step(program, inputs, parameters, way, carry, start, length)
        drawn = carry.drawn + np.uint32(1)
        status = jnp.where(carry.status == int(Status.OK), fault, carry.status)
        return carry._replace(x=x, noise=_noise(program, way.key, drawn), drawn=drawn, status=status)

    return lax.fori_loop(np.int32(0), number, step, here)


def _advance_timed(
    program: LangevinProgram, inputs: LangevinInputs, parameters: dict[str, Any], way: _Way, here: _Carry
) -> _Carry:
    """Step from one point to the next, every trajectory in steps over which its own rates are resolved."""
    width = way.end - way.start
    used = jnp.arange(program.lanes, dtype=jnp.int32) < inputs.size

    def moving(carry: _Carry, gone: Array) -> Any:
        return used & (carry.status == int(Status.OK)) & (gone < width)

    def step(loop: tuple[_Carry, Any, Any]) -> tuple[_Carry, Any, Any]:
        carry, gone, longest = loop
        goes = moving(carry, gone)
        left = jnp.where(goes, width - gone, 1.0)
        number = jnp.maximum(jnp.ceil(left / longest * (1.0 - 1e-12)), 1.0)
        length = left / number
        start = way.start + gone
        blind = goes & (length > _SHORTEST * width)
        blind = blind & _unresolved(program, inputs, parameters, way, carry, start, length)
        x, fault = _step(program, inputs, parameters, way, carry, start, length)
        takes = goes & ~blind
        drawn = carry.drawn + takes.astype(jnp.uint32)
        status = jnp.where(takes & (carry.status == int(Status.OK)), fault, carry.status)
        carry = carry._replace(
            x=jnp.where(takes[None, :], x, carry.x), noise=_noise(program, way.key, drawn), drawn=drawn, status=status
        )
        gone = jnp.where(takes, jnp.where(number == 1.0, width, gone + length), gone)
        return carry, gone, jnp.where(blind, 0.5 * length, jnp.minimum(2.0 * longest, inputs.step))

    nothing = jnp.zeros((program.lanes,), jnp.float64)
    first = (here, nothing, nothing + inputs.step)
    return lax.while_loop(lambda loop: jnp.any(moving(*loop[:2])), step, first)[0]


def _unresolved(
    program: LangevinProgram,
    inputs: LangevinInputs,
    parameters: dict[str, Any],
    way: _Way,
    carry: _Carry,
    start: Array,
    length: Array,
) -> Any:
    """Return the lanes in which a rate varies with the time by more than a step of this length resolves."""
    structure = program.structure
    timed = _timed(program, inputs, carry.cell, start)
    env = environment(structure, parameters, {**timed, **_branches(program, way, {**parameters, **timed})}, carry.x)
    boxes = {"t": (start, start + length), **input_boxes(inputs.timeline, structure.inputs, start, start + length)}
    for one in real_drift(structure).switches:
        if one.name not in way.held:
            known = {name: (value, value) for name, value in env.items()} | boxes
            low, high = bounds(one.value, known)
            boxes[one.name] = (jnp.asarray(low).astype(jnp.float64), jnp.asarray(high).astype(jnp.float64))
    low, high = rate_boxes([real_rates(structure)[r] for r in program.varying], env, boxes, start)
    some = _UNRESOLVED + _PART * jnp.max(jnp.abs(carry.x), axis=0)
    return jnp.any((high - low > RESOLVED * high) & ((high - low) * length[None, :] > some[None, :]), axis=0)


def _branches(program: LangevinProgram, way: _Way, env: dict[str, Any]) -> dict[str, Any]:
    """Return the branches of all switches: those that are held, and those of each trajectory at its time."""
    own = [one for one in real_drift(program.structure).switches if one.name not in way.held]
    return {**way.held, **branches(own, {**env, **way.held})}


def _step(
    program: LangevinProgram,
    inputs: LangevinInputs,
    parameters: dict[str, Any],
    way: _Way,
    carry: _Carry,
    start: Array,
    length: Array,
) -> tuple[Any, Any]:
    """Advance all lanes by one step; tell how they fared."""
    structure, x = program.structure, carry.x
    a, fault = _rates(program, inputs, parameters, way, carry.cell, start, x)
    half = 0.5 * length if jnp.ndim(length) == 0 else 0.5 * length[None, :]
    middle = _moved(structure, x, a * half + jnp.sqrt(a * half) * carry.noise[0])
    b, later = _rates(program, inputs, parameters, way, carry.cell, start + 0.5 * length, middle)
    ahead = 2.0 * b - a
    fired = ahead * half + jnp.sqrt(jnp.maximum(ahead, 0.0) * half) * carry.noise[1]
    return _moved(structure, middle, fired), jnp.where(fault == int(Status.OK), later, fault)


def _moved(structure: Structure, x: Array, fired: Array) -> Any:
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
    program: LangevinProgram,
    inputs: LangevinInputs,
    parameters: dict[str, Any],
    way: _Way,
    cell: Array,
    time: Array,
    x: Array,
) -> tuple[Any, Any]:
    """Return the propensities [R, L], none negative, and how the lanes fare: a rate that is negative at whole counts
    too, or one that takes what there is less than nothing of."""
    structure = program.structure
    timed = _timed(program, inputs, cell, time)
    timed = {**timed, **_branches(program, way, {**parameters, **timed})}
    a = real_propensities(structure, environment(structure, parameters, timed, x), x[0])
    species = frozenset(structure.species)
    written = np.array([as_mass_action(reaction.rate, species) is None for reaction in structure.reactions])
    if not written.any():
        return a, _status(starved(structure, x, a), Status.NEGATIVE_COUNT)

    def at_whole_counts() -> Any:
        b = real_propensities(structure, environment(structure, parameters, timed, whole_counts(x)), x[0])
        return jnp.any((a < 0.0) & (b < 0.0), axis=0)

    faulty = lax.cond(jnp.any(a < 0.0), at_whole_counts, lambda: jnp.zeros(x[0].shape, bool))
    status = _status(starved(structure, x, a), Status.NEGATIVE_COUNT)
    return jnp.where(a < 0.0, 0.0, a), jnp.where(faulty, np.int32(Status.NEGATIVE_RATE), status)


def _status(faulty: Array, status: Status) -> Any:
    return jnp.where(faulty, np.int32(status), np.int32(Status.OK))


def starved(structure: Structure, x: Array, a: Array) -> Any:
    """Return the lanes in which a reaction takes a species of which there is less than nothing, bool [L].

    Mass action stands still there. Any other rate that does is as the boundary asks; one that does not would take
    counts below zero without end.
    """
    result = jnp.zeros(x[0].shape, bool)
    species = frozenset(structure.species)
    for r, reaction in enumerate(structure.reactions):
        form = as_mass_action(reaction.rate, species)
        for name, change in reaction.changes.items():
            if change < 0 and (form is None or name not in form.species):
                empty = x[structure.species.index(name)] < 0.0
                result = result | (empty & (a[r] > a.dtype.type(_ROUNDING) * jnp.max(a, axis=0)))
    return result


def _noise(program: LangevinProgram, key: tuple[Any, ...], step: Array) -> Any:
    """Return the standard normal variates of a step, float64 [2, R, L]: both words of one cipher call each."""
    shape = (len(program.structure.reactions), program.lanes)
    reaction = lax.broadcasted_iota(jnp.uint32, shape, 0)
    key0, key1 = (jnp.broadcast_to(word[None, :], shape) for word in key)
    words = threefry2x32(key0, key1, jnp.broadcast_to(step, shape), reaction)
    bits = jnp.stack(words)
    return normal(uniform(bits), uniform(~bits)).astype(jnp.float64)


def _stream(inputs: LangevinInputs, lane: Array, purpose: int) -> tuple[Any, Any]:
    return stream_of(inputs.seed, inputs.point, (inputs.first_low, inputs.first_high), lane, purpose)


def _drawn(inputs: LangevinInputs, lane: Any, purpose: int, position: int) -> Any:
    return uniform_at(_stream(inputs, lane, purpose), position)


def _parameters(program: LangevinProgram, inputs: LangevinInputs, lane: Array) -> dict[str, Any]:
    """Return the parameters, scalars or drawn by each trajectory; the draws are those of the exact method."""
    drawn = {
        name: inputs.parameters[name].sample(_drawn(inputs, lane, PARAMETERS, position)).astype(jnp.float64)
        for position, name in enumerate(program.sampled_parameters)
    }
    return {**inputs.parameters, **drawn}


def _initial(program: LangevinProgram, inputs: LangevinInputs, lane: Array) -> Any:
    rows = []
    for name in program.structure.species:
        if name in program.sampled_species:
            position = program.sampled_species.index(name)
            value = inputs.initial[name].sample(_drawn(inputs, lane, INITIAL, position))
            rows.append(jnp.maximum(jnp.round(value.astype(jnp.float64)), 0.0))
        else:
            rows.append(jnp.broadcast_to(inputs.initial[name], lane.shape))
    return jnp.stack(rows)


def _observables(program: LangevinProgram, parameters: dict[str, Any], inputs: LangevinInputs, here: _Carry) -> Any:
    structure = program.structure
    env = {**parameters, "t": here.time, **dict(zip(structure.species, here.x, strict=True))}
    values = [evaluate(expression, env) for _, expression in structure.observables]
    rows = [jnp.broadcast_to(jnp.asarray(v).astype(jnp.float64), here.x[0].shape) for v in values]
    return jnp.stack(rows) if rows else jnp.zeros((0, program.lanes), jnp.float64)
