"""Chunks of methods with whole counts: exact sums over trajectories, made in the event loop."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from jaxsim.ensemble.dataset import ContinuousOutcome, Gathered, build_dataset, continuous_dataset
from jaxsim.ensemble.langevin import simulate_langevin
from jaxsim.ensemble.prepare import choose_backend, running_devices
from jaxsim.ensemble.rate_equations import solve_point
from jaxsim.ensemble.request import checked_times, prepare
from jaxsim.kernels import Inputs, Program, Status, Tally, empty_run
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.stream import Ended, Job, Stream
from jaxsim.runtime.workers import with_part
from jaxsim.study.plan import Chunk, StudyPlan, chunk_trajectories, plan_for
from jaxsim.study.setup import Setup

if TYPE_CHECKING:
    import xarray


_Arrays = dict[str, np.ndarray]
KEPT_INPUTS = 512  # design points whose prepared numbers are kept


class Computed(NamedTuple):
    """A chunk and its arrays, each with the design points of the chunk first."""

    chunk: Chunk
    arrays: _Arrays
    seconds: float
    compile_seconds: float
    lanes: int


class Counted:
    """Computes chunks of trajectories with whole counts."""

    def __init__(self, setup: Setup, devices: tuple[Any, ...], announce: Callable[[str], None]) -> None:
        self.setup, self.devices = setup, running_devices(devices, setup.request.backend)
        self.stream = Stream(self.devices, announce)
        self.prepared = lru_cache(KEPT_INPUTS)(self._prepared)
        self.program, self.inputs = self.prepared(0)
        with double_precision():
            empty = jax.eval_shape(lambda: empty_run(self.program).tally)
        self.empty = tuple(jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), _kept(empty)))
        leaves, self.shape_of_sums = jax.tree.flatten(self.empty)
        self.leaves = dict(zip(_names(self.empty), leaves, strict=True))

    @property
    def trajectories(self) -> int:
        """How many trajectories have ended in this process."""
        return self.stream.trajectories

    def _prepared(self, point: int) -> tuple[Program, Inputs]:
        with double_precision():
            prepared = prepare(self.setup.network_at(point), self.setup.request, self.devices[0].platform)
            program, inputs = choose_backend(*prepared, self.setup.request, self.devices)
        return program, inputs._replace(point=np.uint32(point))

    @property
    def backend(self) -> str:
        """What runs the event loop."""
        return self.program.backend

    def plan(self) -> StudyPlan:
        """Return how the study is cut."""
        total = chunk_trajectories(self.setup, self.program, self.inputs, self.devices)
        return plan_for(self.setup, total, self.program.lanes, sum(leaf.nbytes for leaf in self.leaves.values()))

    def compute(self, plan: StudyPlan, chunks: Iterator[Chunk]) -> Generator[Computed, None, None]:
        """Yield each chunk when all its parts have ended."""
        open_chunks: dict[int, list[Ended]] = {}
        with closing(self.stream.run(self._jobs(plan, chunks))) as jobs:
            for ended in jobs:
                chunk = ended.tag[0]
                parts = open_chunks.setdefault(chunk.number, [])
                parts.append(ended)
                if len(parts) == len(chunk.points) * len(plan.parts(chunk)):
                    yield self._whole(chunk, sorted(open_chunks.pop(chunk.number), key=lambda part: part.tag[1:]))

    def _jobs(self, plan: StudyPlan, chunks: Iterator[Chunk]) -> Iterator[Job]:
        for chunk in chunks:
            for point in chunk.points:
                program, inputs = self.prepared(point)
                for number, part in enumerate(plan.parts(chunk)):
                    yield Job((chunk, point, number), program, with_part(inputs, part))

    def _whole(self, chunk: Chunk, parts: list[Ended]) -> Computed:
        """Add the parts up, in their order."""
        rows = [_added([_kept(part.tally) for part in parts if part.tag[1] == point]) for point in chunk.points]
        leaves = [jax.tree.leaves(row) for row in rows]
        arrays = {name: np.stack([row[k] for row in leaves]) for k, name in enumerate(self.leaves)}
        return Computed(
            chunk,
            arrays,
            seconds=max(part.ended for part in parts) - min(part.began for part in parts),
            compile_seconds=sum(part.compile_seconds for part in parts),
            lanes=parts[0].program.lanes,
        )

    def template(self) -> "xarray.Dataset":
        """Return a Dataset of the variables of one design point, without any trajectory."""
        return self.finish(0, [np.zeros_like(leaf) for leaf in self.leaves.values()], 0)

    def finish(self, point: int, sums: list[Any], trajectories: int) -> "xarray.Dataset":
        """Return the results of a design point from its sums over so many trajectories."""
        program = self.program
        status, events, rejected, leaped, statistics = jax.tree.unflatten(self.shape_of_sums, sums)
        gathered = Gathered(
            program=program, status=status, events=int(events), rejected=int(rejected), leaped=leaped, sums=statistics
        )
        request = replace(self.setup.request, trajectories=max(trajectories, 1))
        return build_dataset(self.setup.network, request, gathered, self.devices)


def _kept(tally: Tally) -> tuple[Any, ...]:
    return tally.status, tally.events, tally.rejected, tally.leaped, tally.statistics


def _added(rows: list[Any]) -> Any:
    total = rows[0]
    for row in rows[1:]:
        total = jax.tree.map(np.add, total, row)
    return jax.tree.map(np.asarray, total)


def _names(sums: tuple[Any, ...]) -> list[str]:
    """Return a name for every array of sums: the order of the statistic, its field."""
    names = ["status", "events", "rejected", *(["leaped"] if sums[3] is not None else [])]
    for number, statistic in enumerate(sums[4]):
        kind = getattr(statistic, "key", "Counts")  # a plain array holds counts
        for path, _ in jax.tree_util.tree_flatten_with_path(statistic)[0]:
            names.append(".".join([f"{number}{kind}", *(part.name for part in path)]))
    return names


# Chunks of methods with real states: whole design points, one after another.


class Continuous:
    """Computes chunks of rate equations, linear noise or the Langevin equation."""

    backend = "xla"

    def __init__(self, setup: Setup, devices: tuple[Any, ...], announce: Callable[[str], None]) -> None:
        self.setup, self.devices = setup, devices
        self.trajectories = 0
        self.leaves = {str(name): np.asarray(values) for name, values in self._template().data_vars.items()}

    def plan(self) -> StudyPlan:
        """Return how the study is cut: every design point has one block."""
        return plan_for(self.setup, 1, 1, 1)

    def compute(self, plan: StudyPlan, chunks: Iterator[Chunk]) -> Generator[Computed, None, None]:
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

    def _solve(self, point: int) -> ContinuousOutcome:
        network, request = self.setup.network_at(point), self.setup.request
        if request.method == "langevin":
            return simulate_langevin(point, network, request, self.devices, lambda count: None)
        return solve_point(point, network, request, self.devices)

    def _template(self) -> "xarray.Dataset":
        structure, request = self.setup.network.structure, self.setup.request
        times, species = checked_times(request.times, request.start).size, len(structure.species)
        unknown, observed = np.full((times, species), np.nan), np.full((times, len(structure.observables)), np.nan)
        empty = ContinuousOutcome(
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
