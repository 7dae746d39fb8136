"""simulate, for the methods whose state is real."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.ensemble.dataset import continuous_dataset, join_points
from jaxsim.ensemble.langevin import simulate_langevin
from jaxsim.ensemble.rate_equations import Flows, solve_point, solve_points
from jaxsim.ensemble.request import Request
from jaxsim.errors import SimulationWarning
from jaxsim.kernels import Status
from jaxsim.network import Network
from jaxsim.runtime.progress import progress_bar

if TYPE_CHECKING:
    import xarray

_SENTENCES = {
    Status.STEP_LIMIT: "needed more steps of the solver than it may take; raise rtol and atol or save more often",
    Status.RATE_NOT_FINITE: "became infinite or not a number; look for a division by zero, for growth without bound "
    "or, with method 'langevin', for a step= longer than the shortest relaxation time",
    Status.NEGATIVE_COUNT: "had a count below zero; let the rate of a reaction vanish when a reactant is missing",
}


def simulate_continuous(
    networks: list[Network],
    batch: dict[str, np.ndarray],
    request: Request,
    devices: tuple[Any, ...],
    progress: bool | None,
) -> "xarray.Dataset":
    """Return the results of all design points by a continuous method."""
    many = request.method == "langevin"
    with progress_bar(len(networks) * (request.trajectories if many else 1), progress) as count:
        outcomes = []
        if request.method == "mean_field":
            outcomes = solve_points(networks, batch, request, devices)
            count(len(networks))
        for point, network in enumerate(networks if not outcomes else ()):
            if many:
                outcomes.append(simulate_langevin(point, network, request, devices, count))
            else:
                outcomes.append(solve_point(point, network, request, devices))
                count(1)
    _warn(np.sum([outcome.status for outcome in outcomes], axis=0), "trajectories" if many else "solutions")
    pairs = zip(networks, outcomes, strict=True)
    datasets = [continuous_dataset(network, request, outcome, devices) for network, outcome in pairs]
    return join_points(datasets, batch) if batch else datasets[0]


def warn_of_flows(found: Flows) -> None:
    """Warn if a solution did not reach its end."""
    _warn(np.bincount(found.status[:, -1], minlength=len(Status)), "solutions")


def _warn(status: np.ndarray, what: str) -> None:
    bad = [(code, int(status[code])) for code in Status if status[code] and not code.fine]
    if bad:
        total = int(status.sum())
        text = "; ".join(f"{number} of {total} {what} {_SENTENCES.get(code, code.sentence)}" for code, number in bad)
        warnings.warn(f"{text}. Values at times that not all reached are NaN.", SimulationWarning, stacklevel=5)
