"""Run a case of the semantic suite: by rate equations, or exactly where a model has nothing but the time."""

import re
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxsim.ensemble import simulate
from jaxsim.ensemble.rate_equations import FlowCase, solve_flows
from jaxsim.errors import FormatError, JaxsimError, SimulationWarning
from jaxsim.formats.conformance.runner import named_expression, observable_name
from jaxsim.formats.conformance.semantic import Courses, ReferenceCourse, WrongPoints, load_course, wrong_points
from jaxsim.formats.read import inspect_file
from jaxsim.formats.reading import FormatProblem, Reading
from jaxsim.formats.sbml.reader import read_sbml
from jaxsim.kernels import Status
from jaxsim.network import Binary, Expression, Network, Number, Reaction

_SHARE = 1e-3  # of the tolerances of a case, for a step of the solver
_LEAST = 1e-13  # tolerance that the solver takes


@dataclass(frozen=True)
class Verdict:
    """What became of a case.

    Attributes
    ----------
    case
        Its name.
    verdict
        ``right``, ``WRONG`` or ``refused``.
    method
        By which it was run, empty if it was not.
    points, wrong
        Values compared, and of these beyond the tolerances.
    seconds
        Wall time in all.
    remark
        Why, where it is not right.
    """

    case: str
    verdict: str
    method: str
    points: int
    wrong: int
    seconds: float
    remark: str = ""
    reason: str = ""
    """Why it is refused, without the names and numbers of the case, by which refusals are counted."""


def run_course(folder: Path, name: str) -> Verdict:
    """Run a case and judge it."""
    began, method = time.perf_counter(), ""
    try:
        case = load_course(folder, name)
        with warnings.catch_warnings():
            warnings.simplefilter("error", SimulationWarning)
            method, found = _solve(case)
    except (JaxsimError, SimulationWarning) as error:
        return Verdict(name, "refused", method, 0, 0, time.perf_counter() - began, str(error), reason_of(error))
    wrong = wrong_points(case, found)
    count = int(sum(np.sum(points) for points in wrong.values()))
    points = int(sum(points.size for points in wrong.values()))
    remark = _worst(case, found, wrong) if count else ""
    return Verdict(name, "WRONG" if count else "right", method, points, count, time.perf_counter() - began, remark)


def reason_of(error: Exception) -> str:
    """Return the first problem of a refusal, without names and numbers.

    Examples
    --------
    >>> reason_of(FormatError("m.xml", ["the stoichiometry of 'A' is 0.5; give a whole number"]))
    "the stoichiometry of '...' is N"
    """
    problem = error.problems[0] if isinstance(error, FormatError) else error
    why = problem.why if isinstance(problem, FormatProblem) else str(problem)
    place = problem.place.partition(" '")[0] + ": " if isinstance(problem, FormatProblem) and problem.place else ""
    bare = re.sub(r"'[^']*'", "'...'", place + why)
    return re.sub(r"\b\d[\d.]*(?:e[+-]?\d+)?\b", "N", bare).partition(";")[0]


def _worst(case: ReferenceCourse, found: Courses, wrong: WrongPoints) -> str:
    output = next(output for output, points in wrong.items() if np.any(points))
    first = int(np.argmax(wrong[output]))
    row = case.rows[first]
    value, expected = found[output][row], case.expected[output][first]
    return f"{output} at {case.times[row]:g} is {value:.9g} instead of {expected:.9g}"


def _solve(case: ReferenceCourse) -> tuple[str, Courses]:
    """Return the method and the values of every output on the grid."""
    reading = inspect_file(case.model)
    if reading.network is not None and reading.network.structure.events and not _has_reactions(reading.network):
        return "direct", _followed(case, _with_outputs(case, reading))
    reading = read_sbml(case.model, real=True)
    return "mean_field", _flow(case, _with_outputs(case, reading), reading)


def _has_reactions(network: Network) -> bool:
    return any(any(reaction.changes.values()) or reaction.effects for reaction in network.structure.reactions)


def _with_outputs(case: ReferenceCourse, reading: Reading) -> Network:
    """Return the network with an observable for each output of the case."""
    network = reading.or_refuse()
    structure = network.structure
    outputs = {observable_name(index): _output(case, reading, output) for index, output in enumerate(case.expected)}
    return Network(
        network.initial,
        structure.reactions or [Reaction({}, {structure.species[0]: 1}, Number(0.0))],  # one that never fires
        network.parameters,
        {**dict(structure.observables), **outputs},
        events=structure.events,
        variables=network.variables,
    )


def _output(case: ReferenceCourse, reading: Reading, identifier: str) -> Expression:
    if identifier in reading.numbers:
        return Number(reading.numbers[identifier])
    value = named_expression(case.model, reading, identifier)
    concentration = identifier in case.concentrations or (
        identifier in reading.per_volume and identifier not in case.amounts
    )
    if not concentration:
        return value
    if identifier not in reading.volumes:
        raise FormatError(str(case.model), [f"has no volume for the concentration of '{identifier}'"])
    return Binary("/", value, reading.volumes[identifier])


def _followed(case: ReferenceCourse, network: Network) -> Courses:
    """Follow rules and events, of which nothing is random, on one trajectory."""
    data: Any = simulate(
        network, times=case.times, trajectories=1, start=case.times[0], precision="float64", progress=False
    )
    labels = list(data["observable"].values)
    values = data["observable_mean"].values
    return {output: values[:, labels.index(observable_name(index))] for index, output in enumerate(case.expected)}


def _flow(case: ReferenceCourse, network: Network, reading: Reading) -> Courses:
    """Solve the rate equations from the amounts of the file."""
    structure = network.structure
    initial = np.array([[reading.starts.get(name, 0.0) for name in structure.species]], np.float64)
    absolute, relative = (max(_SHARE * value, _LEAST) for value in (case.absolute, case.relative))
    found = solve_flows(
        [FlowCase(network, initial=initial)], case.times, start=case.times[0], rtol=min(relative, 1e-6), atol=absolute
    )
    status = Status(int(found.status[0, -1]))
    if not status.fine:
        raise FormatError(str(case.model), [f"has rate equations of which the solution {status.sentence}"])
    labels = [name for name, _ in structure.observables]
    return {
        output: found.observed[0, :, labels.index(observable_name(index))] for index, output in enumerate(case.expected)
    }
