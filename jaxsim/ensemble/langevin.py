"""Method langevin: calls of as many trajectories as there are lanes, merged in their order."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jaxsim.dosing import Timeline, build_timeline
from jaxsim.ensemble.dataset import ContinuousOutcome
from jaxsim.ensemble.pilot import typical_network
from jaxsim.ensemble.prepare import initial_leaves, parameter_leaves, sampled_names
from jaxsim.ensemble.rate_analysis import RateAnalysis
from jaxsim.ensemble.rate_equations import flow_inputs, run_program
from jaxsim.ensemble.request import Request, checked_times, refuse_for_langevin
from jaxsim.errors import SimulationError
from jaxsim.kernels import Status
from jaxsim.kernels.continuous import FlowProgram, LangevinInputs, LangevinProgram, LangevinSums, run_langevin
from jaxsim.kernels.continuous.langevin import LaneMoments, merged_moments
from jaxsim.kernels.moments import all_moments, need_room
from jaxsim.network import Network, is_distribution
from jaxsim.random import seed_words
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import executable
from jaxsim.runtime.workers import parts, worker_count

# How long a step of the Langevin equation may be, found from the rates along the rate equations.

_SHARE = 0.05  # of the shortest relaxation time: an error of the scheme of about 0.05**2 / 6, 4 in 10,000
_FEWEST = 64  # steps from start to end, for rates that vary in time
_PARTS = 64  # of the span, at whose ends the relaxation times are found
_MOST = 10_000_000  # steps that are taken without being asked for


def step_length(network: Network, request: Request, device: jax.Device) -> tuple[float, float]:
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
        if span / step > _MOST * 100:
            raise SimulationError(f"step is {step:g}, which makes {span / step:.2g} steps; give a longer one")
        return step, 0.0
    rate, seconds = fastest_relaxation(network, request, span, device)
    step = min(_SHARE / rate if rate > 0 else np.inf, span / _FEWEST) or 1.0
    if span / step > _MOST:
        raise SimulationError(
            f"method 'langevin' would take {span / step:.2g} steps, because something relaxes within {1 / rate:.2g} "
            f"of the time unit; give step=, a shorter time, or use method 'mean_field'"
        )
    return step, seconds


def fastest_relaxation(network: Network, request: Request, span: float, device: jax.Device) -> tuple[float, float]:
    """Return the largest eigenvalue (by size) of the drift's Jacobian along the rate equations, and seconds."""
    grid = np.linspace(request.start, request.start + span, _PARTS + 1) if span > 0 else np.array([request.start])
    inputs = flow_inputs(typical_network(network), replace(request, rtol=1e-4, atol=1e-3), grid)
    result, _, seconds = run_program(FlowProgram(network.structure, jacobians=True), inputs, device)
    assert result.jacobians is not None
    finite = np.all(np.isfinite(result.jacobians), axis=(1, 2))
    values = np.abs(np.linalg.eigvals(result.jacobians[finite]))
    return float(values.max(initial=0.0)), seconds


_CPU_LANES, _GPU_LANES, _FEW = 512, 1 << 16, 64
_KEPT_BYTES = 256 << 20


def simulate_langevin(
    point: int, network: Network, request: Request, devices: tuple[Any, ...], count: Callable[[int], None]
) -> ContinuousOutcome:
    """Simulate the trajectories of one design point."""
    refuse_for_langevin(network)
    with double_precision():
        step, found = step_length(network, request, devices[0])
        program, inputs = _prepare(point, network, request, step, devices[0].platform)
    calls, compiling = [], found
    program = _with_room(program, inputs)
    for device in devices:
        call, seconds = executable(run_langevin, program, _first(inputs), device)
        calls.append((call, device))
        compiling += seconds
    began = time.perf_counter()
    size = min(program.lanes, int(request.chunk or program.lanes))
    given = parts(request.first, request.trajectories, size)
    gathered = _Gathered(program)
    for part, sums in _run_all(calls, inputs, given):
        gathered.add(part, sums)
        count(part[1])
    wall = time.perf_counter() - began
    return gathered.outcome(request, step, wall, compiling)


def _lane_count(request: Request, species: int, times: int, backend: str) -> int:
    """Return how many trajectories run side by side."""
    lanes = _FEW if request.trajectories <= _FEW else _CPU_LANES if backend == "cpu" else _GPU_LANES
    if request.keep != "trajectories":
        return lanes
    most = max(1, _KEPT_BYTES // (8 * species * times))
    return max(_FEW, min(lanes, 1 << most.bit_length() - 1))


def _prepare(
    point: int, network: Network, request: Request, step: float, backend: str
) -> tuple[LangevinProgram, LangevinInputs]:
    grid = checked_times(request.times, request.start)
    timeline = build_timeline(network, request.schedule, request.start, float(grid[-1]))
    RateAnalysis(network, timeline).refuse_bad_start()
    initial = {
        name: value if is_distribution(network.initial[name]) else np.float64(value)
        for name, value in initial_leaves(network).items()
    }
    program = LangevinProgram(
        structure=network.structure,
        sampled_parameters=sampled_names(network.parameters),
        sampled_species=sampled_names(network.initial),
        lanes=_lane_count(request, len(network.structure.species), grid.size, backend),
        covariance=bool(request.covariance),
        kept=request.keep == "trajectories",
    )
    inputs = LangevinInputs(
        seed=seed_words(request.seed),
        point=np.uint32(point),
        first_low=np.uint32(0),
        first_high=np.uint32(0),
        size=np.int32(0),
        parameters=parameter_leaves(network),
        initial=initial,
        timeline=Timeline(*(np.asarray(part, np.float64) for part in timeline)),
        times=grid,
        step=np.float64(step),
    )
    return program, inputs


def _with_room(program: LangevinProgram, inputs: LangevinInputs) -> LangevinProgram:
    """Return the program with room for all moments at which rates jump or bend."""
    if not need_room(program.shared_switches):
        return program
    plain = {name: value for name, value in inputs.parameters.items() if name not in program.sampled_parameters}
    with double_precision():
        room = all_moments(program.shared_switches, program.structure.inputs, plain, inputs.timeline)[1]
    return replace(program, room=room)


def _first(inputs: LangevinInputs, first: int = 0, size: int = 0) -> LangevinInputs:
    return inputs._replace(
        first_low=np.uint32(first & 0xFFFFFFFF), first_high=np.uint32(first >> 32), size=np.int32(size)
    )


def _run_all(
    calls: list[Any], inputs: LangevinInputs, given: list[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], LangevinSums]]:
    """Run the parts on all cores or devices, a few ahead, and yield what they gather in order."""

    def one(index: int) -> LangevinSums:
        call, device = calls[index % len(calls)]
        with double_precision(), jax.default_device(device):
            return jax.tree.map(np.asarray, call(_first(inputs, *given[index])))

    workers = worker_count(tuple(device for _, device in calls)) if len(calls) == 1 else len(calls)
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(one, index) for index in range(min(2 * workers, len(given)))]
        try:
            for index, part in enumerate(given):
                yield part, waiting.pop(0).result()
                ahead = index + 2 * workers
                if ahead < len(given):
                    waiting.append(pool.submit(one, ahead))
        finally:
            for future in waiting:
                future.cancel()


class _Gathered:
    """Moments merged in the order of the trajectories, whatever the order in which calls end."""

    def __init__(self, program: LangevinProgram) -> None:
        self.program = program
        self.moments: LaneMoments | None = None
        self.status = np.zeros(len(Status), np.int64)
        self.states: list[np.ndarray] = []
        self.ends: list[np.ndarray] = []
        self.steps = 0

    def add(self, part: tuple[int, int], sums: LangevinSums) -> None:
        """Add one call."""
        ends = np.asarray(sums.status)[: part[1]]
        self.moments = sums.moments if self.moments is None else merged_moments(self.moments, sums.moments)
        self.status += np.bincount(ends, minlength=len(Status))
        self.steps = int(np.asarray(sums.steps)[: part[1]].max())
        if sums.states is not None:
            self.states.append(np.moveaxis(np.asarray(sums.states)[:, :, : part[1]], 2, 0))
            self.ends.append(ends)

    def outcome(self, request: Request, step: float, wall: float, compiling: float) -> ContinuousOutcome:
        """Return what was found, as arrays over the save times."""
        assert self.moments is not None
        reached, mean, squares = self.moments
        species, pairs = len(self.program.structure.species), squares.ndim == 3
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = squares / np.where(reached > 1, reached - 1, np.nan)[(..., *[None] * (squares.ndim - 1))]
        complete = reached == request.trajectories
        mean = np.where(complete[:, None], mean, np.nan)
        spread = np.where(complete[(..., *[None] * (squares.ndim - 1))], spread, np.nan)
        variance = np.diagonal(spread, axis1=1, axis2=2).copy() if pairs else spread
        return ContinuousOutcome(
            mean=mean[:, :species],
            variance=variance[:, :species],
            standard_error=np.sqrt(variance[:, :species] / request.trajectories),
            reached=reached,
            status=self.status,
            observed=mean[:, species:],
            observed_variance=variance[:, species:],
            covariance=spread[:, :species, :species] if pairs else None,
            states=np.concatenate(self.states) if self.states else None,
            ends=np.concatenate(self.ends) if self.ends else None,
            steps=self.steps,
            wall_seconds=wall,
            compile_seconds=compiling,
            step=step,
        )
