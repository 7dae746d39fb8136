"""What a continuous method has found at one design point, and the Dataset made of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.ensemble.grid import time_coordinate
from jaxsim.ensemble.provenance import provenance
from jaxsim.kernels import LABELS, Status
from jaxsim.network import Network

if TYPE_CHECKING:
    import xarray


@dataclass
class Outcome:
    """Arrays over (time, species), NaN where the solution or not all trajectories reached the save time."""

    mean: np.ndarray
    variance: np.ndarray
    standard_error: np.ndarray
    reached: np.ndarray
    status: np.ndarray
    """int64 [status]: solutions or trajectories by how they ended."""
    observed: np.ndarray
    observed_variance: np.ndarray
    covariance: np.ndarray | None = None
    states: np.ndarray | None = None
    """float64 [trajectory, time, species]."""
    ends: np.ndarray | None = None
    steps: int = 0
    wall_seconds: float = 0.0
    compile_seconds: float = 0.0
    step: float | None = None


def continuous_dataset(network: Network, request: Any, outcome: Outcome, devices: tuple[Any, ...]) -> "xarray.Dataset":
    """Return the results of one design point, shaped like those of the exact methods."""
    import xarray

    structure = network.structure
    fields: dict[str, Any] = {
        "mean": (("time", "species"), outcome.mean, {"long_name": "mean count"}),
        "variance": (("time", "species"), outcome.variance, {"long_name": "variance of the count"}),
        "standard_error": (("time", "species"), outcome.standard_error),
        "reached": (("time",), outcome.reached, {"long_name": "trajectories that reached the save time"}),
        "status": (("ending",), outcome.status, {"long_name": "trajectories by how they ended"}),
    }
    coordinates: dict[str, Any] = {
        "time": time_coordinate(network, request.times),
        "species": list(structure.species),
        "ending": list(LABELS),
    }
    if structure.observables:
        coordinates["observable"] = [name for name, _ in structure.observables]
        fields["observable_mean"] = (("time", "observable"), outcome.observed)
        fields["observable_variance"] = (("time", "observable"), outcome.observed_variance)
    if outcome.covariance is not None:
        coordinates["species_2"] = list(structure.species)
        fields["covariance"] = (("time", "species", "species_2"), outcome.covariance)
    if outcome.states is not None:
        coordinates["trajectory"] = np.arange(request.first, request.first + request.trajectories)
        fields["trajectories"] = (("trajectory", "time", "species"), outcome.states)
        fields["trajectory_status"] = (("trajectory",), outcome.ends)
    return xarray.Dataset(fields, coordinates, _attributes(request, outcome, devices))


def _attributes(request: Any, outcome: Outcome, devices: tuple[Any, ...]) -> dict[str, Any]:
    extra = {} if outcome.step is None else {"step": float(outcome.step)}
    return {
        "seed": int(request.seed),
        "trajectories": int(outcome.status.sum()),
        "method": request.method,
        "precision": "float64",
        "events": 0,
        "rejected": 0,
        "steps": int(outcome.steps),
        **extra,
        "fine": int(sum(outcome.status[code] for code in Status if code.fine)),
        "wall_seconds": float(outcome.wall_seconds),
        "compile_seconds": float(outcome.compile_seconds),
        **provenance(devices),
    }
