"""Method linear_noise: one solution per design point; and what all flows share."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from jaxsim.dosing import Timeline, build_timeline
from jaxsim.ensemble.admission import refuse_for_flow
from jaxsim.ensemble.analysis import refuse_bad_start
from jaxsim.ensemble.double import double_precision
from jaxsim.ensemble.executables import executable
from jaxsim.ensemble.grid import checked_times
from jaxsim.ensemble.outcome import Outcome
from jaxsim.errors import SimulationError
from jaxsim.kernels import Status
from jaxsim.kernels.continuous import Controls, FlowInputs, FlowProgram, FlowResult, run_flow
from jaxsim.kernels.moments import larger
from jaxsim.network import Network

RELATIVE, ABSOLUTE = 1e-8, 1e-6  # defaults of rtol and atol; the latter in molecules
NOISE_STEPS = 1 << 12  # of the solver between two points, all of which linear noise looks back at


def solve_noise(point: int, network: Network, request: Any, devices: tuple[Any, ...]) -> Outcome:
    """Solve the rate equations of one design point, with the covariance."""
    refuse_for_flow(network, request.method)
    program = FlowProgram(network.structure, noise=True, max_steps=NOISE_STEPS)
    with double_precision():
        inputs = flow_inputs(network, request, checked_times(request.times, request.start))
    result, wall, compiling = run_program(program, inputs, devices[0])
    return _outcome(request, result, wall, compiling)


def flow_inputs(network: Network, request: Any, grid: np.ndarray) -> FlowInputs:
    """Return the numbers of a network as the solver takes them, checked."""
    timeline = build_timeline(network, request.schedule, request.start, float(grid[-1]))
    refuse_bad_start(network, timeline)
    return FlowInputs(
        parameters={name: np.asarray(value, np.float64) for name, value in network.parameters.items()},
        initial=np.array([float(value) for value in network.initial.values()], np.float64),
        timeline=Timeline(*(np.asarray(part, np.float64) for part in timeline)),
        times=grid,
        controls=controls(request.rtol, request.atol),
    )


def controls(relative: Any, absolute: Any) -> Controls:
    """Return the tolerances; refuse those that no solver can hold."""
    checked = []
    for name, given, usual in (("rtol", relative, RELATIVE), ("atol", absolute, ABSOLUTE)):
        value = usual if given is None else float(given)
        if not 1e-13 <= value < np.inf:
            raise SimulationError(f"{name} is {value:g}; give a positive number such as {usual:g}, at least 1e-13")
        checked.append(np.float64(value))
    return Controls(*checked)


def run_program(program: FlowProgram, inputs: FlowInputs, device: Any) -> tuple[FlowResult, float, float]:
    """Return the solution (numpy) and the seconds of running and of compiling."""
    import jax

    call, compiling = executable(run_flow, program, inputs, device)
    began = time.perf_counter()
    with double_precision():
        result: FlowResult = jax.tree.map(np.asarray, call(inputs))
    if not result.fits:
        return run_program(replace(program, room=larger(program.room)), inputs, device)
    return result, time.perf_counter() - began, compiling


def _outcome(request: Any, result: FlowResult, wall: float, compiling: float) -> Outcome:
    fine = np.asarray(result.status) == int(Status.OK)
    mean, observed = (np.where(fine[:, None], value, np.nan) for value in (result.mean, result.observed))
    assert result.covariance is not None and result.observed_variance is not None
    covariance = np.where(fine[:, None, None], result.covariance, np.nan)
    variance = np.diagonal(covariance, axis1=1, axis2=2).copy()
    spread = np.where(fine[:, None], result.observed_variance, np.nan)
    return Outcome(
        mean=mean,
        variance=variance,
        standard_error=np.where(fine[:, None], np.zeros(mean.shape), np.nan),
        reached=fine.astype(np.int64),
        status=np.bincount([int(result.status[-1])], minlength=len(Status)),
        observed=observed,
        observed_variance=spread,
        covariance=covariance if request.covariance else None,
        steps=int(result.steps),
        wall_seconds=wall,
        compile_seconds=compiling,
    )
