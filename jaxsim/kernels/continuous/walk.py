"""Walk along the points: solve from one to the next, give the doses, note the solution.

The solver is Kvaerno's fifth-order ESDIRK method (Kvaerno, BIT 44 (2004) 489), implicit, L-stable and adaptive, as in
diffrax (Kidger 2021, On Neural Differential Equations, ch. 5). It restarts at every point, so that steps end at doses
and save times exactly, and runs in the fraction of the way between two points, so that derivatives with respect to
times are those of the solution and not of a step size.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsim.kernels.continuous.covariance import advance_covariance
from jaxsim.kernels.continuous.drift import drift, jacobian, noise
from jaxsim.kernels.continuous.points import arrange_points
from jaxsim.kernels.continuous.program import FlowInputs, FlowProgram, FlowResult
from jaxsim.kernels.continuous.real_rates import enter, environment, finite, inputs_at, real_propensities, signs
from jaxsim.kernels.status import Status
from jaxsim.network import evaluate

SMALLEST_STEP = 1e-15  # of the way between two points; a solution that needs less has a singularity
UNDERSHOOT = 1e-3  # molecules below zero that a tolerance may cause


class Position(NamedTuple):
    """The carry of the walk."""

    y: Any
    """(mean [S], covariance [S, S] or None)."""
    time: Any
    cell: Any
    status: Any


def run_flow(program: FlowProgram, inputs: FlowInputs) -> FlowResult:
    """Solve from the start to the last save time."""
    points = arrange_points(inputs.timeline, inputs.times)
    cells = inputs.timeline.base.shape[0]

    def visit(here: Position, point: Any) -> tuple[Position, Any]:
        time, entered = point
        y, status, steps = _reach(program, inputs, here, time)
        arrives = entered < cells
        cell = jnp.where(arrives, entered, here.cell)
        y = jax.tree.map(lambda new, old: jnp.where(arrives, new, old), _dosed(inputs, cell, y), y)
        status = jnp.where(status == int(Status.OK), _diagnosis(program, inputs, cell, time, y), status)
        matrix = _jacobian(program, inputs, cell, time, y[0]) if program.jacobians else None
        observed = _observe(program, inputs, cell, time, y)
        return Position(y, time, cell, status), (y, status, steps, matrix, observed)

    size = len(program.structure.species)
    covariance = jnp.zeros((size, size), jnp.float64) if program.noise else None
    fine = jnp.full((), int(Status.OK), jnp.int32)
    first = Position((inputs.initial, covariance), points.time[0], jnp.zeros_like(points.entered[0]), fine)
    _, (y, status, steps, matrices, observed) = lax.scan(visit, first, (points.time, points.entered))
    picked = jax.tree.map(lambda leaf: leaf[points.saves], (y, status, observed))
    (mean, covariance), status, (observed, spread) = picked
    return FlowResult(mean, covariance, status, observed, spread, matrices, jnp.sum(steps))


def _reach(program: FlowProgram, inputs: FlowInputs, here: Position, time: Any) -> tuple[Any, Any, Any]:
    """Return the solution at `time`, its status and the steps that it took."""
    stay = (here.y, here.status, jnp.zeros((), jnp.int64))
    goes = (time > here.time) & (here.status == int(Status.OK))
    return lax.cond(goes, lambda: _solve(program, inputs, here, time), lambda: stay)


def _solve(program: FlowProgram, inputs: FlowInputs, here: Position, time: Any) -> tuple[Any, Any, Any]:
    import diffrax

    width = time - here.time

    def field(fraction: Any, x: Any, given: Any) -> Any:
        inputs, start, width, cell = given
        timed = _timed(program, inputs, cell, start + width * fraction)
        return width * drift(program.structure, inputs.parameters, timed, x)

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Kvaerno5(),
        t0=0.0,
        t1=1.0,
        dt0=None,
        y0=here.y[0],
        args=(inputs, here.time, width, here.cell),
        stepsize_controller=diffrax.PIDController(
            rtol=inputs.controls.relative, atol=inputs.controls.absolute, dtmin=SMALLEST_STEP
        ),
        saveat=diffrax.SaveAt(t1=True, dense=program.noise),
        max_steps=program.max_steps,
        throw=False,
    )
    assert solution.ys is not None
    reached = solution.result == diffrax.RESULTS.successful
    limit = solution.result == diffrax.RESULTS.max_steps_reached
    covariance = None
    if program.noise:
        covariance, arrived = _spread(program, inputs, here, width, reached, solution.evaluate)
        limit, reached = limit | (reached & ~arrived), reached & arrived
    fault = jnp.where(limit, np.int32(Status.STEP_LIMIT), np.int32(Status.RATE_NOT_FINITE))
    y = jax.tree.map(lambda leaf: jnp.where(reached, leaf, jnp.nan), (solution.ys[0], covariance))
    steps = jnp.asarray(solution.stats["num_steps"]).astype(jnp.int64)
    return y, jnp.where(reached, np.int32(Status.OK), fault), steps


def _spread(
    program: FlowProgram, inputs: FlowInputs, here: Position, width: Any, known: Any, mean_at: Any
) -> tuple[Any, Any]:
    """Return the covariance at the next point, along the mean, if that is known; and whether it was reached."""

    def coefficients(fraction: Any) -> tuple[Any, Any]:
        timed = _timed(program, inputs, here.cell, here.time + width * fraction)
        given = (program.structure, inputs.parameters, timed, mean_at(fraction))
        return width * jacobian(*given), width * noise(*given)

    before = here.y[1]
    relative, absolute = inputs.controls
    return lax.cond(
        known,
        lambda: advance_covariance(coefficients, before, relative, absolute),
        lambda: (before, jnp.zeros((), bool)),
    )


def _timed(program: FlowProgram, inputs: FlowInputs, cell: Any, time: Any) -> dict[str, Any]:
    """Return the inputs and the time, by name."""
    given = inputs_at(program.structure, inputs.timeline, cell, time - inputs.timeline.edges[cell])
    return {**given, "t": time}


def _dosed(inputs: FlowInputs, cell: Any, y: Any) -> Any:
    """Give the doses of a cell: the mean is mapped, the covariance scaled on both sides."""
    x, covariance = y
    scale = inputs.timeline.multiply[cell]
    spread = None if covariance is None else scale[:, None] * covariance * scale[None, :]
    return enter(inputs.timeline, cell, x), spread


def _diagnosis(program: FlowProgram, inputs: FlowInputs, cell: Any, time: Any, y: Any) -> Any:
    """Return how the solution fares at a point."""
    x = y[0]
    env = environment(program.structure, inputs.parameters, _timed(program, inputs, cell, time), x)
    a = real_propensities(program.structure, env, x[0])
    status = jnp.where(signs(a), np.int32(Status.NEGATIVE_RATE), np.int32(Status.OK))
    status = jnp.where(jnp.any(x < -UNDERSHOOT), np.int32(Status.NEGATIVE_COUNT), status)
    return jnp.where(finite(a) & finite(x), status, np.int32(Status.RATE_NOT_FINITE))


def _jacobian(program: FlowProgram, inputs: FlowInputs, cell: Any, time: Any, x: Any) -> Any:
    return jacobian(program.structure, inputs.parameters, _timed(program, inputs, cell, time), x)


def _observe(program: FlowProgram, inputs: FlowInputs, cell: Any, time: Any, y: Any) -> tuple[Any, Any]:
    """Return the observables at the mean [O] and, to first order, their variances."""
    structure, timed = program.structure, _timed(program, inputs, cell, time)

    def values(x: Any) -> Any:
        env = {**inputs.parameters, **timed, **dict(zip(structure.species, x, strict=True))}
        found = [jnp.asarray(evaluate(value, env)).astype(jnp.float64) for _, value in structure.observables]
        return jnp.stack(found) if found else jnp.zeros((0,), jnp.float64)

    x, covariance = y
    if covariance is None:
        return values(x), None
    gradient = jax.jacfwd(values)(x)
    return values(x), jnp.sum((gradient @ covariance) * gradient, axis=1)
