"""Results as xarray Datasets: named dimensions, units of what is known, provenance."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxsim.ensemble.request import Request, time_coordinate
from jaxsim.kernels import LABELS, SHARES, TREATMENTS, Program, Status, Tally
from jaxsim.network import Network
from jaxsim.runtime.provenance import provenance
from jaxsim.statistics import Histogram

if TYPE_CHECKING:
    import xarray


# What a continuous method has found at one design point, and the Dataset made of it.


@dataclass(kw_only=True)
class ContinuousOutcome:
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


def continuous_dataset(
    network: Network, request: Request, outcome: ContinuousOutcome, devices: tuple[Any, ...]
) -> "xarray.Dataset":
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
    return xarray.Dataset(fields, coordinates, _attributes_of_outcome(request, outcome, devices))


def _attributes_of_outcome(request: Request, outcome: ContinuousOutcome, devices: tuple[Any, ...]) -> dict[str, Any]:
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


# What the calls of one design point have gathered, added up in order.


@dataclass(kw_only=True)
class Gathered:
    """Sums over all trajectories of a design point; integers, so exact in any order."""

    program: Program
    compile_seconds: float = 0.0
    wall_seconds: float = 0.0
    status: np.ndarray = field(default_factory=lambda: np.zeros(len(Status), np.int64))
    events: int = 0
    rejected: int = 0
    sums: tuple[Any, ...] | None = None
    states: list[np.ndarray] = field(default_factory=list)
    ends: list[np.ndarray] = field(default_factory=list)
    leaped: np.ndarray | None = None
    """int64 [treatment, reaction]: shares of the time, in parts of 1 / SHARES, summed over trajectories."""

    def add(self, part: tuple[int, int], tally: Tally) -> None:
        """Add the tally of one call."""
        self.status = self.status + tally.status
        self.events += int(tally.events)
        self.rejected += int(tally.rejected)
        self.sums = tally.statistics if self.sums is None else jax.tree.map(np.add, self.sums, tally.statistics)
        if tally.leaped is not None:
            leaped = np.asarray(tally.leaped)
            self.leaped = leaped if self.leaped is None else self.leaped + leaped
        if self.program.kept:
            self.states.append(np.moveaxis(np.asarray(tally.states)[: part[1]], 1, 2))
            self.ends.append(np.asarray(tally.ends)[: part[1]])

    def results(self) -> dict[str, np.ndarray]:
        """Return the arrays of all accumulators by name."""
        assert self.sums is not None
        found: dict[str, np.ndarray] = {}
        for statistic, sums in zip(self.program.statistics, self.sums, strict=True):
            found |= statistic.result(sums)
        return found


NAMED = {
    "observable_mean": ("time", "observable"),
    "observable_variance": ("time", "observable"),
    "covariance": ("time", "species", "species_2"),
    "quantiles": ("quantile", "time", "species"),
    "survival": ("time", "passage"),
    "passed": ("passage",),
    "passage_mean": ("passage",),
    "passage_variance": ("passage",),
}


def build_dataset(network: Network, request: Request, gathered: Gathered, devices: tuple[Any, ...]) -> "xarray.Dataset":
    """Return the results of one design point."""
    import xarray

    found = gathered.results()
    reached = found.pop("count")
    found.pop("passage_count", None)
    complete = reached == request.trajectories
    mean, variance = (_where(complete, found.pop(name)) for name in ("mean", "variance"))
    fields: dict[str, Any] = {
        "mean": (("time", "species"), mean, {"long_name": "mean count"}),
        "variance": (("time", "species"), variance, {"long_name": "unbiased variance of the count"}),
        "standard_error": (("time", "species"), np.sqrt(variance / request.trajectories)),
        "reached": (("time",), reached, {"long_name": "trajectories that reached the save time"}),
        "status": (("ending",), gathered.status, {"long_name": "trajectories by how they ended"}),
    }
    for name, value in found.items():
        if name in NAMED:
            fields[name] = (NAMED[name], _hide_incomplete(NAMED[name], value, complete))
        elif name.startswith("histogram_"):
            fields[name] = (("time", f"bin_{name.removeprefix('histogram_')}"), value)
        else:  # a reduction, of any shape
            fields[name] = (tuple(f"{name.rsplit('_', 1)[0]}_{axis}" for axis in range(np.ndim(value))), value)
    if gathered.program.kept:
        fields["trajectories"] = (("trajectory", "time", "species"), np.concatenate(gathered.states))
        fields["trajectory_status"] = (("trajectory",), np.concatenate(gathered.ends))
    if gathered.leaped is not None:
        fields["partition"] = (("reaction", "treatment"), _partition(gathered), {"long_name": "share of the time"})
    data = xarray.Dataset(fields, _coordinates(network, request, gathered), _attributes(request, gathered, devices))
    return data


def _partition(gathered: Gathered) -> np.ndarray:
    """Return the share of the time over which each reaction was exact, or leaped over, by kind of leap.

    It is the mean over the trajectories that ended well; NaN if none did.
    """
    assert gathered.leaped is not None
    fine = sum(int(gathered.status[code]) for code in Status if code.fine)
    leaped = gathered.leaped.T / (SHARES * fine) if fine else np.full(gathered.leaped.T.shape, np.nan)
    return np.column_stack([1.0 - leaped.sum(axis=1), leaped])


def join_points(datasets: list["xarray.Dataset"], batch: dict[str, np.ndarray]) -> "xarray.Dataset":
    """Stack design points along ``point``, with the batched parameters as coordinates."""
    import xarray

    joined = xarray.concat(datasets, dim="point", combine_attrs="override")
    for key in ("events", "wall_seconds", "compile_seconds", "rejected"):
        joined.attrs[key] = sum(data.attrs[key] for data in datasets)
    return joined.assign_coords({name: ("point", values) for name, values in batch.items()})


def _where(complete: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.where(complete[:, None], values, np.nan)


def _hide_incomplete(dims: tuple[str, ...], value: np.ndarray, complete: np.ndarray) -> np.ndarray:
    if "time" not in dims:
        return value if complete.all() else np.full(np.shape(value), np.nan)
    shape = [1] * np.ndim(value)
    shape[dims.index("time")] = complete.size
    return np.where(complete.reshape(shape), value, np.nan)


def _coordinates(network: Network, request: Request, gathered: Gathered) -> dict[str, Any]:
    program = gathered.program
    coordinates: dict[str, Any] = {
        "time": time_coordinate(network, request.times),
        "species": list(program.structure.species),
        "ending": list(LABELS),
    }
    if request.covariance:
        coordinates["species_2"] = list(program.structure.species)
    structure = program.structure
    if structure.observables or structure.variables:
        coordinates["observable"] = [*(name for name, _ in structure.observables), *structure.variables]
    if len(request.quantiles):
        coordinates["quantile"] = list(request.quantiles)
    if request.passages:
        coordinates["passage"] = list(request.passages)
    if program.kept:
        coordinates["trajectory"] = np.arange(request.first, request.first + request.trajectories)
    if gathered.leaped is not None:
        coordinates["reaction"] = [reaction.name or str(reaction) for reaction in program.structure.reactions]
        coordinates["treatment"] = ["exact", *TREATMENTS]
    for statistic in program.statistics:
        if isinstance(statistic, Histogram):
            lows = statistic.low + statistic.width * np.arange(-1, statistic.bins + 1)
            coordinates[f"bin_{statistic.name}"] = lows
    return coordinates


def _attributes(request: Request, gathered: Gathered, devices: tuple[Any, ...]) -> dict[str, Any]:
    program, status = gathered.program, gathered.status
    fine = int(sum(status[code] for code in Status if code.fine))
    return {
        "seed": int(request.seed),
        "trajectories": int(request.trajectories),
        "method": program.stepper.method,
        "precision": program.precision,
        **({"precision_reason": program.reason} if program.reason else {}),
        "events": int(gathered.events),
        "rejected": int(gathered.rejected),
        "fine": fine,
        "wall_seconds": float(gathered.wall_seconds),
        "compile_seconds": float(gathered.compile_seconds),
        "lanes": program.lanes,
        "backend": program.backend,
        **({"backend_reason": program.backend_reason} if program.backend_reason else {}),
        **provenance(devices),
    }
