"""Rate equations of many lanes side by side: each has parameters, doses, start and steps of its own.

Lanes share the times of doses and the save times, at which they wait for each other; between them each lane takes the
steps that its own error allows, and stops at the moments at which its own rates jump or bend with the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32

from jaxsim.dosing import Timeline
from jaxsim.kernels.continuous.overlooked import overlooks, varying
from jaxsim.kernels.continuous.rate_equations import Controls
from jaxsim.kernels.continuous.real_rates import arrange_points, environment, finite, real_drift, real_rates, signs
from jaxsim.kernels.continuous.rosenbrock import ORDER, column_colours, jacobian_pattern, rosenbrock_step
from jaxsim.kernels.moments import ROOM, TimeMoments, branches, find_moments
from jaxsim.kernels.state import Status
from jaxsim.network import Expression, Structure, evaluate, evaluate_all, hoist_all, stoichiometry, united

# The drift of many lanes at once, with what does not change along a solution computed before it.


@lru_cache(maxsize=256)
def hoisted_rates(structure: Structure) -> tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...]]:
    """Return the rates for real counts, and the functions of parameters alone that were pulled out of them.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> rates, before = hoisted_rates(Network({"A": 5}, ["A -> @ A*k*k/(1 + k)"], {"k": 1.0}).structure)
    >>> len(rates), len(before)
    (1, 1)
    """
    rates, before = hoist_all(real_rates(structure), frozenset(structure.parameters), "before ")
    return united(rates), tuple(before.items())


def constants(structure: Structure, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the functions of them that rates read."""
    env = dict(parameters)
    for name, expression in hoisted_rates(structure)[1]:
        env[name] = jnp.asarray(evaluate(expression, env)).astype(jnp.float64)
    return env


def lane_propensities(structure: Structure, known: Mapping[str, Any], timed: Mapping[str, Any], x: Array) -> Any:
    """Return the propensities [R, L], from what :func:`constants` returned."""
    env = environment(structure, known, timed, x)
    values = evaluate_all(hoisted_rates(structure)[0], env)
    return jnp.stack([jnp.broadcast_to(jnp.asarray(value).astype(x.dtype), x[0].shape) for value in values])


def lane_drift(structure: Structure, known: Mapping[str, Any], timed: Mapping[str, Any], x: Array) -> Any:
    """Return d(mean)/dt [S, L], from what :func:`constants` returned."""
    a = lane_propensities(structure, known, timed, x)
    change = jnp.asarray(stoichiometry(structure).astype(np.float64)) @ a
    env = environment(structure, known, timed, x)
    for (species, r), value in real_drift(structure).effects.items():
        s = structure.species.index(species)
        change = change.at[s].add(a[r] * (jnp.asarray(evaluate(value, env)).astype(x.dtype) - env[species]))
    return change


_UNDERSHOOT = 1e-3  # molecules below zero that rounding may cause, beside ten times the tolerance
_SMALLEST_STEP = 1e-14  # of the way between two points; a solution that needs less has a singularity
FIRST_STEP = 1e-3  # of the way to the first point; error control finds what is right
AFTER_DOSE = 0.1  # of the step before it: inputs bend there, and rates at a moment
SAFETY, _LEAST_FACTOR, _MOST_FACTOR = 0.9, 0.2, 6.0


@dataclass(frozen=True)
class LaneFlow:
    """Everything that shapes the compiled code; no numbers of the model."""

    structure: Structure
    lanes: int
    max_steps: int = 1 << 16
    """Steps between two points, after which a lane gives up."""
    room: int = ROOM
    """Moments of each switch in time whose guard is not linear."""


class LaneFlowInputs(NamedTuple):
    """The numbers of one call: they change without recompiling."""

    parameters: dict[str, Float64[Any, " L"]]
    initial: Float64[Any, "S L"]
    timeline: Timeline
    """With the lanes as last axis of everything but the edges."""
    times: Float64[Any, " K"]
    controls: Controls
    used: Any
    """bool [L]: lanes without are padding."""


class LaneFlowResult(NamedTuple):
    """The solutions at the save times."""

    mean: Float64[Array, "K S L"]
    observed: Float64[Array, "K O L"]
    status: Int32[Array, "K L"]
    """How each solution had fared by then, as a Status."""
    steps: Any
    """int32 [L]: accepted and rejected steps."""
    fits: Any
    """bool [L]: whether there was room for all moments at which rates jump or bend."""


class _Known(NamedTuple):
    """What does not change along a solution."""

    env: dict[str, Any]
    """Parameters, and the functions of them that rates read, [L] each."""
    moments: Any
    """float64 [M, L]: at which rates jump or bend, ascending; the last is infinite."""


class _Place(NamedTuple):
    """The carry of the walk: all [L], but for the state [S, L], and time and cell, which lanes share."""

    x: Any
    step: Any
    """Proposed; 0 at the start."""
    status: Any
    steps: Any
    time: Any
    cell: Any
    moment: Any
    """int32: the first moment that is not over."""


class _Way(NamedTuple):
    """The carry between two points."""

    x: Any
    gone: Any
    """Time since the first point, [L]."""
    step: Any
    status: Any
    tries: Any
    moment: Any
    begun: Any
    """Time from the first point to where the present branches began to hold."""


def run_lanes(program: LaneFlow, inputs: LaneFlowInputs) -> LaneFlowResult:
    """Solve all lanes from the start to the last save time."""
    points = arrange_points(inputs.timeline, inputs.times, jnp.zeros((0,), jnp.float64))
    cells, lanes = inputs.timeline.base.shape[0], program.lanes
    moments = _moments(program, inputs)
    never = jnp.full((1, lanes), jnp.inf)
    known = _Known(constants(program.structure, inputs.parameters), jnp.concatenate([moments.times, never]))

    def visit(here: _Place, point: tuple[Any, ...]) -> tuple[_Place, Any]:
        time, entered = point
        here = _reach(program, inputs, known, here, time)
        arrives = entered < cells
        cell = jnp.where(arrives, entered, here.cell)
        dosed = inputs.timeline.multiply[cell] * here.x + inputs.timeline.add[cell]
        x = jnp.where(arrives, dosed, here.x)
        fares = _diagnosis(program, inputs, known.env, cell, time, x)
        status = jnp.where(here.status == int(Status.OK), fares, here.status)
        step = jnp.where(arrives, AFTER_DOSE * here.step, here.step)
        here = here._replace(x=x, step=step, status=status, time=time, cell=cell)
        return here, (x, _observe(program, known.env, time, x), status)

    zeros, cell = jnp.zeros((lanes,), jnp.int32), jnp.zeros_like(points.entered[0])
    first = _Place(inputs.initial, zeros.astype(jnp.float64), zeros, zeros, points.time[0], cell, zeros)
    last, gathered = lax.scan(visit, first, (points.time, points.entered))
    x, observed, status = (leaf[points.saves] for leaf in gathered)
    return LaneFlowResult(x, observed, status, last.steps, moments.fits)


def _moments(program: LaneFlow, inputs: LaneFlowInputs) -> TimeMoments:
    """Return the moments [M, L] of every lane."""
    structure = program.structure

    def one(parameters: dict[str, Any], timeline: Timeline) -> TimeMoments:
        return find_moments(real_drift(structure).switches, structure.inputs, parameters, timeline, program.room)

    apart: Any = Timeline(*(None if name == "edges" else -1 for name in Timeline._fields))
    found = jax.vmap(one, in_axes=(-1, apart), axis_size=program.lanes)(inputs.parameters, inputs.timeline)
    return found._replace(times=found.times.T)


def _reach(program: LaneFlow, inputs: LaneFlowInputs, known: _Known, here: _Place, time: Array) -> _Place:
    """Take every lane to the next point, or to where its solution ends."""
    width = time - here.time
    step = jnp.where(here.step > 0.0, here.step, FIRST_STEP * width)

    def unfinished(way: _Way) -> Any:
        return jnp.any(_moving(inputs, way, width))

    def attempt(way: _Way) -> _Way:
        return _attempt(program, inputs, known, here, width, way)

    nothing = jnp.zeros_like(step)
    start = _Way(here.x, nothing, step, here.status, jnp.zeros_like(here.steps), here.moment, nothing)
    start = _past(known, here.time, start)
    end = lax.while_loop(unfinished, attempt, start)
    steps = here.steps + end.tries
    return here._replace(x=end.x, step=end.step, status=end.status, steps=steps, time=time, moment=end.moment)


def _until(known: _Known, start: Array, width: Array, way: _Way) -> Any:
    """Return the time from the first point to the next moment, or to the second point."""
    return jnp.minimum(jnp.take_along_axis(known.moments, way.moment[None], axis=0)[0] - start, width)


def _past(known: _Known, start: Array, way: _Way) -> _Way:
    """Leave the moments behind that are over, and begin with new branches where one is."""
    over = jnp.sum(known.moments <= (start + way.gone)[None, :], axis=0).astype(jnp.int32)
    over = jnp.maximum(over, way.moment)
    passed = over > way.moment
    return way._replace(
        moment=over,
        begun=jnp.where(passed, way.gone, way.begun),
        step=jnp.where(passed, AFTER_DOSE * way.step, way.step),
    )


def _moving(inputs: LaneFlowInputs, way: _Way, width: Array) -> Any:
    return inputs.used & (way.status == int(Status.OK)) & (way.gone < width)


def _attempt(program: LaneFlow, inputs: LaneFlowInputs, known: _Known, here: _Place, width: Array, way: _Way) -> _Way:
    """Try one step in every lane that has not arrived, and choose the next (an error of order `ORDER` is assumed)."""
    moving = _moving(inputs, way, width)
    until = _until(known, here.time, width, way)
    held = _branches(program, inputs, known, here, 0.5 * (way.begun + until))

    def field(gone: Array, x: Array) -> Any:
        return lane_drift(program.structure, known.env, {**_timed(program, inputs, here, gone), **held}, x)

    left = jnp.where(moving, until - way.gone, 1.0)
    last = way.step >= left * (1.0 - 1e-10)
    step = jnp.where(last, left, way.step)
    pattern, colours = jacobian_pattern(program.structure), column_colours(program.structure)
    weight = _weight(inputs.controls, way.x, way.x)
    new, difference = rosenbrock_step(field, pattern, colours, way.gone, way.x, step, weight)
    error = jnp.max(jnp.abs(difference) / _weight(inputs.controls, way.x, new), axis=0)
    error = jnp.where(finite(new), error, jnp.inf)
    if varying(program.structure):
        between = (way.gone, way.gone + step, 0.5 * (way.x + new))
        error = jnp.where(_overlooks(program, inputs, known.env, here, held, between, width), jnp.inf, error)
    fine = error <= 1.0
    factor = SAFETY * jnp.maximum(error, 1e-12) ** (-1.0 / ORDER)
    factor = jnp.clip(jnp.where(jnp.isfinite(factor), factor, _LEAST_FACTOR), _LEAST_FACTOR, _MOST_FACTOR)
    proposed = step * jnp.where(fine, factor, jnp.minimum(factor, SAFETY))
    proposed = jnp.where(fine & last, jnp.maximum(proposed, way.step), proposed)  # the end cut it short, not its error
    accepted, tries = moving & fine, way.tries + moving.astype(jnp.int32)
    singular = moving & ~fine & (proposed < _SMALLEST_STEP * width)
    status = jnp.where(singular, np.int32(Status.RATE_NOT_FINITE), way.status)
    status = jnp.where(accepted & _below_zero(inputs, new), np.int32(Status.NEGATIVE_COUNT), status)
    spent = moving & ~singular & (tries >= program.max_steps)
    new_way = way._replace(
        x=jnp.where(accepted[None, :], new, way.x),
        gone=jnp.where(accepted, jnp.where(last, until, way.gone + step), way.gone),
        step=jnp.where(moving, proposed, way.step),
        status=jnp.where(spent, np.int32(Status.STEP_LIMIT), status),
        tries=tries,
    )
    return _past(known, here.time, new_way)


def _below_zero(inputs: LaneFlowInputs, x: Array) -> Any:
    """Return the lanes in which a count is below zero by more than the tolerance explains."""
    return jnp.any(x < -_UNDERSHOOT - 10.0 * inputs.controls.absolute, axis=0)


def _branches(program: LaneFlow, inputs: LaneFlowInputs, known: _Known, here: _Place, gone: Array) -> dict[str, Any]:
    """Return the branches that the rates of every lane take."""
    env = {**known.env, **_timed(program, inputs, here, gone)}
    return branches(real_drift(program.structure).switches, env)


def _overlooks(
    program: LaneFlow,
    inputs: LaneFlowInputs,
    env: dict[str, Any],
    here: _Place,
    held: dict[str, Any],
    between: tuple[Any, ...],
    width: Array,
) -> Any:
    """Return the lanes whose step could pass over a peak of a rate."""
    first, last, x = between
    looks = [_timed(program, inputs, here, gone) for gone in (first, last)]  # where there are stages
    boxes = {"t": (looks[0]["t"], looks[-1]["t"]), **_input_boxes(program, inputs, here, first, last)}
    rates = [hoisted_rates(program.structure)[0][r] for r in varying(program.structure)]
    full = environment(program.structure, env, {**looks[0], **held}, x)
    negligible = inputs.controls.absolute + inputs.controls.relative * jnp.max(jnp.abs(x), axis=0)
    return overlooks(rates, full, looks, boxes, last - first, width, negligible)


def _weight(controls: Controls, x: Array, y: Array) -> Any:
    """Return the error that counts as one."""
    return controls.absolute + controls.relative * jnp.maximum(jnp.abs(x), jnp.abs(y))


def _timed(program: LaneFlow, inputs: LaneFlowInputs, here: _Place, gone: Array) -> dict[str, Any]:
    """Return the inputs and the time of every lane, by name."""
    timeline, found = inputs.timeline, {"t": here.time + gone}
    for index, name in enumerate(program.structure.inputs):
        found[name] = sum(_modes(inputs, here, index, gone), timeline.base[here.cell, index])
    return found


def _modes(inputs: LaneFlowInputs, here: _Place, index: int, gone: Array) -> list[Any]:
    """Return the terms of an input that vary."""
    timeline, since = inputs.timeline, here.time - inputs.timeline.edges[here.cell]
    rates = timeline.rate[index]
    return [
        timeline.amplitude[here.cell, index, mode] * jnp.exp(-rates[mode] * (since + gone))
        for mode in range(rates.shape[0])
    ]


def _input_boxes(program: LaneFlow, inputs: LaneFlowInputs, here: _Place, first: Array, last: Array) -> dict[str, Any]:
    """Return bounds of the inputs between two times: every mode lies between its ends."""
    found = {}
    for index, name in enumerate(program.structure.inputs):
        base = inputs.timeline.base[here.cell, index]
        ends = list(zip(*(_modes(inputs, here, index, gone) for gone in (first, last)), strict=True))
        least, most = (sum((pick(*pair) for pair in ends), base) for pick in (jnp.minimum, jnp.maximum))
        found[name] = (least, most)
    return found


def _diagnosis(
    program: LaneFlow, inputs: LaneFlowInputs, known: dict[str, Any], cell: Array, time: Array, x: Array
) -> Any:
    """Return how the solutions fare at a point, int32 [L]."""
    here = _Place(x, None, None, None, time, cell, None)
    timed = _timed(program, inputs, here, jnp.zeros_like(x[0]))
    a = lane_propensities(program.structure, known, timed, x)
    status = jnp.where(signs(a), np.int32(Status.NEGATIVE_RATE), np.int32(Status.OK))
    status = jnp.where(_below_zero(inputs, x), np.int32(Status.NEGATIVE_COUNT), status)
    return jnp.where(finite(a) & finite(x), status, np.int32(Status.RATE_NOT_FINITE))


def _observe(program: LaneFlow, known: dict[str, Any], time: Array, x: Array) -> Any:
    """Return the observables [O, L]."""
    structure = program.structure
    env = {**known, "t": time, **dict(zip(structure.species, x, strict=True))}
    values = [evaluate(expression, env) for _, expression in structure.observables]
    rows = [jnp.broadcast_to(jnp.asarray(value).astype(jnp.float64), x[0].shape) for value in values]
    return jnp.stack(rows) if rows else jnp.zeros((0, program.lanes), jnp.float64)
