"""A simulation as asked for: arguments checked, and sorted into what is compiled and what is fed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxsim.dosing import Schedule, Timeline
from jaxsim.ensemble.admission import refuse_for_leaps
from jaxsim.ensemble.analysis import (
    counts_need_check,
    rates_to_check,
    refuse_bad_start,
    refuse_unbounded,
    sampled_names,
)
from jaxsim.ensemble.grid import checked_times, is_uniform
from jaxsim.ensemble.layout import arrange_reactions, call_size, lane_count, saving_for
from jaxsim.ensemble.measures import chosen_statistics, passage_conditions
from jaxsim.ensemble.methods import refuse_foreign_arguments
from jaxsim.ensemble.precision import choose_precision
from jaxsim.ensemble.time_cells import cells_of_time
from jaxsim.ensemble.values import initial_leaves, parameter_leaves, variable_leaves
from jaxsim.errors import SimulationError
from jaxsim.kernels import VARIANTS, Arrangement, Inputs, Leaping, Program, Saving
from jaxsim.kernels.change import plan_changes
from jaxsim.kernels.group_tables import group_tables
from jaxsim.network import Network
from jaxsim.random import seed_words

MOST_TRAJECTORIES = 1 << 32
MOST_EVENTS = (1 << 32) - 2
MOST_TRIGGERS = 32
BACKENDS = ("native", "xla")
TOLERANCE = 0.03  # of Cao, Gillespie & Petzold 2006


@dataclass(frozen=True)
class Request:
    """What `simulate` was asked for, by the names of its arguments."""

    times: Any
    trajectories: Any = 1000
    seed: Any = 0
    schedule: Any = None
    method: str = "direct"
    keep: str | None = None
    chunk: Any = None
    start: float = 0.0
    max_events: Any = None
    precision: str = "auto"
    cells: Any = 64
    first: Any = 0
    covariance: bool = False
    histograms: Mapping[str, Any] = field(default_factory=dict)
    quantiles: Sequence[float] = ()
    passages: Mapping[str, str] = field(default_factory=dict)
    reductions: Mapping[str, Any] = field(default_factory=dict)
    rtol: Any = None
    atol: Any = None
    tolerance: Any = None
    step: Any = None
    backend: str | None = None


def whole_number(value: Any) -> Any:
    """Return a float that is whole, such as 1e6, as an int, and anything else as it is.

    Examples
    --------
    >>> whole_number(1e6), whole_number(2.5)
    (1000000, 2.5)
    """
    return int(value) if isinstance(value, (float, np.floating)) and float(value).is_integer() else value


def check(request: Request) -> None:
    """Refuse, in one sentence, what no network could be simulated with."""
    refuse_foreign_arguments(request)
    if request.keep not in (None, "trajectories"):
        raise SimulationError(f"keep={request.keep!r} is unknown; give None or 'trajectories'")
    if request.precision not in ("auto", "float32", "float64"):
        raise SimulationError(f"precision={request.precision!r} is unknown; give 'auto', 'float32' or 'float64'")
    if request.backend not in (None, *BACKENDS):
        raise SimulationError(f"backend={request.backend!r} is unknown; leave it out, or give 'native' or 'xla'")
    _whole("trajectories", request.trajectories, 1, MOST_TRAJECTORIES)
    _whole("first", request.first, 0, MOST_TRAJECTORIES * 7)
    _whole("cells", request.cells, 0, 1 << 16)
    if request.chunk is not None:
        _whole("chunk", request.chunk, 1, 1 << 30)
    if request.max_events is not None:
        _whole("max_events", request.max_events, 1, MOST_EVENTS)
    if not np.isfinite(request.start):
        raise SimulationError(f"the start {request.start} is not finite; give a time")
    if request.schedule is not None and not isinstance(request.schedule, Schedule):
        raise SimulationError(f"schedule is a {type(request.schedule).__name__}; give a js.Schedule")
    _check_leaps(request)
    seed_words(request.seed)


def _check_leaps(request: Request) -> None:
    if request.method not in (*VARIANTS, "auto"):
        return
    if request.tolerance is not None and request.step is not None:
        raise SimulationError("a leap has either a tolerance or a fixed step; give one of them")
    if request.tolerance is not None and not (_is_number(request.tolerance) and 0 < request.tolerance < 1):
        raise SimulationError(f"tolerance is {request.tolerance!r}; give a relative change of rates between 0 and 1")
    if request.step is not None and not (_is_number(request.step) and 0 < request.step < np.inf):
        raise SimulationError(f"step is {request.step!r}; give a positive time")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _whole(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise SimulationError(f"{name} is {value!r}; give a whole number from {least} to {most}")


def prepare(network: Network, request: Request, backend: str) -> tuple[Program, Inputs]:
    """Return the program of a network and its numbers; the range of trajectories is filled in per call."""
    grid = checked_times(request.times, request.start)
    parameters, initial, variables = parameter_leaves(network), initial_leaves(network), variable_leaves(network)
    timeline = cells_of_time(network, request, float(grid[-1]))
    refuse_bad_start(network, timeline)
    leaves = refuse_unbounded(network, timeline)
    program = _program(network, request, grid, timeline, leaves, backend)
    inputs = Inputs(
        seed=seed_words(request.seed),
        point=np.uint32(0),
        first_low=np.uint32(0),
        first_high=np.uint32(0),
        size=np.int32(0),
        max_events=np.uint32(request.max_events or MOST_EVENTS),
        parameters=parameters,
        initial=initial,
        variables=variables,
        timeline=Timeline(*(np.asarray(part, np.float64) for part in timeline)),
        times=grid,
        tolerance=np.float64(request.tolerance or TOLERANCE),
        step=np.float64(np.inf if request.step is None else request.step),
    )
    if program.arrangement is Arrangement.GROUPS:
        inputs = inputs._replace(groups=group_tables(network.structure, inputs.parameters, inputs.initial))
    return program, inputs


def _program(
    network: Network,
    request: Request,
    grid: np.ndarray,
    timeline: Timeline,
    leaves: dict[str, tuple[float, float]],
    backend: str,
) -> Program:
    structure = network.structure
    if not structure.reactions and not structure.events:
        raise SimulationError("the network has no reactions; nothing would happen")
    if len(structure.events) > MOST_TRIGGERS:
        raise SimulationError(f"the network has {len(structure.events)} events; at most {MOST_TRIGGERS} are followed")
    moved = np.any((timeline.multiply != 1) | (timeline.add != 0), axis=0)
    given = request.schedule.names if request.schedule is not None else ()
    dosed = tuple(name for s, name in enumerate(structure.species) if moved[s] or name in given)
    general = bool(timeline.base.shape[0] > 1 or dosed or leaves or structure.events or plan_changes(structure).slow)
    leap = None
    if request.method in VARIANTS:
        leap = Leaping(request.method, request.step is not None, VARIANTS[request.method].mixed)
        refuse_for_leaps(structure, request.method)
    general = general or leap is not None or bool(structure.variables)
    sampled = sampled_names(network.parameters)
    checked_rates = rates_to_check(network, leaves)
    precision = choose_precision(network, timeline, leaves, request.precision, leap is not None, bool(dosed))
    plain = not (sampled or checked_rates) and precision.name == "float32"
    arrangement = arrange_reactions(structure, general, plain)
    size = call_size(request, grid.size, len(structure.species))
    kept = size or 0 if request.keep == "trajectories" else 0
    saving = saving_for(grid.size, len(structure.species), arrangement)
    if structure.variables and saving is Saving.CROSSING:  # which writes rows of counts
        saving = Saving.EVERY_EVENT
    if leap and saving is Saving.EVERY_EVENT:  # a leap ends at a save time, so crossings are few
        saving = Saving.CROSSING
    return Program(
        structure=structure,
        sampled_parameters=sampled,
        sampled_species=sampled_names(network.initial),
        general=general,
        dosed=dosed,
        checked_rates=checked_rates,
        checked_counts=counts_need_check(network, leaves, bool(dosed)),
        passages=passage_conditions(structure, request.passages),
        statistics=chosen_statistics(structure, request, grid.size),
        times=grid.size,
        uniform_times=is_uniform(grid),
        saving=saving,
        arrangement=arrangement,
        lanes=lane_count(len(structure.species), grid.size, request.trajectories, backend, arrangement),
        kept=kept,
        precision=precision.name,
        leap=leap,
        ranges=precision.ranges,
        reason=precision.reason,
    )
