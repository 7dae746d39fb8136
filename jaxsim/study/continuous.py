"""Chunks of methods with real states: whole design points, one after another."""

import time
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.ensemble.flow_points import solve_point
from jaxsim.ensemble.grid import checked_times
from jaxsim.ensemble.langevin import simulate_langevin
from jaxsim.ensemble.outcome import Outcome, continuous_dataset
from jaxsim.kernels import Status
from jaxsim.study.counted import Computed
from jaxsim.study.plan import Chunk, Plan
from jaxsim.study.setup import Setup
from jaxsim.study.sizing import plan_for

if TYPE_CHECKING:
    import xarray


class Continuous:
    """Computes chunks of rate equations, linear noise or the Langevin equation."""

    backend = "xla"

    def __init__(self, setup: Setup, devices: tuple[Any, ...], announce: Callable[[str], None]) -> None:
        self.setup, self.devices = setup, devices
        self.trajectories = 0
        self.leaves = {str(name): np.asarray(values) for name, values in self._template().data_vars.items()}

    def plan(self) -> Plan:
        """Return how the study is cut: every design point has one block."""
        return plan_for(self.setup, 1, 1, 1)

    def compute(self, plan: Plan, chunks: Iterator[Chunk]) -> Generator[Computed, None, None]:
        """Yield each chunk when its design points are solved."""
        for chunk in chunks:
            began, compiling, rows = time.perf_counter(), 0.0, []
            for point in chunk.points:
                outcome = self._solve(point)
                compiling += outcome.compile_seconds
                data = continuous_dataset(self.setup.network, self.setup.request, outcome, self.devices)
                rows.append({name: np.asarray(data[name].values) for name in self.leaves})
                self.trajectories += chunk.trajectories
            arrays = {name: np.stack([row[name] for row in rows]) for name in self.leaves}
            yield Computed(chunk, arrays, time.perf_counter() - began, compiling, 1)

    def template(self) -> "xarray.Dataset":
        """Return a Dataset of the variables of one design point, without any value."""
        return self._template()

    def finish(self, point: int, sums: list[Any], trajectories: int) -> "xarray.Dataset":
        """Return the results of a design point, which are what was stored."""
        data = self._template()
        return data.assign({name: (data[name].dims, value) for name, value in zip(self.leaves, sums, strict=True)})

    def _solve(self, point: int) -> Outcome:
        network, request = self.setup.network_at(point), self.setup.request
        if request.method == "langevin":
            return simulate_langevin(point, network, request, self.devices, lambda count: None)
        return solve_point(point, network, request, self.devices)

    def _template(self) -> "xarray.Dataset":
        structure, request = self.setup.network.structure, self.setup.request
        times, species = checked_times(request.times, request.start).size, len(structure.species)
        unknown, observed = np.full((times, species), np.nan), np.full((times, len(structure.observables)), np.nan)
        empty = Outcome(
            mean=unknown,
            variance=unknown,
            standard_error=unknown,
            reached=np.zeros(times, np.int64),
            status=np.zeros(len(Status), np.int64),
            observed=observed,
            observed_variance=observed,
            covariance=np.full((times, species, species), np.nan) if request.covariance else None,
        )
        return continuous_dataset(self.setup.network, request, empty, self.devices)
