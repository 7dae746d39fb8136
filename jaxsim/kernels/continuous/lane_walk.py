"""Rate equations of many lanes side by side: each has parameters, doses, start and steps of its own.

Lanes share the times of doses and the save times, at which they wait for each other; between them each lane takes the
steps that its own error allows.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32

from jaxsim.dosing import Timeline
from jaxsim.kernels.continuous.colouring import column_colours, jacobian_pattern
from jaxsim.kernels.continuous.lane_rates import constants, lane_drift, lane_propensities
from jaxsim.kernels.continuous.points import arrange_points
from jaxsim.kernels.continuous.program import Controls
from jaxsim.kernels.continuous.real_rates import finite, signs
from jaxsim.kernels.continuous.rosenbrock import ORDER, rosenbrock_step
from jaxsim.kernels.status import Status
from jaxsim.network import Structure, evaluate

UNDERSHOOT = 1e-3  # molecules below zero that rounding may cause, beside ten times the tolerance
SMALLEST_STEP = 1e-14  # of the way between two points; a solution that needs less has a singularity
FIRST_STEP = 1e-3  # of the way to the first point; error control finds what is right
AFTER_DOSE = 0.1  # of the step before it: inputs bend there
SAFETY, LEAST_FACTOR, MOST_FACTOR = 0.9, 0.2, 6.0


@dataclass(frozen=True)
class LaneFlow:
    """Everything that shapes the compiled code; no numbers of the model."""

    structure: Structure
    lanes: int
    max_steps: int = 1 << 16
    """Steps between two points, after which a lane gives up."""


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


class _Place(NamedTuple):
    """The carry of the walk: all [L], but for the state [S, L], and time and cell, which lanes share."""

    x: Any
    step: Any
    """Proposed; 0 at the start."""
    status: Any
    steps: Any
    time: Any
    cell: Any


class _Way(NamedTuple):
    """The carry between two points."""

    x: Any
    gone: Any
    """Time since the first point, [L]."""
    step: Any
    status: Any
    tries: Any


def run_lanes(program: LaneFlow, inputs: LaneFlowInputs) -> LaneFlowResult:
    """Solve all lanes from the start to the last save time."""
    points = arrange_points(inputs.timeline, inputs.times)
    cells, lanes = inputs.timeline.base.shape[0], program.lanes
    known = constants(program.structure, inputs.parameters)

    def visit(here: _Place, point: Any) -> tuple[_Place, Any]:
        time, entered = point
        here = _reach(program, inputs, known, here, time)
        arrives = entered < cells
        cell = jnp.where(arrives, entered, here.cell)
        dosed = inputs.timeline.multiply[cell] * here.x + inputs.timeline.add[cell]
        x = jnp.where(arrives, dosed, here.x)
        fares = _diagnosis(program, inputs, known, cell, time, x)
        status = jnp.where(here.status == int(Status.OK), fares, here.status)
        step = jnp.where(arrives, AFTER_DOSE * here.step, here.step)
        return _Place(x, step, status, here.steps, time, cell), (x, _observe(program, known, time, x), status)

    zeros = jnp.zeros((lanes,), jnp.int32)
    first = _Place(
        inputs.initial, zeros.astype(jnp.float64), zeros, zeros, points.time[0], jnp.zeros_like(points.entered[0])
    )
    last, gathered = lax.scan(visit, first, (points.time, points.entered))
    x, observed, status = (leaf[points.saves] for leaf in gathered)
    return LaneFlowResult(x, observed, status, last.steps)


def _reach(program: LaneFlow, inputs: LaneFlowInputs, known: Any, here: _Place, time: Any) -> _Place:
    """Take every lane to the next point, or to where its solution ends."""
    width = time - here.time
    since = here.time - inputs.timeline.edges[here.cell]

    def field(gone: Any, x: Any) -> Any:
        return lane_drift(program.structure, known, _timed(program, inputs, here, since, gone), x)

    step = jnp.where(here.step > 0.0, here.step, FIRST_STEP * width)

    def unfinished(way: _Way) -> Any:
        return jnp.any(_moving(inputs, way, width))

    def attempt(way: _Way) -> _Way:
        return _attempt(program, inputs, field, width, way)

    start = _Way(here.x, jnp.zeros_like(step), step, here.status, jnp.zeros_like(here.steps))
    end = lax.while_loop(unfinished, attempt, start)
    return here._replace(x=end.x, step=end.step, status=end.status, steps=here.steps + end.tries, time=time)


def _moving(inputs: LaneFlowInputs, way: _Way, width: Any) -> Any:
    return inputs.used & (way.status == int(Status.OK)) & (way.gone < width)


def _attempt(program: LaneFlow, inputs: LaneFlowInputs, field: Any, width: Any, way: _Way) -> _Way:
    """Try one step in every lane that has not arrived, and choose the next (an error of order `ORDER` is assumed)."""
    moving = _moving(inputs, way, width)
    left = jnp.where(moving, width - way.gone, 1.0)
    last = way.step >= left * (1.0 - 1e-10)
    step = jnp.where(last, left, way.step)
    pattern, colours = jacobian_pattern(program.structure), column_colours(program.structure)
    weight = _weight(inputs.controls, way.x, way.x)
    new, difference = rosenbrock_step(field, pattern, colours, way.gone, way.x, step, weight)
    error = jnp.max(jnp.abs(difference) / _weight(inputs.controls, way.x, new), axis=0)
    error = jnp.where(finite(new), error, jnp.inf)
    fine = error <= 1.0
    factor = SAFETY * jnp.maximum(error, 1e-12) ** (-1.0 / ORDER)
    factor = jnp.clip(jnp.where(jnp.isfinite(factor), factor, LEAST_FACTOR), LEAST_FACTOR, MOST_FACTOR)
    proposed = step * jnp.where(fine, factor, jnp.minimum(factor, SAFETY))
    proposed = jnp.where(fine & last, jnp.maximum(proposed, way.step), proposed)  # the end cut it short, not its error
    accepted, tries = moving & fine, way.tries + moving.astype(jnp.int32)
    singular = moving & ~fine & (proposed < SMALLEST_STEP * width)
    status = jnp.where(singular, np.int32(Status.RATE_NOT_FINITE), way.status)
    spent = moving & ~singular & (tries >= program.max_steps)
    return _Way(
        x=jnp.where(accepted[None, :], new, way.x),
        gone=jnp.where(accepted, jnp.where(last, width, way.gone + step), way.gone),
        step=jnp.where(moving, proposed, way.step),
        status=jnp.where(spent, np.int32(Status.STEP_LIMIT), status),
        tries=tries,
    )


def _weight(controls: Controls, x: Any, y: Any) -> Any:
    """Return the error that counts as one."""
    return controls.absolute + controls.relative * jnp.maximum(jnp.abs(x), jnp.abs(y))


def _timed(program: LaneFlow, inputs: LaneFlowInputs, here: _Place, since: Any, gone: Any) -> dict[str, Any]:
    """Return the inputs and the time of every lane, by name."""
    timeline, found = inputs.timeline, {"t": here.time + gone}
    for index, name in enumerate(program.structure.inputs):
        value = timeline.base[here.cell, index]
        for mode in range(timeline.rate.shape[1]):
            decay = jnp.exp(-timeline.rate[index, mode] * (since + gone))
            value = value + timeline.amplitude[here.cell, index, mode] * decay
        found[name] = value
    return found


def _diagnosis(program: LaneFlow, inputs: LaneFlowInputs, known: Any, cell: Any, time: Any, x: Any) -> Any:
    """Return how the solutions fare at a point, int32 [L]."""
    here = _Place(x, None, None, None, time, cell)
    still = jnp.zeros_like(x[0])
    timed = _timed(program, inputs, here, time - inputs.timeline.edges[cell], still)
    a = lane_propensities(program.structure, known, timed, x)
    status = jnp.where(signs(a), np.int32(Status.NEGATIVE_RATE), np.int32(Status.OK))
    least = -UNDERSHOOT - 10.0 * inputs.controls.absolute
    status = jnp.where(jnp.any(x < least, axis=0), np.int32(Status.NEGATIVE_COUNT), status)
    return jnp.where(finite(a) & finite(x), status, np.int32(Status.RATE_NOT_FINITE))


def _observe(program: LaneFlow, known: Any, time: Any, x: Any) -> Any:
    """Return the observables [O, L]."""
    structure = program.structure
    env = {**known, "t": time, **dict(zip(structure.species, x, strict=True))}
    values = [evaluate(expression, env) for _, expression in structure.observables]
    rows = [jnp.broadcast_to(jnp.asarray(value).astype(jnp.float64), x[0].shape) for value in values]
    return jnp.stack(rows) if rows else jnp.zeros((0, program.lanes), jnp.float64)
