"""Walk along the points: solve from one to the next, give the doses, note the solution.

Points are doses, save times, and the moments at which a rate jumps or bends with the time (`moments.py`); between two
of them every such branch is held as it is halfway, so that the solver meets a smooth field, and the solution has the
right derivative in the moments too.

The solver is Kvaerno's fifth-order ESDIRK method (Kvaerno, BIT 44 (2004) 489), implicit, L-stable and adaptive, as in
diffrax (Kidger 2021, On Neural Differential Equations, ch. 5). It restarts at every point, so that steps end at doses
and save times exactly, and runs in the fraction of the way between two points, so that derivatives with respect to
times are those of the solution and not of a step size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32

from jaxsim.dosing import Timeline
from jaxsim.kernels.continuous.linear_noise import LOOKS, advance_covariance
from jaxsim.kernels.continuous.overlooked import overlooks, varying
from jaxsim.kernels.continuous.real_rates import (
    arrange_points,
    enter,
    environment,
    finite,
    inputs_at,
    real_drift,
    real_propensities,
    real_rates,
    signs,
)
from jaxsim.kernels.moments import ROOM, branches, find_moments, input_boxes
from jaxsim.kernels.state import Status
from jaxsim.network import (
    Structure,
    evaluate,
    stoichiometry,
)

# What a flow (mean field, linear noise) is compiled for, what it is fed, and what it returns.


@dataclass(frozen=True)
class FlowProgram:
    """Everything that shapes the compiled code; no numbers of the model."""

    structure: Structure
    noise: bool = False
    """Whether the covariance is carried along with the mean."""
    jacobians: bool = False
    """Whether the Jacobian of the drift is returned at every point."""
    max_steps: int = 1 << 16
    """Steps of the solver between two points, after which it gives up."""

    room: int = ROOM
    """Moments of each switch in time whose guard is not linear."""

    def __hash__(self) -> int:
        return hash((self.structure, self.noise, self.jacobians, self.max_steps, self.room))


class Controls(NamedTuple):
    """The tolerances of the solver: the error of a step is kept below ``absolute + relative * size``."""

    relative: Float64[Any, ""]
    absolute: Float64[Any, ""]
    """Molecules (molecules squared for covariances)."""


class FlowInputs(NamedTuple):
    """The numbers of one solution: they change without recompiling."""

    parameters: dict[str, Any]
    initial: Float64[Any, " S"]
    timeline: Timeline
    times: Float64[Any, " K"]
    controls: Controls


class FlowResult(NamedTuple):
    """The solution at the save times."""

    mean: Float64[Array, "K S"]
    covariance: Float64[Array, "K S S"] | None
    status: Int32[Array, " K"]
    """How the solution had fared by then, as a Status."""
    observed: Float64[Array, "K O"]
    """Observables at the mean."""
    observed_variance: Float64[Array, "K O"] | None
    jacobians: Float64[Array, "P S S"] | None
    steps: Any
    """int64: accepted and rejected steps of the solver."""
    fits: Any
    """bool: whether there was room for all moments at which rates jump or bend."""


# The drift of the mean, its Jacobian, and the noise.
#
# Sources: Kurtz, J. Appl. Probab. 7 (1970) 49 (rate equations as the limit of large populations); van Kampen,
# Stochastic Processes in Physics and Chemistry, ch. X (linear noise); Elf & Ehrenberg, Genome Res. 13 (2003) 2475,
# eq. 6.


def drift(structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], x: Array) -> Any:
    """Return d(mean)/dt [S]: the stoichiometry times the propensities, and the expected effects."""
    env = environment(structure, parameters, timed, x)
    a = real_propensities(structure, env, x[0])
    change = jnp.asarray(stoichiometry(structure).astype(np.float64)) @ a
    for (species, r), value in real_drift(structure).effects.items():
        s = structure.species.index(species)
        change = change.at[s].add(a[r] * (jnp.asarray(evaluate(value, env)).astype(x.dtype) - env[species]))
    return change


def jacobian(structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], x: Array) -> Any:
    """Return the derivative of the drift, [S, S]."""
    return jax.jacfwd(lambda y: drift(structure, parameters, timed, y))(x)


def _noise(structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], x: Array) -> Any:
    """Return the diffusion S diag(a) S', [S, S], of the covariance's dC/dt = J C + C J' + S diag(a) S'."""
    change = jnp.asarray(stoichiometry(structure).astype(np.float64))
    a = real_propensities(structure, environment(structure, parameters, timed, x), x[0])
    return (change * a[None, :]) @ change.T


_SMALLEST_STEP = 1e-15  # of the way between two points; a solution that needs less has a singularity
_ENDS = (0.0, 1.0)  # parts of a step at which the solver has a stage for certain
_UNDERSHOOT = 1e-3  # molecules below zero that rounding may cause, beside ten times the tolerance


class Position(NamedTuple):
    """The carry of the walk."""

    y: Any
    """(mean [S], covariance [S, S] or None)."""
    time: Any
    cell: Any
    status: Any


def run_flow(program: FlowProgram, inputs: FlowInputs) -> FlowResult:
    """Solve from the start to the last save time."""
    structure = program.structure
    switches = real_drift(structure).switches
    moments = find_moments(switches, structure.inputs, inputs.parameters, inputs.timeline, program.room)
    points = arrange_points(inputs.timeline, inputs.times, moments.times)
    cells = inputs.timeline.base.shape[0]

    def visit(here: Position, point: tuple[Any, ...]) -> tuple[Position, Any]:
        time, entered = point
        y, status, steps = _reach(program, inputs, here, time)
        arrives = entered < cells
        cell = jnp.where(arrives, entered, here.cell)
        y = jax.tree.map(lambda new, old: jnp.where(arrives, new, old), _dosed(inputs, cell, y), y)
        status = jnp.where(status == int(Status.OK), _diagnosis(program, inputs, cell, time, y), status)
        matrix = _jacobian(program, inputs, cell, time, y[0]) if program.jacobians else None
        observed = _observe(program, inputs, cell, time, y)
        return Position(y, time, cell, status), (y, status, steps, matrix, observed)

    size = len(structure.species)
    covariance = jnp.zeros((size, size), jnp.float64) if program.noise else None
    fine = jnp.full((), int(Status.OK), jnp.int32)
    first = Position((inputs.initial, covariance), points.time[0], jnp.zeros_like(points.entered[0]), fine)
    _, (y, status, steps, matrices, observed) = lax.scan(visit, first, (points.time, points.entered))
    picked = jax.tree.map(lambda leaf: leaf[points.saves], (y, status, observed))
    (mean, covariance), status, (observed, spread) = picked
    return FlowResult(mean, covariance, status, observed, spread, matrices, jnp.sum(steps), moments.fits)


def _reach(program: FlowProgram, inputs: FlowInputs, here: Position, time: Array) -> tuple[Any, Any, Any]:
    """Return the solution at `time`, its status and the steps that it took."""
    stay = (here.y, here.status, jnp.zeros((), jnp.int64))
    goes = (time > here.time) & (here.status == int(Status.OK))
    return lax.cond(goes, lambda: _solve(program, inputs, here, time), lambda: stay)


def _solve(program: FlowProgram, inputs: FlowInputs, here: Position, time: Any) -> tuple[Any, Any, Any]:
    import diffrax

    width = time - here.time
    held = _branches(program, inputs, here.cell, here.time + 0.5 * width)

    def field(fraction: Any, x: Array, given: Any) -> Any:
        inputs, start, width, cell, held = given
        timed = _timed(program, inputs, cell, start + width * fraction)
        return width * drift(program.structure, inputs.parameters, {**timed, **held}, x)

    steps: Any = diffrax.PIDController(
        rtol=inputs.controls.relative, atol=inputs.controls.absolute, dtmin=_SMALLEST_STEP
    )
    if varying(program.structure):
        from jaxsim.kernels.continuous.overlooked import watchful

        steps = watchful(steps, partial(_overlooks, program))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Kvaerno5(),
        t0=0.0,
        t1=1.0,
        dt0=None,
        y0=here.y[0],
        args=(inputs, here.time, width, here.cell, held),
        stepsize_controller=steps,
        saveat=diffrax.SaveAt(t1=True, dense=program.noise),
        event=diffrax.Event(_below_zero),
        max_steps=program.max_steps,
        throw=False,
    )
    assert solution.ys is not None
    reached = solution.result == diffrax.RESULTS.successful
    limit = solution.result == diffrax.RESULTS.max_steps_reached
    below = solution.result == diffrax.RESULTS.event_occurred
    covariance = None
    if program.noise:
        covariance, arrived = _spread(program, inputs, here, (width, held), reached, solution.evaluate)
        limit, reached = limit | (reached & ~arrived), reached & arrived
    fault = jnp.where(limit, np.int32(Status.STEP_LIMIT), np.int32(Status.RATE_NOT_FINITE))
    fault = jnp.where(below, np.int32(Status.NEGATIVE_COUNT), fault)
    y = jax.tree.map(lambda leaf: jnp.where(reached, leaf, jnp.nan), (solution.ys[0], covariance))
    taken = jnp.asarray(solution.stats["num_steps"]).astype(jnp.int64)
    return y, jnp.where(reached, np.int32(Status.OK), fault), taken


def _spread(
    program: FlowProgram, inputs: FlowInputs, here: Position, way: tuple[Any, Any], known: Any, mean_at: Any
) -> tuple[Any, Any]:
    """Return the covariance at the next point, along the mean, if that is known; and whether it was reached."""
    width, held = way

    def coefficients(fraction: Array) -> tuple[Any, Any]:
        timed = {**_timed(program, inputs, here.cell, here.time + width * fraction), **held}
        given = (program.structure, inputs.parameters, timed, mean_at(fraction))
        return width * jacobian(*given), width * _noise(*given)

    def blind(first: Array, last: Array) -> Any:
        if not varying(program.structure):
            return jnp.zeros((), bool)
        given = (inputs, here.time, width, here.cell, held)
        return _overlooks(program, first, last, mean_at(0.5 * (first + last)), given, LOOKS)

    before = here.y[1]
    relative, absolute = inputs.controls
    return lax.cond(
        known,
        lambda: advance_covariance(coefficients, blind, before, relative, absolute),
        lambda: (before, jnp.zeros((), bool)),
    )


def _timed(program: FlowProgram, inputs: FlowInputs, cell: Array, time: Array) -> dict[str, Any]:
    """Return the inputs and the time, by name."""
    given = inputs_at(program.structure, inputs.timeline, cell, time - inputs.timeline.edges[cell])
    return {**given, "t": time}


def _below_zero(_: Array, x: Array, given: tuple[Any, ...], **__: Any) -> Any:
    """Return whether a count is below zero by more than the tolerance explains."""
    return jnp.any(x < -_UNDERSHOOT - 10.0 * given[0].controls.absolute)


def _branches(program: FlowProgram, inputs: FlowInputs, cell: Array, time: Array) -> dict[str, Any]:
    """Return the branches that rates take at a time."""
    env = {**inputs.parameters, **_timed(program, inputs, cell, time)}
    return branches(real_drift(program.structure).switches, env)


def _overlooks(
    program: FlowProgram, first: Array, last: Array, x: Array, given: tuple[Any, ...], looks: tuple[float, ...] = _ENDS
) -> Any:
    """Return whether a step between two fractions of the way could pass over a peak not seen at its `looks`."""
    inputs, start, width, cell, held = given
    structure, which = program.structure, varying(program.structure)
    seen = [_timed(program, inputs, cell, start + width * (first + part * (last - first))) for part in looks]
    low, high = start + width * first, start + width * last
    boxes = {"t": (low, high)}
    found = input_boxes(inputs.timeline, structure.inputs, low[None], high[None])
    boxes |= {name: (least[0], most[0]) for name, (least, most) in found.items()}
    env = environment(structure, inputs.parameters, {**seen[0], **held}, x)
    rates = [real_rates(structure)[r] for r in which]
    negligible = inputs.controls.absolute + inputs.controls.relative * jnp.max(jnp.abs(x))
    return overlooks(rates, env, seen, boxes, high - low, width, negligible)


def _dosed(inputs: FlowInputs, cell: Array, y: tuple[Any, ...]) -> Any:
    """Give the doses of a cell: the mean is mapped, the covariance scaled on both sides."""
    x, covariance = y
    scale = inputs.timeline.multiply[cell]
    spread = None if covariance is None else scale[:, None] * covariance * scale[None, :]
    return enter(inputs.timeline, cell, x), spread


def _diagnosis(program: FlowProgram, inputs: FlowInputs, cell: Array, time: Array, y: tuple[Any, ...]) -> Any:
    """Return how the solution fares at a point."""
    x = y[0]
    env = environment(program.structure, inputs.parameters, _timed(program, inputs, cell, time), x)
    a = real_propensities(program.structure, env, x[0])
    status = jnp.where(signs(a), np.int32(Status.NEGATIVE_RATE), np.int32(Status.OK))
    least = -_UNDERSHOOT - 10.0 * inputs.controls.absolute
    status = jnp.where(jnp.any(x < least), np.int32(Status.NEGATIVE_COUNT), status)
    return jnp.where(finite(a) & finite(x), status, np.int32(Status.RATE_NOT_FINITE))


def _jacobian(program: FlowProgram, inputs: FlowInputs, cell: Array, time: Array, x: Array) -> Any:
    return jacobian(program.structure, inputs.parameters, _timed(program, inputs, cell, time), x)


def _observe(program: FlowProgram, inputs: FlowInputs, cell: Array, time: Array, y: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the observables at the mean [O] and, to first order, their variances."""
    structure, timed = program.structure, _timed(program, inputs, cell, time)

    def values(x: Array) -> Any:
        env = {**inputs.parameters, **timed, **dict(zip(structure.species, x, strict=True))}
        found = [jnp.asarray(evaluate(value, env)).astype(jnp.float64) for _, value in structure.observables]
        return jnp.stack(found) if found else jnp.zeros((0,), jnp.float64)

    x, covariance = y
    if covariance is None:
        return values(x), None
    gradient = jax.jacfwd(values)(x)
    return values(x), jnp.sum((gradient @ covariance) * gradient, axis=1)
