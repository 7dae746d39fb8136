"""Run one case: read its model, simulate, judge; what is out once is looked at again with another seed."""

import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from jaxsim.ensemble import simulate
from jaxsim.errors import FormatError, JaxsimError, SimulationWarning
from jaxsim.formats.conformance.case import Case, load_case
from jaxsim.formats.conformance.judgement import ALLOWED, Judgement, Points, judge
from jaxsim.formats.read import inspect_file
from jaxsim.formats.reading import Reading
from jaxsim.network import Binary, Call, Compare, Expression, Name, Network, Number
from jaxsim.network.expression import fold
from jaxsim.network.randomness import RANDOM

OTHER_SEED = 1_000_003  # added for the second run
COMMON = 0  # points that may be out in both of two independent runs


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    case
        Its name.
    verdict
        ``pass``; ``pass (again)`` if a second seed did not confirm the points that were out; ``FAIL``; ``refused``.
    judgement
        Of the first run; None where there was none.
    seconds, compile_seconds
        Wall time in all, and of that compiling.
    remark
        Why, where the verdict is not plainly ``pass``.
    """

    case: str
    verdict: str
    judgement: Judgement | None
    seconds: float
    compile_seconds: float = 0.0
    remark: str = ""

    @property
    def passed(self) -> bool:
        """Whether the case is passed."""
        return self.verdict.startswith("pass")


def run_case(folder: Path, name: str, runs: int, seed: int = 1, precision: str = "auto") -> Outcome:
    """Run a case and judge it.

    Raises
    ------
    FormatError
        If the folder does not hold the case.
    """
    case, began = load_case(folder, name), time.perf_counter()
    reading = inspect_file(case.model)
    try:
        case = with_medians(case, reading)
        network = with_outputs(case, reading)
        results, compiling = _simulate(case, network, runs, seed, precision)
        first = judge(case, results, runs)
        verdict, remark = "pass", case.remark
        if case.medians:
            remark = f"median of {', '.join(sorted(case.medians))}, whose law has no mean"
        if first.number_out > ALLOWED:
            again, more = _simulate(case, network, runs, seed + OTHER_SEED, precision)
            second = judge(case, again, runs)
            common, compiling = first.both(second), compiling + more
            verdict = "FAIL" if common > COMMON or second.number_out > ALLOWED else "pass (again)"
            remark = f"{first.number_out} points out, {second.number_out} with another seed, {common} of them the same"
    except (JaxsimError, SimulationWarning) as error:
        return Outcome(name, "refused", None, time.perf_counter() - began, remark=str(error))
    return Outcome(name, verdict, first, time.perf_counter() - began, compiling, remark)


def with_medians(case: Case, reading: Reading) -> Case:
    """Return the case with the outputs of which the median is judged: of a law without a mean, truncated nowhere."""
    endless = any(_is_endless(value) for event in reading.or_refuse().structure.events for _, value in event.set)
    return replace(case, medians=case.without_deviation) if endless else case


def _is_endless(expression: Expression) -> bool:
    """Return whether a value is drawn from the Cauchy law without ends; with one end its mean is infinite."""

    def visit(node: Expression, below: list[bool]) -> bool:
        drawn = isinstance(node, Call) and node.function == "random_cauchy"
        return any(below) or (drawn and len(node.children) == len(RANDOM["random_cauchy"]))

    return fold(expression, visit)


def with_outputs(case: Case, reading: Reading) -> Network:
    """Return the network with an observable for each output that is no species of it.

    Raises
    ------
    FormatError
        If the model cannot be read, or has no such quantity.
    """
    network = reading.or_refuse()
    added = {}
    for index, output in enumerate(case.outputs):
        expression = _expression(case, reading, output)
        if output in case.medians:
            expression = _above(expression, float(case.expected[f"{output}-mean"][-1]))
        added[observable_name(index)] = expression
    structure = network.structure
    return Network(
        network.initial,
        structure.reactions,
        network.parameters,
        {**dict(structure.observables), **added},
        events=structure.events,
        variables=network.variables,
        name=network.name,
    )


def observable_name(index: int) -> str:
    """Return the name under which output `index` of a case is simulated."""
    return f"output_of_case_{index}"


def named_expression(model: Path, reading: Reading, identifier: str) -> Expression:
    """Return the name in the network of a quantity that a case asks for: the amount of a species.

    Raises
    ------
    FormatError
        If the model has no such quantity.
    """
    name, structure = reading.names.get(identifier, identifier), reading.or_refuse().structure
    if name not in {*structure.species, *structure.variables, *dict(structure.observables), *structure.parameters}:
        raise FormatError(str(model), [f"has no quantity '{identifier}', which the case asks for"])
    return Name(name)


def _expression(case: Case, reading: Reading, output: str) -> Expression:
    logarithm = output.startswith("ln(") and output.endswith(")")
    identifier = output[3:-1] if logarithm else output
    value = named_expression(case.model, reading, identifier)
    if identifier in case.concentrations:
        if identifier not in reading.volumes:
            raise FormatError(str(case.model), [f"has no volume for the concentration of '{identifier}'"])
        value = Binary("/", value, reading.volumes[identifier])
    if logarithm:  # the suite writes 0 for the logarithm of the 0 that a model starts at
        return Call("if", (Compare("==", value, Number(0.0)), Number(0.0), Call("log", (value,))))
    return value


def _above(value: Expression, median: float) -> Expression:
    """Return whether a value is above the median, one half at it."""
    both = [Compare(op, value, Number(median)) for op in (">", ">=")]
    one, zero = Number(1.0), Number(0.0)
    parts = [Call("if", (condition, one, zero)) for condition in both]
    return Binary("/", Binary("+", *parts), Number(2.0))


def _simulate(case: Case, network: Network, runs: int, seed: int, precision: str) -> tuple[Points, float]:
    """Return mean and standard deviation of every column of the case, and the seconds of compiling."""
    grid = case.start + case.duration * np.arange(case.steps + 1) / case.steps
    rows = [int(np.argmin(np.abs(grid - t))) for t in case.times]
    if np.max(np.abs(grid[rows] - case.times)) > 1e-6 * max(case.duration, 1.0):
        raise FormatError(case.name, ["has expected times that are not on its grid"])
    with warnings.catch_warnings():
        warnings.simplefilter("error", SimulationWarning)
        data: Any = simulate(
            network, times=grid, trajectories=runs, seed=seed, start=case.start, precision=precision, progress=False
        )
    means, variances = (data[f"observable_{kind}"].values[rows] for kind in ("mean", "variance"))
    labels = list(data["observable"].values)
    found: dict[str, Float64[np.ndarray, " time"]] = {}
    for index, output in enumerate(case.outputs):
        column = labels.index(observable_name(index))
        found[f"{output}-mean"], found[f"{output}-sd"] = means[:, column], np.sqrt(variances[:, column])
    return found, float(data.attrs["compile_seconds"])
