"""Design points of the methods with one solution each; those of mean_field in one call."""

from typing import Any

import numpy as np

from jaxsim.ensemble.flow import solve_noise
from jaxsim.ensemble.lane_flow import FlowCase, solve_flows
from jaxsim.ensemble.outcome import Outcome
from jaxsim.kernels import Status
from jaxsim.network import Network


def solve_point(point: int, network: Network, request: Any, devices: tuple[Any, ...]) -> Outcome:
    """Solve one design point, by rate equations or with linear noise."""
    if request.method == "mean_field":
        return solve_points([network], {}, request, devices)[0]
    return solve_noise(point, network, request, devices)


def solve_points(
    networks: list[Network], batch: dict[str, np.ndarray], request: Any, devices: tuple[Any, ...]
) -> list[Outcome]:
    """Solve the rate equations of every design point; the points differ in the parameters of the batch alone."""
    case = FlowCase(networks[0], request.schedule, batch, len(networks))
    found = solve_flows(
        [case], request.times, start=request.start, rtol=request.rtol, atol=request.atol, devices=devices
    )
    return [
        _outcome(
            found.mean[n],
            found.observed[n],
            found.status[n],
            int(found.steps[n]),
            found.wall_seconds / len(networks),
            found.compile_seconds if n == 0 else 0.0,
        )
        for n in range(len(networks))
    ]


def _outcome(
    mean: np.ndarray, observed: np.ndarray, status: np.ndarray, steps: int, wall: float, compiling: float
) -> Outcome:
    fine = status == int(Status.OK)
    unknown = np.full(mean.shape, np.nan)
    return Outcome(
        mean=mean,
        variance=unknown,
        standard_error=np.where(fine[:, None], 0.0, unknown),
        reached=fine.astype(np.int64),
        status=np.bincount([int(status[-1])], minlength=len(Status)),
        observed=observed,
        observed_variance=np.full(observed.shape, np.nan),
        steps=steps,
        wall_seconds=wall,
        compile_seconds=compiling,
    )
