"""Method linear_noise: one solution per design point; and what all flows share."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxsim.dosing import Schedule, Timeline, build_timeline
from jaxsim.ensemble.dataset import ContinuousOutcome
from jaxsim.ensemble.rate_analysis import RateAnalysis
from jaxsim.ensemble.request import Request, checked_times, refuse_for_flow
from jaxsim.errors import SimulationError
from jaxsim.kernels import Status
from jaxsim.kernels.continuous import (
    Controls,
    FlowInputs,
    FlowProgram,
    FlowResult,
    LaneFlow,
    LaneFlowInputs,
    LaneFlowResult,
    run_flow,
    run_lanes,
)
from jaxsim.kernels.moments import larger
from jaxsim.network import Network
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import executable
from jaxsim.runtime.workers import worker_count

_RELATIVE, _ABSOLUTE = 1e-8, 1e-6  # defaults of rtol and atol; the latter in molecules
NOISE_STEPS = 1 << 12  # of the solver between two points, all of which linear noise looks back at


def solve_noise(point: int, network: Network, request: Request, devices: tuple[Any, ...]) -> ContinuousOutcome:
    """Solve the rate equations of one design point, with the covariance."""
    refuse_for_flow(network, request.method)
    program = FlowProgram(network.structure, noise=True, max_steps=NOISE_STEPS)
    with double_precision():
        inputs = flow_inputs(network, request, checked_times(request.times, request.start))
    result, wall, compiling = run_program(program, inputs, devices[0])
    return _outcome(request, result, wall, compiling)


def flow_inputs(network: Network, request: Request, grid: np.ndarray) -> FlowInputs:
    """Return the numbers of a network as the solver takes them, checked."""
    timeline = build_timeline(network, request.schedule, request.start, float(grid[-1]))
    RateAnalysis(network, timeline).refuse_bad_start()
    return FlowInputs(
        parameters={name: np.asarray(value, np.float64) for name, value in network.parameters.items()},
        initial=np.array([float(value) for value in network.initial.values()], np.float64),
        timeline=Timeline(*(np.asarray(part, np.float64) for part in timeline)),
        times=grid,
        controls=controls(request.rtol, request.atol),
    )


def controls(relative: float | None, absolute: float | None) -> Controls:
    """Return the tolerances; refuse those that no solver can hold."""
    checked = []
    for name, given, usual in (("rtol", relative, _RELATIVE), ("atol", absolute, _ABSOLUTE)):
        value = usual if given is None else float(given)
        if not 1e-13 <= value < np.inf:
            raise SimulationError(f"{name} is {value:g}; give a positive number such as {usual:g}, at least 1e-13")
        checked.append(np.float64(value))
    return Controls(*checked)


def run_program(program: FlowProgram, inputs: FlowInputs, device: jax.Device) -> tuple[FlowResult, float, float]:
    """Return the solution (numpy) and the seconds of running and of compiling."""
    import jax

    call, compiling = executable(run_flow, program, inputs, device)
    began = time.perf_counter()
    with double_precision():
        result: FlowResult = jax.tree.map(np.asarray, call(inputs))
    if not result.fits:
        return run_program(replace(program, room=larger(program.room)), inputs, device)
    return result, time.perf_counter() - began, compiling


def _outcome(request: Request, result: FlowResult, wall: float, compiling: float) -> ContinuousOutcome:
    fine = np.asarray(result.status) == int(Status.OK)
    mean, observed = (np.where(fine[:, None], value, np.nan) for value in (result.mean, result.observed))
    assert result.covariance is not None and result.observed_variance is not None
    covariance = np.where(fine[:, None, None], result.covariance, np.nan)
    variance = np.diagonal(covariance, axis1=1, axis2=2).copy()
    spread = np.where(fine[:, None], result.observed_variance, np.nan)
    return ContinuousOutcome(
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


# Rate equations of many cases at once: one compiled program, whose lanes are design points, animals or treatments.

_CPU_LANES, _GPU_LANES = 16, 1 << 12
CACHE = 1 << 17  # bytes for the matrices of all lanes: they are passed over once for each species


@dataclass(frozen=True)
class FlowCase:
    """A network with its doses, and parameters in which `points` copies of it differ."""

    network: Network
    schedule: Schedule | None = None
    parameters: Mapping[str, Float[np.ndarray, " point"]] = field(default_factory=dict)
    points: int = 1
    initial: Float[np.ndarray, "point species"] | None = None
    """Counts from which each starts; those of the network if not given."""


class Flows(NamedTuple):
    """Solutions of N points, those of the first case first."""

    mean: Float[np.ndarray, "N K S"]
    """Counts; NaN from the time on at which a solution ended badly."""
    observed: Float[np.ndarray, "N K O"]
    status: Int[np.ndarray, "N K"]
    """How each solution had fared by then, as a Status."""
    steps: Int[np.ndarray, " N"]
    wall_seconds: float
    compile_seconds: float


def solve_flows(
    cases: Sequence[FlowCase],
    times: list[Any] | np.ndarray,
    *,
    start: float = 0.0,
    rtol: float | None = None,
    atol: float | None = None,
    devices: Sequence[Any] | None = None,
) -> Flows:
    """Solve the rate equations of all points of all cases, side by side on all cores.

    What is found for a point does not depend on the others, but for rounding. One program is compiled for each
    structure, number of save times and number of cells of the schedule.

    Parameters
    ----------
    cases
        With one structure; values, initial counts, inputs and doses may differ.
    times
        Save times, ascending.
    start
        Where solutions begin.
    rtol, atol
        Tolerances of a step, relative and in molecules; 1e-8 and 1e-6 if not given.
    devices
        The first is used; that of the default backend if not given.

    Raises
    ------
    JaxsimError
        For what rate equations do not take, and for structures or schedules of different shapes.

    References
    ----------
    Hairer & Wanner, Solving Ordinary Differential Equations II, 2nd ed. 1996, section IV.7 (RODAS).

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"X": 100}, ["X -> , d"], {"d": 1.0})
    >>> found = solve_flows([FlowCase(net, parameters={"d": np.array([1.0, 2.0])}, points=2)], [1.0])
    >>> found.mean[:, 0, 0].round(3).tolist()
    [36.788, 13.534]
    """
    grid = checked_times(times, start)
    device = jax.local_devices()[0] if devices is None else next(iter(devices))
    blocks, program = _blocks(cases, grid, start, controls(rtol, atol), device.platform)
    compiling = 0.0
    while True:
        call, seconds = executable(run_lanes, program, blocks[0][1], device)
        compiling, began = compiling + seconds, time.perf_counter()
        results = _run_all(call, [inputs for _, inputs in blocks], device)
        if all(np.all(result.fits) for result in results):
            return _gathered([places for places, _ in blocks], results, time.perf_counter() - began, compiling)
        program = replace(program, room=larger(program.room))


def _run_all(call: Any, parts: list[LaneFlowInputs], device: jax.Device) -> list[LaneFlowResult]:
    """Run all calls on all cores."""

    def one(inputs: LaneFlowInputs) -> LaneFlowResult:
        with double_precision(), jax.default_device(device):
            result: LaneFlowResult = jax.tree.map(np.asarray, call(inputs))
            return result

    with ThreadPoolExecutor(worker_count((device,))) as pool:
        return list(pool.map(one, parts))


def _lane_count(species: int, platform: str) -> int:
    """Return how many solutions run side by side in one call.

    Examples
    --------
    >>> _lane_count(26, "cpu"), _lane_count(100, "cpu")
    (16, 1)
    """
    if platform != "cpu":
        return _GPU_LANES
    most = CACHE // (8 * species * species)
    return 1 << min(max(most, 1), _CPU_LANES).bit_length() - 1


class _Numbers(NamedTuple):
    """What all points of a case share, and what they differ in."""

    case: FlowCase
    parameters: dict[str, float]
    initial: np.ndarray
    timeline: Timeline


def _blocks(
    cases: Sequence[FlowCase], grid: np.ndarray, start: float, tolerances: Controls, platform: str
) -> tuple[list[tuple[np.ndarray, LaneFlowInputs]], LaneFlow]:
    """Return the inputs of every call, each with the numbers of its points."""
    structure = cases[0].network.structure
    numbers: list[_Numbers] = []
    groups: dict[bytes, list[tuple[int, int, int]]] = {}
    first = 0
    for index, case in enumerate(cases):
        if case.network.structure != structure:
            raise SimulationError("networks of different structure are solved one by one; give cases of one structure")
        numbers.append(_numbers(case, start, float(grid[-1])))
        edges = numbers[-1].timeline.edges.tobytes()  # lanes of a call stop at the same edges
        groups.setdefault(edges, []).extend((index, row, first + row) for row in range(case.points))
        first += case.points
    program = LaneFlow(structure, _lane_count(len(structure.species), platform))
    blocks = []
    for members in groups.values():
        for begin in range(0, len(members), program.lanes):
            part = members[begin : begin + program.lanes]
            inputs = _inputs(program, [(numbers[index], row) for index, row, _ in part], grid, tolerances)
            blocks.append((np.array([place for _, _, place in part]), inputs))
    return blocks, program


def _numbers(case: FlowCase, start: float, end: float) -> _Numbers:
    network = case.network
    refuse_for_flow(network.with_parameters(**dict.fromkeys(case.parameters, 1.0)), "mean_field")
    timeline = build_timeline(network, case.schedule, start, end)
    counts = network.initial.values() if case.initial is None else case.initial[0]
    counted = dict(zip(network.structure.species, map(float, counts), strict=True))
    RateAnalysis(network, timeline).refuse_bad_start(counted)
    shared = {name: float(value) for name, value in network.parameters.items() if name not in case.parameters}
    initial = case.initial
    if initial is None:
        initial = np.array([[float(value) for value in network.initial.values()]], np.float64)
    return _Numbers(case, shared, initial, Timeline(*(np.asarray(part, np.float64) for part in timeline)))


def _inputs(
    program: LaneFlow, part: list[tuple[_Numbers, int]], grid: np.ndarray, tolerances: Controls
) -> LaneFlowInputs:
    """Return the numbers of one call; lanes that are left over repeat the last point, unused."""
    filled = part + [part[-1]] * (program.lanes - len(part))

    def lanes(leaf: Iterator[Any]) -> np.ndarray:
        return np.stack([np.asarray(value, np.float64) for value in leaf], axis=-1)

    def parameter(name: str) -> np.ndarray:
        return lanes(n.case.parameters[name][row] if name in n.case.parameters else n.parameters[name]
                     for n, row in filled)  # fmt: skip

    timelines = [numbers.timeline for numbers, _ in filled]
    stacked = {name: lanes(getattr(one, name) for one in timelines) for name in Timeline._fields if name != "edges"}
    return LaneFlowInputs(
        parameters={name: parameter(name) for name in program.structure.parameters},
        initial=lanes(numbers.initial[min(row, len(numbers.initial) - 1)] for numbers, row in filled),
        timeline=Timeline(edges=timelines[0].edges, **stacked),
        times=grid,
        controls=tolerances,
        used=np.arange(program.lanes) < len(part),
    )


def _gathered(places: list[np.ndarray], results: list[LaneFlowResult], wall: float, compiling: float) -> Flows:
    """Put the points of all calls into their order."""
    order = np.argsort(np.concatenate(places))

    def joined(leaves: list[Any]) -> np.ndarray:
        used = [np.moveaxis(leaf, -1, 0)[: place.size] for leaf, place in zip(leaves, places, strict=True)]
        return np.asarray(np.concatenate(used)[order])

    mean, observed, status, steps = (joined([result[i] for result in results]) for i in range(4))
    fine = (status == int(Status.OK))[:, :, None]
    return Flows(np.where(fine, mean, np.nan), np.where(fine, observed, np.nan), status, steps, wall, compiling)


# Design points of the methods with one solution each; those of mean_field in one call.


def solve_point(point: int, network: Network, request: Request, devices: tuple[Any, ...]) -> ContinuousOutcome:
    """Solve one design point, by rate equations or with linear noise."""
    if request.method == "mean_field":
        return solve_points([network], {}, request, devices)[0]
    return solve_noise(point, network, request, devices)


def solve_points(
    networks: list[Network], batch: dict[str, np.ndarray], request: Request, devices: tuple[Any, ...]
) -> list[ContinuousOutcome]:
    """Solve the rate equations of every design point; the points differ in the parameters of the batch alone."""
    case = FlowCase(networks[0], request.schedule, batch, len(networks))
    found = solve_flows(
        [case], request.times, start=request.start, rtol=request.rtol, atol=request.atol, devices=devices
    )
    return [
        _outcome_of_points(
            found.mean[n],
            found.observed[n],
            found.status[n],
            int(found.steps[n]),
            found.wall_seconds / len(networks),
            found.compile_seconds if n == 0 else 0.0,
        )
        for n in range(len(networks))
    ]


def _outcome_of_points(
    mean: np.ndarray, observed: np.ndarray, status: np.ndarray, steps: int, wall: float, compiling: float
) -> ContinuousOutcome:
    fine = status == int(Status.OK)
    unknown = np.full(mean.shape, np.nan)
    return ContinuousOutcome(
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
