"""Rate equations of many cases at once: one compiled program, whose lanes are design points, animals or treatments."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxsim.dosing import Schedule, Timeline, build_timeline
from jaxsim.ensemble.admission import refuse_for_flow
from jaxsim.ensemble.analysis import refuse_bad_start
from jaxsim.ensemble.double import double_precision
from jaxsim.ensemble.executables import executable
from jaxsim.ensemble.flow import controls
from jaxsim.ensemble.grid import checked_times
from jaxsim.ensemble.workers import worker_count
from jaxsim.errors import SimulationError
from jaxsim.kernels import Status
from jaxsim.kernels.continuous import LaneFlow, LaneFlowInputs, LaneFlowResult, run_lanes
from jaxsim.kernels.moments import larger
from jaxsim.network import Network

CPU_LANES, GPU_LANES = 16, 1 << 12
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
    times: Any,
    *,
    start: float = 0.0,
    rtol: Any = None,
    atol: Any = None,
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


def _run_all(call: Any, parts: list[LaneFlowInputs], device: Any) -> list[LaneFlowResult]:
    """Run all calls on all cores."""

    def one(inputs: LaneFlowInputs) -> LaneFlowResult:
        with double_precision(), jax.default_device(device):
            result: LaneFlowResult = jax.tree.map(np.asarray, call(inputs))
            return result

    with ThreadPoolExecutor(worker_count((device,))) as pool:
        return list(pool.map(one, parts))


def lane_count(species: int, platform: str) -> int:
    """Return how many solutions run side by side in one call.

    Examples
    --------
    >>> lane_count(26, "cpu"), lane_count(100, "cpu")
    (16, 1)
    """
    if platform != "cpu":
        return GPU_LANES
    most = CACHE // (8 * species * species)
    return 1 << min(max(most, 1), CPU_LANES).bit_length() - 1


class _Numbers(NamedTuple):
    """What all points of a case share, and what they differ in."""

    case: FlowCase
    parameters: dict[str, float]
    initial: np.ndarray
    timeline: Timeline


def _blocks(
    cases: Sequence[FlowCase], grid: np.ndarray, start: float, tolerances: Any, platform: str
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
    program = LaneFlow(structure, lane_count(len(structure.species), platform))
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
    refuse_bad_start(network, timeline, dict(zip(network.structure.species, map(float, counts), strict=True)))
    shared = {name: float(value) for name, value in network.parameters.items() if name not in case.parameters}
    initial = case.initial
    if initial is None:
        initial = np.array([[float(value) for value in network.initial.values()]], np.float64)
    return _Numbers(case, shared, initial, Timeline(*(np.asarray(part, np.float64) for part in timeline)))


def _inputs(program: LaneFlow, part: list[tuple[_Numbers, int]], grid: np.ndarray, tolerances: Any) -> LaneFlowInputs:
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
