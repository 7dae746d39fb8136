"""A study, ready to be simulated: the network, the design points and the request of every point."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from jaxsim.ensemble.methods import METHODS
from jaxsim.ensemble.request import Request, check
from jaxsim.errors import StudyError, closest
from jaxsim.network import Network
from jaxsim.study.decode import decode
from jaxsim.study.designs import Points, design_points
from jaxsim.study.model import study_network
from jaxsim.study.schedule import study_schedule
from jaxsim.study.schema import Grid, StudyFile
from jaxsim.study.sources import TABLE, Sources

SOLUTIONS = ("mean_field", "linear_noise")  # one solution of each design point, and no trajectories


@dataclass(frozen=True)
class Setup:
    """What a study file asks for, as the simulator takes it."""

    file: StudyFile
    network: Network
    points: Points
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


def read_setup(text: str | bytes, sources: Path | Sources, points: Points | None = None) -> Setup:
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


def setup_of(file: StudyFile, sources: Sources, points: Points | None = None) -> Setup:
    """Return the setup of a study file that has been decoded."""
    network = study_network(file, sources)
    request = _request(file, sources)
    check(request)
    _refuse_outputs(file, network)
    return Setup(file, network, points or _points(file, network, sources), request)


def _points(file: StudyFile, network: Network, sources: Sources) -> Points:
    design = file.design
    if design is not None and design.file is not None:
        design = msgspec.structs.replace(design, file=str(sources.file(TABLE, design.file)))
    return design_points(design, network, sources.folder)


def _request(file: StudyFile, sources: Sources) -> Request:
    given, wanted = file.simulation, file.statistics
    return Request(
        times=_times(given.times),
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


def _times(times: Any) -> np.ndarray:
    if not isinstance(times, Grid):
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
    if stop.time is not None and not np.any(_times(file.simulation.times) == stop.time):
        raise StudyError(f"'stop.time' is {stop.time:g}, which is none of the save times")
