"""How long a step of the Langevin equation may be, found from the rates along the rate equations."""

from dataclasses import replace
from typing import Any

import numpy as np

from jaxsim.ensemble.flow import flow_inputs, run_program
from jaxsim.ensemble.grid import checked_times
from jaxsim.ensemble.typical import typical_network
from jaxsim.errors import SimulationError
from jaxsim.kernels.continuous import FlowProgram
from jaxsim.network import Network

SHARE = 0.05  # of the shortest relaxation time: an error of the scheme of about 0.05**2 / 6, 4 in 10,000
FEWEST = 64  # steps from start to end, for rates that vary in time
PARTS = 64  # of the span, at whose ends the relaxation times are found
MOST = 10_000_000  # steps that are taken without being asked for


def step_length(network: Network, request: Any, device: Any) -> tuple[float, float]:
    """Return the longest step, as asked for or chosen, and the seconds of compiling that choosing took.

    The choice is a twentieth of the shortest relaxation time, the inverse of the largest eigenvalue of
    the Jacobian, along the rate equations (distributions at their medians). Fluctuations that lead far
    from there, into faster rates, need a `step` given by hand.
    """
    grid = checked_times(request.times, request.start)
    span = float(grid[-1]) - request.start
    if request.step is not None:
        step = float(request.step)
        if not 0 < step < np.inf:
            raise SimulationError(f"step is {request.step}; give a positive length of time")
        if span / step > MOST * 100:
            raise SimulationError(f"step is {step:g}, which makes {span / step:.2g} steps; give a longer one")
        return step, 0.0
    rate, seconds = fastest_relaxation(network, request, span, device)
    step = min(SHARE / rate if rate > 0 else np.inf, span / FEWEST) or 1.0
    if span / step > MOST:
        raise SimulationError(
            f"method 'langevin' would take {span / step:.2g} steps, because something relaxes within {1 / rate:.2g} "
            f"of the time unit; give step=, a shorter time, or use method 'mean_field'"
        )
    return step, seconds


def fastest_relaxation(network: Network, request: Any, span: float, device: Any) -> tuple[float, float]:
    """Return the largest eigenvalue (by size) of the drift's Jacobian along the rate equations, and seconds."""
    grid = np.linspace(request.start, request.start + span, PARTS + 1) if span > 0 else np.array([request.start])
    inputs = flow_inputs(typical_network(network), replace(request, rtol=1e-4, atol=1e-3), grid)
    result, _, seconds = run_program(FlowProgram(network.structure, jacobians=True), inputs, device)
    assert result.jacobians is not None
    finite = np.all(np.isfinite(result.jacobians), axis=(1, 2))
    values = np.abs(np.linalg.eigvals(result.jacobians[finite]))
    return float(values.max(initial=0.0)), seconds
