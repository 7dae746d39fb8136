"""Set up a study: the network, the design points and the request of every point."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from jaxsim import models
from jaxsim.dosing import Dose, OneCompartment, Schedule, Set, TwoCompartment, every
from jaxsim.ensemble.automatic import Choice, choose_method, for_choice
from jaxsim.ensemble.methods import METHODS
from jaxsim.ensemble.request import Request, check_request
from jaxsim.errors import StudyError, closest
from jaxsim.network import Network
from jaxsim.random import Bernoulli, Lognormal, Normal, Poisson, Uniform
from jaxsim.study.designs import DesignPoints, design_points
from jaxsim.study.optimise_schema import ChosenFile
from jaxsim.study.schema import Given, GridDesign, Model, StudyFile, decode
from jaxsim.study.sources import MODEL, TABLE, Sources

# The inputs of a network that a study file writes out: numbers, or how a body handles a drug.


def read_inputs(given: dict[str, Any]) -> dict[str, Any]:
    """Return numbers and dispositions by name: with a ``peripheral_volume`` two compartments, else one.

    Examples
    --------
    >>> read_inputs({"drug": {"elimination_rate": 0.5, "volume": 2.0}, "light": 1.0})
    {'drug': OneCompartment(elimination_rate=0.5, volume=2.0), 'light': 1.0}
    """
    return {name: _input(f"model.inputs.{name}", value) for name, value in given.items()}


def _input(place: str, value: dict[str, Any] | float) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, dict):
        raise StudyError(f"'{place}' is neither a number nor a table; give elimination_rate and volume")
    made = TwoCompartment if "peripheral_volume" in value else OneCompartment
    known = inspect.signature(made).parameters
    for key in value:
        if key not in known:
            raise StudyError(f"'{place}' has the unknown key '{key}'{closest(key, known)}")
    try:
        return made(**value)
    except TypeError as error:
        raise StudyError(f"'{place}' cannot be read: {error}") from error


# Values of a study file: numbers, and distributions by name.

_LAWS: dict[str, type] = {
    "lognormal": Lognormal,
    "normal": Normal,
    "uniform": Uniform,
    "bernoulli": Bernoulli,
    "poisson": Poisson,
}


def read_values(section: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers as they are and tables with a `law` as distributions.

    Examples
    --------
    >>> read_values("parameters", {"k": 2, "cv": {"law": "lognormal", "median": 1.0, "cv": 0.3}})
    {'k': 2, 'cv': Lognormal(median=1.0, cv=0.3)}
    """
    return {name: _value(f"{section}.{name}", value) for name, value in given.items()}


def _value(place: str, value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if not isinstance(value, dict):
        raise StudyError(
            f"'{place}' is no number; give one, or a table such as {{law = 'lognormal', median = 1, cv = 0.3}}"
        )
    name = value.get("law")
    if not isinstance(name, str) or name not in _LAWS:
        raise StudyError(f"'{place}' has the law {name!r}{closest(str(name), _LAWS)}; choose from {', '.join(_LAWS)}")
    wanted = [field.name for field in fields(_LAWS[name])]
    found = {key: number for key, number in value.items() if key != "law"}
    if set(found) != set(wanted) or not all(_is_number(number) for number in found.values()):
        raise StudyError(f"'{place}' is a {name} law, which takes the numbers {', '.join(wanted)} and nothing else")
    return _LAWS[name](**found)


def _is_number(value: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# The network of a study: built in, written in the study file, read from a file, or made by the user's function.

BUILT_IN = ("cell", "organism")


def study_network(study: StudyFile | ChosenFile, sources: Sources) -> Network:
    """Return the network, with the study's parameters, initial counts and observables.

    Parameters
    ----------
    study
        The decoded file.
    sources
        Where the files and functions that it names are found.
    """
    network = _source(study.model, sources)
    if study.parameters:
        network = network.with_parameters(**read_values("parameters", study.parameters))
    if study.initial:
        network = network.with_initial(**read_values("initial", study.initial))
    extra = study.outputs.observables
    return network.with_observables(**extra) if extra else network


def _source(model: Model, sources: Sources) -> Network:
    given = [key for key in ("name", "file", "entry", "reactions") if getattr(model, key) is not None]
    if len(given) != 1:
        raise StudyError(
            f"the section [model] gives {' and '.join(given) or 'nothing'}; give one of name, file, entry and reactions"
        )
    if model.reactions is not None:
        if model.arguments:
            raise StudyError("'model.arguments' mean nothing to reactions; give species and parameters")
        species = read_values("model.species", model.species)
        parameters = read_values("model.parameters", model.parameters)
        return Network(species, model.reactions, parameters, inputs=read_inputs(model.inputs))
    if model.species or model.parameters or model.inputs:
        raise StudyError(
            "'model.species', 'model.parameters' and 'model.inputs' go with 'model.reactions'; use [initial] and "
            "[parameters]"
        )
    if model.file is not None:
        return _read(model, sources.file(MODEL, model.file))
    if model.name is not None:
        if model.name not in BUILT_IN:
            raise StudyError(
                f"there is no model '{model.name}'{closest(model.name, BUILT_IN)}; choose from {', '.join(BUILT_IN)}"
            )
        return _called(getattr(models, model.name), model, f"the model '{model.name}'")
    assert model.entry is not None
    found = _called(sources.function(model.entry), model, f"the entry point '{model.entry}'")
    if not isinstance(found, Network):
        raise StudyError(f"the entry point '{model.entry}' returns a {type(found).__name__}; return a js.Network")
    return found


def _called(function: Callable[..., Any], model: Model, text: str) -> Any:
    try:
        inspect.signature(function).bind(**model.arguments)
    except TypeError as error:
        raise StudyError(f"{text} does not take the arguments {sorted(model.arguments)}: {error}") from error
    return function(**model.arguments)


def _read(model: Model, path: Path) -> Network:
    if not path.is_file():
        raise StudyError(f"there is no model file '{path}'; give a path relative to the study file")
    read = import_module("jaxsim.formats").read
    network = _called(partial(read, path), model, f"the model file '{model.file}'")
    assert isinstance(network, Network)
    return network


# The doses of a study file as a Schedule.


def study_schedule(given: dict[str, Given | list[Given]]) -> Schedule | None:
    """Return the schedule, or None where nothing is given.

    Examples
    --------
    >>> study_schedule({"drug": Given(amount=10.0, every=24.0, count=3)})
    Schedule(
        drug=Dose(10, at=[0, 24, 48]),
    )
    """
    if not given:
        return None
    agents = {
        agent: [_entry(agent, one) for one in (entries if isinstance(entries, list) else [entries])]
        for agent, entries in given.items()
    }
    return Schedule(**agents)


def _entry(agent: str, one: Given) -> Dose | Set:
    if (one.amount is None) == (one.set is None):
        raise StudyError(f"'schedule.{agent}' gives neither or both of 'amount' and 'set'; give one of them")
    if one.set is not None:
        if one.unit or one.duration != 0.0:
            raise StudyError(f"'schedule.{agent}' sets a number of molecules, which has no unit and no duration")
        return Set(one.set, at=_dose_times(agent, one), time_unit=one.time_unit)
    return Dose(one.amount, one.unit, at=_dose_times(agent, one), duration=one.duration, time_unit=one.time_unit)


def _dose_times(agent: str, one: Given) -> Any:
    repeated = one.every is not None or one.count is not None
    if (one.at is None) != repeated:
        raise StudyError(f"'schedule.{agent}' needs either 'at' or both 'every' and 'count'")
    if not repeated:
        return one.at
    if one.every is None or one.count is None:
        raise StudyError(f"'schedule.{agent}' has only one of 'every' and 'count'; give both")
    return every(one.every, one.count, one.start).tolist()


SOLUTIONS = ("mean_field", "linear_noise")  # one solution of each design point, and no trajectories


@dataclass(frozen=True)
class Setup:
    """What a study file asks for, as the simulator takes it."""

    file: StudyFile
    network: Network
    points: DesignPoints
    request: Request

    @property
    def continuous(self) -> bool:
        """Whether the method has real states, and no event loop."""
        return METHODS[self.request.method].continuous

    def network_at(self, point: int) -> Network:
        """Return the network with the parameters of a design point."""
        values = dict(zip(self.points.names, self.points.values[point].tolist(), strict=True))
        return self.network.with_parameters(**values) if values else self.network

    @property
    def outputs(self) -> tuple[str, ...]:
        """The species whose results are kept."""
        return tuple(self.file.outputs.species or self.network.structure.species)


def read_setup(text: str | bytes, sources: Path | Sources, points: DesignPoints | None = None) -> Setup:
    """Return the setup of a study file, everything in it checked that can be before simulating.

    Parameters
    ----------
    text
        The study file, TOML.
    sources
        Where the files and functions that it names are found, or just the folder of the study file.
    points
        The design points, where they have been drawn before.
    """
    return setup_of(decode(text), sources if isinstance(sources, Sources) else Sources(sources), points)


def setup_of(file: StudyFile, sources: Sources, points: DesignPoints | None = None) -> Setup:
    """Return the setup of a study file that has been decoded."""
    network = study_network(file, sources)
    request = _request(file, sources)
    check_request(request)
    _refuse_outputs(file, network)
    return Setup(file, network, points or _points(file, network, sources), request)


def _points(file: StudyFile, network: Network, sources: Sources) -> DesignPoints:
    design = file.design
    if design is not None and design.file is not None:
        design = msgspec.structs.replace(design, file=str(sources.file(TABLE, design.file)))
    return design_points(design, network, sources.folder)


def _request(file: StudyFile, sources: Sources) -> Request:
    given, wanted = file.simulation, file.statistics
    return Request(
        times=_save_times(given.times),
        trajectories=1 if given.method in SOLUTIONS else given.trajectories,
        seed=file.study.seed,
        schedule=study_schedule(file.schedule),
        method=given.method,
        start=given.start,
        max_events=given.max_events,
        precision=given.precision,
        cells=given.cells,
        covariance=wanted.covariance,
        histograms={name: tuple(bins) if isinstance(bins, list) else bins for name, bins in wanted.histograms.items()},
        quantiles=tuple(wanted.quantiles),
        passages=dict(wanted.passages),
        reductions={name: sources.function(entry) for name, entry in wanted.reductions.items()},
        rtol=given.rtol,
        atol=given.atol,
        tolerance=given.tolerance,
        step=given.step,
        backend=given.backend,
    )


def _save_times(times: Any) -> np.ndarray:
    if not isinstance(times, GridDesign):
        return np.atleast_1d(np.asarray(times, np.float64))
    span = times.stop - times.start
    number = round(span / times.step)
    if span <= 0 or abs(number * times.step - span) > 1e-9 * span:
        raise StudyError(
            f"the times from {times.start:g} to {times.stop:g} are no whole number of steps of {times.step:g} apart; "
            f"give another 'simulation.times.step'"
        )
    if number > 1_000_000:
        raise StudyError(f"there are {number} save times; give a longer 'simulation.times.step'")
    return np.linspace(times.start, times.stop, number + 1)


def _refuse_outputs(file: StudyFile, network: Network) -> None:
    structure = network.structure
    for name in file.outputs.species or ():
        if name not in structure.species:
            raise StudyError(f"'outputs.species' names '{name}', no species{closest(name, structure.species)}")
    for name, bins in file.statistics.histograms.items():
        if isinstance(bins, list) and len(bins) not in (2, 3):
            raise StudyError(f"the histogram of '{name}' is {bins}; give [low, high] or [low, high, width]")
    stop = file.stop
    if stop is None:
        return
    known = (*structure.species, *(name for name, _ in structure.observables))
    if stop.output not in known:
        raise StudyError(f"'stop.output' is '{stop.output}', no species or observable{closest(stop.output, known)}")
    if (stop.half_width is None) == (stop.relative is None):
        raise StudyError("the section [stop] gives neither or both of 'half_width' and 'relative'; give one of them")
    if METHODS[file.simulation.method].continuous:
        raise StudyError(f"the method '{file.simulation.method}' has no stopping rule; leave the section [stop] out")
    if stop.time is not None and not np.any(_save_times(file.simulation.times) == stop.time):
        raise StudyError(f"'stop.time' is {stop.time:g}, which is none of the save times")


# The method of a study: the one it names, or for ``auto`` the one that was chosen when its store was made.


def settle_method(setup: Setup, platform: str, known: dict[str, Any] | None = None) -> tuple[Setup, dict[str, str]]:
    """Return the setup with the method that is run, and what the manifest notes about it.

    Parameters
    ----------
    setup
        As read from the study file.
    platform
        Of the devices.
    known
        What a manifest has noted, for a store that exists: a choice is made once.
    """
    if setup.request.method != "auto":
        return setup, {"method": setup.request.method, "method_reason": "named in the study file"}
    if known is None:
        chosen = choose_method(_Networks(setup), setup.request, platform)
    else:
        chosen = Choice(known["method"], known["method_reason"])
    noted = {"method": chosen.method, "method_reason": chosen.reason}
    return replace(setup, request=for_choice(setup.request, chosen)), noted


class _Networks(Sequence[Network]):
    """The networks of all design points, each made when it is looked at."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def __len__(self) -> int:
        return len(self.setup.points.values)

    def __getitem__(self, point: Any) -> Any:
        return self.setup.network_at(int(point))


def settle_backend(setup: Setup, known: dict[str, Any]) -> Setup:
    """Return the setup with the backend that a store was begun on, since bits differ between backends."""
    return replace(setup, request=replace(setup.request, backend=known.get("backend", "xla")))
