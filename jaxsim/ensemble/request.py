"""Requests: the arguments of a simulation, checked, and sorted into what is compiled and what is fed."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxsim.dosing import Schedule, Timeline
from jaxsim.ensemble.methods import refuse_foreign_arguments
from jaxsim.ensemble.precision import choose_precision
from jaxsim.ensemble.prepare import (
    call_size,
    choose_stepper,
    chosen_statistics,
    initial_leaves,
    lane_count,
    parameter_leaves,
    passage_conditions,
    sampled_names,
    saving_for,
    variable_leaves,
)
from jaxsim.ensemble.rate_analysis import RateAnalysis
from jaxsim.ensemble.time_cells import cells_of_time
from jaxsim.errors import NoEffectWarning, SimulationError
from jaxsim.kernels import VARIANTS, Inputs, Program, Saving
from jaxsim.kernels.change import plan_changes
from jaxsim.kernels.continuous.real_rates import nonlinear_effect
from jaxsim.kernels.draws import FINEST
from jaxsim.network import Network, Structure, is_distribution, names, parse
from jaxsim.random import seed_words

# The save times.

UNIFORM = 1e-9  # relative deviation of the spacing below which a grid counts as uniform


def as_grid(times: Any) -> np.ndarray:
    """Return save times, given as a number or any sequence, as float64 [K]."""
    return np.atleast_1d(np.asarray(list(times) if np.ndim(times) else [times], dtype=np.float64))


def checked_times(times: Any, start: float) -> np.ndarray:
    """Return the save times as float64 [K]; refuse what is not an increasing list from `start` on."""
    try:
        if isinstance(times, str):
            raise TypeError("a text is no list of times")
        grid = as_grid(times)
    except (TypeError, ValueError) as error:
        raise SimulationError(f"times {times!r} are not numbers; give a list such as [0, 1, 2]") from error
    if grid.ndim != 1 or grid.size == 0:
        raise SimulationError("times are empty; give at least one save time")
    if not np.all(np.isfinite(grid)):
        raise SimulationError(f"times contain {grid[~np.isfinite(grid)][0]}; save times must be finite")
    steps = np.diff(grid)
    if np.any(steps <= 0):
        place = int(np.argmax(steps <= 0))
        raise SimulationError(
            f"times are not increasing: {grid[place]:g} is followed by {grid[place + 1]:g}; sort them and drop repeats"
        )
    if grid[0] < start:
        raise SimulationError(f"the save time {grid[0]:g} is before the start at {start:g}; start earlier or drop it")
    return grid


def refuse_unresolved(step: float, start: float, end: float) -> None:
    """Refuse steps from start to end that double precision cannot tell apart there.

    Examples
    --------
    >>> refuse_unresolved(1e-3, 1.7e9, 1.7e9 + 60)
    >>> refuse_unresolved(1.0, 1e16, 1e16 + 60)
    Traceback (most recent call last):
    jaxsim.errors.SimulationError: steps of 1 cannot be told apart at the time 1e+16; count times from a start near zero
    """
    farthest = max(abs(start), abs(end))
    if farthest > step * FINEST:
        raise SimulationError(
            f"steps of {step:.3g} cannot be told apart at the time {farthest:.6g}; count times from a start near zero"
        )


def is_uniform(grid: np.ndarray) -> bool:
    """Return whether the save times are equally spaced.

    Examples
    --------
    >>> is_uniform(np.linspace(0, 1, 5)), is_uniform(np.array([0.0, 1.0, 3.0]))
    (True, False)
    """
    if grid.size < 3:
        return False
    ideal = np.linspace(grid[0], grid[-1], grid.size)
    return bool(np.max(np.abs(grid - ideal)) <= UNIFORM * (grid[-1] - grid[0]))


def time_coordinate(network: Network, times: list[Any] | np.ndarray) -> tuple[str, np.ndarray, dict[str, str]]:
    """Return the time coordinate of a Dataset, with the unit of time where the network knows it.

    Examples
    --------
    >>> time_coordinate(Network({"A": 1}, ["A -> , 1"]), [0.0, 1.0])[2]
    {'long_name': 'time'}
    """
    unit = {"units": network.time_unit} if network.time_unit else {}
    return "time", as_grid(times), {"long_name": "time", **unit}


# What the continuous methods refuse of a network, by name.

_EXACT = "use method 'direct'"


def refuse_for_flow(network: Network, method: str) -> None:
    """Refuse what rate equations, with or without linear noise, do not take."""
    structure = network.structure
    refuse_empty_and_events(structure, method)
    if method != "mean_field":
        refuse_effects(structure, method)
    found = nonlinear_effect(structure)
    if found is not None:
        r, species = found
        raise SimulationError(
            f"reaction '{structure.reactions[r]}' sets '{species}' by an effect that is not linear in the counts, "
            f"so that its mean is not known to method '{method}'; {_EXACT}"
        )
    for kind, values in (("parameter", network.parameters), ("species", network.initial)):
        for name, value in values.items():
            if is_distribution(value):
                raise SimulationError(
                    f"{kind} '{name}' is a distribution, and method '{method}' has no trajectories to draw it for; "
                    f"give a number, or a batch of drawn values in parameters="
                )


def refuse_for_langevin(network: Network) -> None:
    """Refuse what the Langevin equation does not take."""
    refuse_empty_and_events(network.structure, "langevin")
    refuse_effects(network.structure, "langevin")


def refuse_empty_and_events(structure: Structure, method: str) -> None:
    """Refuse a network without reactions, and state-triggered events."""
    if not structure.reactions:
        raise SimulationError(f"the network has no reactions, and method '{method}' would have nothing to do")
    if structure.events:
        raise SimulationError(
            f"method '{method}' does not follow the event '{structure.events[0]}', which whole counts trigger; {_EXACT}"
        )
    _refuse_variables(structure, method)


def refuse_for_leaps(structure: Structure, method: str) -> None:
    """Refuse what tau-leaping does not follow: moments at which triggers switch, and variables."""
    for event in structure.events:
        if event.timed.switches:
            raise SimulationError(f"method '{method}' does not meet the moment of the event '{event}'; {_EXACT}")
    _refuse_variables(structure, method)


def _refuse_variables(structure: Structure, method: str) -> None:
    if structure.variables:
        raise SimulationError(f"method '{method}' does not keep the variable '{structure.variables[0]}'; {_EXACT}")


def refuse_effects(structure: Structure, method: str) -> None:
    """Refuse effects: jumps of the size of a population have no small-noise limit."""
    for reaction in structure.reactions:
        if reaction.effects:
            raise SimulationError(
                f"reaction '{reaction}' sets species by an effect, and method '{method}' takes only changes by "
                f"a fixed number of molecules; use method 'direct' or 'mean_field'"
            )


_MOST_TRAJECTORIES = 1 << 32
_MOST_EVENTS = (1 << 32) - 2
MOST_TRIGGERS = 32
BACKENDS = ("native", "xla")
_TOLERANCE = 0.03  # of Cao, Gillespie & Petzold 2006


@dataclass(frozen=True, kw_only=True)
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


def whole_number(value: float | int) -> Any:
    """Return a float that is whole, such as 1e6, as an int, and anything else as it is.

    Examples
    --------
    >>> whole_number(1e6), whole_number(2.5)
    (1000000, 2.5)
    """
    return int(value) if isinstance(value, (float, np.floating)) and float(value).is_integer() else value


def check_request(request: Request) -> None:
    """Refuse, in one sentence, what no network could be simulated with."""
    refuse_foreign_arguments(request)
    if request.keep not in (None, "trajectories"):
        raise SimulationError(f"keep={request.keep!r} is unknown; give None or 'trajectories'")
    if request.precision not in ("auto", "float32", "float64"):
        raise SimulationError(f"precision={request.precision!r} is unknown; give 'auto', 'float32' or 'float64'")
    if request.backend not in (None, *BACKENDS):
        raise SimulationError(f"backend={request.backend!r} is unknown; leave it out, or give 'native' or 'xla'")
    _whole("trajectories", request.trajectories, 1, _MOST_TRAJECTORIES)
    _whole("first", request.first, 0, _MOST_TRAJECTORIES * 7)
    _whole("cells", request.cells, 0, 1 << 16)
    if request.chunk is not None:
        _whole("chunk", request.chunk, 1, 1 << 30)
    if request.max_events is not None:
        _whole("max_events", request.max_events, 1, _MOST_EVENTS)
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


def _whole(name: str, value: float | int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise SimulationError(f"{name} is {value!r}; give a whole number from {least} to {most}")


def prepare(network: Network, request: Request, backend: str) -> tuple[Program, Inputs]:
    """Return the program of a network and its numbers; the range of trajectories is filled in per call."""
    grid = checked_times(request.times, request.start)
    parameters, initial, variables = parameter_leaves(network), initial_leaves(network), variable_leaves(network)
    timeline = cells_of_time(network, request, float(grid[-1]))
    rates = RateAnalysis(network, timeline)
    rates.refuse_bad_start()
    program = _program(rates, request, grid, backend)
    inputs = Inputs(
        seed=seed_words(request.seed),
        point=np.uint32(0),
        first_low=np.uint32(0),
        first_high=np.uint32(0),
        size=np.int32(0),
        max_events=np.uint32(request.max_events or _MOST_EVENTS),
        parameters=parameters,
        initial=initial,
        variables=variables,
        timeline=Timeline(*(np.asarray(part, np.float64) for part in timeline)),
        times=grid,
        tolerance=np.float64(request.tolerance or _TOLERANCE),
        step=np.float64(np.inf if request.step is None else request.step),
    )
    return program, inputs._replace(tables=program.stepper.tables(network, inputs))


def _program(rates: RateAnalysis, request: Request, grid: np.ndarray, backend: str) -> Program:
    network, structure, timeline, leaves = rates.network, rates.structure, rates.timeline, rates.leaves
    if not structure.reactions and not structure.events:
        raise SimulationError("the network has no reactions; nothing would happen")
    if len(structure.events) > MOST_TRIGGERS:
        raise SimulationError(f"the network has {len(structure.events)} events; at most {MOST_TRIGGERS} are followed")
    moved = np.any((timeline.multiply != 1) | (timeline.add != 0), axis=0)
    given = request.schedule.names if request.schedule is not None else ()
    dosed = tuple(name for s, name in enumerate(structure.species) if moved[s] or name in given)
    cells = bool(timeline.base.shape[0] > 1 or dosed or leaves or structure.events or plan_changes(structure).slow)
    leaps = request.method in VARIANTS
    if leaps:
        refuse_for_leaps(structure, request.method)
    cells = cells or bool(structure.variables)
    sampled = sampled_names(network.parameters)
    checked_rates = rates.unsigned
    precision = choose_precision(network, timeline, leaves, request.precision, leaps, bool(dosed))
    plain = not (sampled or checked_rates) and precision.name == "float32"
    stepper = choose_stepper(structure, request.method, request.step is not None, cells, plain)
    size = call_size(request, grid.size, len(structure.species))
    kept = size or 0 if request.keep == "trajectories" else 0
    saving = saving_for(grid.size, len(structure.species), stepper)
    if structure.variables and saving is Saving.CROSSING:  # which writes rows of counts
        saving = Saving.EVERY_EVENT
    if leaps and saving is Saving.EVERY_EVENT:  # a leap ends at a save time, so crossings are few
        saving = Saving.CROSSING
    return Program(
        structure=structure,
        sampled_parameters=sampled,
        sampled_species=sampled_names(network.initial),
        stepper=stepper,
        dosed=dosed,
        checked_rates=checked_rates,
        checked_counts=rates.counts_may_leave(bool(dosed)),
        passages=passage_conditions(structure, request.passages),
        statistics=chosen_statistics(structure, request, grid.size),
        times=grid.size,
        uniform_times=is_uniform(grid),
        saving=saving,
        lanes=lane_count(len(structure.species), grid.size, request.trajectories, backend, stepper),
        kept=kept,
        precision=precision.name,
        ranges=precision.ranges,
        reason=precision.reason,
    )


# Warn of what a request says without effect: it is likely to be a slip, and the result would not show it.

SHOWN = 3


def warn_of_no_effect(network: Network, request: Request) -> None:
    """Warn, in one sentence each, of parameters that nothing reads, inputs without doses and doses after the end."""
    for sentence in (*_parameters(network, request), *_inputs(network, request), *_doses(request)):
        warnings.warn(sentence, NoEffectWarning, stacklevel=4)  # the caller of js.simulate


def _parameters(network: Network, request: Request) -> Iterator[str]:
    structure, read = network.structure, set[str]()
    for reaction in structure.reactions:
        read |= names(reaction.rate).union(*(names(value) for _, value in reaction.effects))
    for event in structure.events:
        read |= names(event.trigger).union(*(names(value) for _, value in event.set))
    for _, value in structure.observables:
        read |= names(value)
    for condition in request.passages.values():
        read |= names(parse(condition)) if isinstance(condition, str) else set()
    unread = [name for name in network.parameters if name not in read]
    if unread:
        more = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
        shown = ", ".join(f"'{name}'" for name in unread[:SHOWN])
        yield f"no rate, event or observable reads the parameter{'s' if len(unread) > 1 else ''} {shown}{more}"


def _inputs(network: Network, request: Request) -> Iterator[str]:
    dosed = [name for name, value in network.inputs.items() if not isinstance(value, (int, float, np.number))]
    if request.schedule is None and dosed:
        yield (
            f"the input '{dosed[0]}' stays at its baseline, since no schedule doses it; "
            f"give schedule=js.Schedule({dosed[0]}=...), or schedule=js.Schedule() if that is meant"
        )


def _doses(request: Request) -> Iterator[str]:
    if request.schedule is None:
        return
    end = float(as_grid(request.times)[-1])
    for agent, entries in request.schedule.items():
        late = [time for entry in entries for time in entry.starts(np) if time > end]
        if late:
            yield f"the dose of '{agent}' at {late[0]:g} h comes after the end at {end:g} and changes nothing"
