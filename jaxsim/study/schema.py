"""Schema of a study file: its sections and keys, with their types. Decoding refuses everything else."""

import math
import re
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from jaxsim._files import read_regular
from jaxsim.errors import StudyError, closest

Count = Annotated[int, Meta(ge=1, le=1 << 32)]
Positive = Annotated[float, Meta(gt=0)]
Probability = Annotated[float, Meta(gt=0, lt=1)]
Values = dict[str, Any]
"""Name to a number, or to a distribution such as ``{law = "lognormal", median = 2.0, cv = 0.3}``."""


class About(msgspec.Struct, forbid_unknown_fields=True):
    """``[study]``: what it is called, and the seed of all random numbers."""

    name: str = "study"
    """Of the study, for reports."""
    description: str = ""
    """Free text, for reports."""
    seed: Annotated[int, Meta(ge=0)] = 0
    """Of all random numbers."""


class Model(msgspec.Struct, forbid_unknown_fields=True):
    """``[model]``: exactly one of `name`, `file`, `entry` and `reactions`."""

    name: str | None = None
    """A built-in model of ``js.models`` that returns a network, such as ``cell`` or ``organism``."""
    file: str | None = None
    """An SBML, BioNetGen ``.net`` or Antimony file, relative to the study file."""
    entry: str | None = None
    """``module:function`` that returns a network; the module lies beside the study file, or is one the user trusts."""
    arguments: dict[str, Any] = {}
    """Arguments of the built-in model or of the function."""
    reactions: list[str] | None = None
    """Reactions as ``js.Network`` takes them, for a model written in the study file itself."""
    species: Values = {}
    """Name to the count at the start, or to a distribution."""
    parameters: Values = {}
    """Name to a number, or to a distribution."""
    inputs: dict[str, Any] = {}
    """Name to a number, or to the arguments of ``js.OneCompartment`` or ``js.TwoCompartment``."""


class Axis(msgspec.Struct, forbid_unknown_fields=True):
    """``[design.parameters.NAME]``: the values of one parameter, or its range."""

    values: list[float] | None = None
    """The values themselves."""
    low: float | None = None
    """Lowest value."""
    high: float | None = None
    """Highest value."""
    scale: str = "linear"
    """``linear`` or ``log``."""
    points: Count | None = None
    """How many values of a grid, both ends included."""


class Design(msgspec.Struct, forbid_unknown_fields=True):
    """``[design]``: which values the parameters take."""

    kind: str
    """``grid``, ``latin hypercube``, ``sobol``, ``sensitivity``, ``table`` or ``virtual population``."""
    points: Count | None = None
    """How many design points; a grid has those of its axes."""
    seed: Annotated[int, Meta(ge=0)] = 0
    """Of the values of a design that is drawn."""
    file: str | None = None
    """Of a ``table``: a CSV file whose columns are parameters."""
    parameters: dict[str, Axis] = {}
    """Name to its values or its range."""


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of ``[schedule]``: doses of an agent, or settings of a species."""

    amount: float | list[float] | None = None
    """Of a dose, or of each."""
    set: float | list[float] | None = None
    """What a species is set to, instead of a dose."""
    unit: str = ""
    """Of the amount, such as ``mg/kg``; that of the rates if empty."""
    at: float | list[float] | None = None
    """When, or at which times."""
    every: Positive | None = None
    """Instead of `at`: the time between doses."""
    count: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """With `every`: how many doses."""
    start: float = 0.0
    """With `every`: when the first is given."""
    duration: float | list[float] = 0.0
    """Of an infusion; 0 is a bolus."""
    time_unit: str = "h"
    """Of all times of this entry."""


class GridDesign(msgspec.Struct, forbid_unknown_fields=True):
    """Save times at equal distances, both ends included."""

    stop: float
    """The last time."""
    step: Positive
    """The distance."""
    start: float = 0.0
    """The first time."""


class Simulation(msgspec.Struct, forbid_unknown_fields=True):
    """``[simulation]``: the arguments of ``js.simulate``, and how many trajectories of each design point."""

    times: GridDesign | list[float] | float
    """Save times: a list, one time, or a grid."""
    trajectories: Count = 1000
    """Of each design point, at most."""
    method: str = "direct"
    """How to simulate."""
    precision: str = "auto"
    """Of rates: ``auto``, ``float32`` or ``float64``."""
    start: float = 0.0
    """When trajectories begin."""
    max_events: Annotated[int, Meta(ge=1, le=(1 << 32) - 2)] | None = None
    """After how many draws a trajectory is stopped."""
    cells: Annotated[int, Meta(ge=0, le=1 << 16)] = 64
    """Cells of time for thinning."""
    tolerance: float | None = None
    """Of leaps."""
    step: float | None = None
    """Of leaps or Langevin steps, fixed."""
    rtol: float | None = None
    """Relative tolerance of rate equations."""
    atol: float | None = None
    """Absolute tolerance of rate equations, in molecules."""
    backend: str | None = None
    """``native`` or ``xla``; chosen if not given."""
    chunk: Annotated[int, Meta(ge=1, le=1 << 30)] | None = None
    """Trajectories per chunk, over all its design points: what is committed at once."""


class Outputs(msgspec.Struct, forbid_unknown_fields=True):
    """``[outputs]``: observables beside those of the model, and which species the results keep."""

    observables: dict[str, str] = {}
    """Name to an expression."""
    species: list[str] | None = None
    """Which species the results keep; all if not given."""


class Statistics(msgspec.Struct, forbid_unknown_fields=True):
    """``[statistics]``: what is wanted beside mean and variance."""

    covariance: bool = False
    """Whether the covariance of species is kept."""
    quantiles: list[Probability] = []
    """Probabilities."""
    histograms: dict[str, int | list[int]] = {}
    """Species to the number of bins, or to low and high, or to low, high and width."""
    passages: dict[str, str] = {}
    """Name to a condition on the state, of which the first moment is recorded."""
    reductions: dict[str, str] = {}
    """Name to ``module:function`` of the states of one trajectory."""


class Stop(msgspec.Struct, forbid_unknown_fields=True):
    """``[stop]``: when a design point has trajectories enough; `trajectories` remains the most it may take."""

    output: str
    """A species or observable."""
    half_width: Positive | None = None
    """Of the 95 % interval of its mean."""
    relative: Positive | None = None
    """The same over the mean."""
    time: float | None = None
    """At which save time; the last if not given."""
    every: Count | None = None
    """After how many trajectories the rule is looked at."""


class StudyFile(msgspec.Struct, forbid_unknown_fields=True):
    """A whole study file."""

    model: Model
    """Which network."""
    simulation: Simulation
    """How it is simulated."""
    study: About = msgspec.field(default_factory=About)
    """Name and seed."""
    parameters: Values = {}
    """Name to a number or distribution that replaces the model's."""
    initial: Values = {}
    """Species to a count at the start that replaces the model's."""
    design: Design | None = None
    """Which values parameters take; one point if not given."""
    schedule: dict[str, Given | list[Given]] = {}
    """Agent to its dose or doses."""
    outputs: Outputs = msgspec.field(default_factory=Outputs)
    """What is kept of the state."""
    statistics: Statistics = msgspec.field(default_factory=Statistics)
    """What is wanted beside mean and variance."""
    stop: Stop | None = None
    """When a design point has trajectories enough."""


# Read a study file strictly: what is unknown, of the wrong type or not finite is refused in one sentence.

File = TypeVar("File")

MOST_CHARACTERS = 1_000_000
_MOST_BYTES = 16 << 20  # of the file
MOST_DOTS = 200  # in one key: the standard library's reader takes quadratic time
_DEEPEST = 32  # levels of nesting; a study file needs five
#: What msgspec says, and what the author of a study file understands; the order matters.
_WORDS = {
    "Object missing required field": "the section lacks the key",
    " | null": "", "array": "list", "object": "table", "float": "number", "int | number": "number",
    "int": "whole number", "str": "text", "bool": "true or false", "`": "'",
}  # fmt: skip


def study_text(path: Path) -> str:
    """Return the text of a study file.

    Raises
    ------
    StudyError
        If it cannot be read; a pipe or a device, which might never end, is not tried.

    Examples
    --------
    >>> study_text(Path("nowhere.toml"))
    Traceback (most recent call last):
    jaxsim.errors.StudyError: the study file 'nowhere.toml' cannot be read (No such file or directory); give a ...
    """
    if path.is_dir():
        raise StudyError(f"'{path}' is a folder; give a study file (TOML), or go on with a store by 'jaxsim resume'")
    try:
        return read_regular(path, _MOST_BYTES).decode()
    except UnicodeDecodeError as error:
        raise StudyError(f"the study file '{path}' is no text; give a TOML file in UTF-8") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise StudyError(f"the study file '{path}' cannot be read ({why}); give a TOML file in UTF-8") from error


def decode(text: str | bytes) -> StudyFile:
    """Return what a study file says.

    Parameters
    ----------
    text
        The file's content, TOML.

    Raises
    ------
    StudyError
        In one sentence, naming the key and, for an unknown one, the nearest that exists.

    Examples
    --------
    >>> study = decode('''
    ... [model]
    ... name = "cell"
    ... [simulation]
    ... times = {stop = 96.0, step = 2.0}
    ... ''')
    >>> study.model.name, study.simulation.trajectories
    ('cell', 1000)
    >>> decode('[model]\\nnmae = "cell"\\n[simulation]\\ntimes = 1.0')
    Traceback (most recent call last):
    jaxsim.errors.StudyError: the study file has the unknown key 'model.nmae'; did you mean 'name'?
    """
    return decode_as(text, StudyFile)


def decode_as(text: str | bytes, kind: type[File]) -> File:
    """Return what a file of another kind says, as strictly."""
    table = parsed(text)
    _refuse_unknown(table, kind, "")
    _refuse_odd_numbers(table)
    try:
        return msgspec.convert(table, kind, strict=True)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise StudyError(_sentence(str(error))) from error


def parsed(text: str | bytes) -> dict[str, Any]:
    """Return a TOML document as nested tables, neither very long nor very deep."""
    if len(text) > MOST_CHARACTERS:
        raise StudyError(f"the study file has {len(text)} characters; put tables of values into a CSV file")
    try:
        read = text.decode() if isinstance(text, bytes) else text
        _refuse_long_keys(read)
        return tomllib.loads(read)
    except RecursionError as error:
        raise StudyError("the study file nests its tables too deeply to be read") from error
    except StudyError:
        raise
    except ValueError as error:
        raise StudyError(f"the study file is no TOML: {_one_line(str(error))}") from error


def _refuse_long_keys(text: str) -> None:
    for number, line in enumerate(text.splitlines()):
        if line.count(".") > MOST_DOTS:
            longest = max(piece.count(".") for piece in re.split("[,={}]", line.replace(" ", "").replace("\t", "")))
            if longest > MOST_DOTS:
                raise StudyError(f"line {number + 1} of the study file has a key of {longest + 1} parts; shorten it")


def _refuse_unknown(value: Any, kind: Any, place: str) -> None:
    """Refuse keys that no section has, wherever a section is expected."""
    section = _section(kind)
    if isinstance(value, dict) and section is not None:
        known = {field.encode_name: field.type for field in msgspec.structs.fields(section)}
        for key, inner in value.items():
            if key not in known:
                guess = closest(key, known) or f"; choose from {', '.join(known)}"
                raise StudyError(f"the study file has the unknown key '{_shown(place + key)}'{guess}")
            _refuse_unknown(inner, known[key], f"{place}{key}.")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unknown(inner, _inside(kind, dict), f"{place}{key}.")
    elif isinstance(value, list):
        for inner in value:
            _refuse_unknown(inner, _inside(kind, list), place)


def _section(kind: Any) -> Any:
    return next((k for k in _options(kind) if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


def _inside(kind: Any, container: type) -> Any:
    """Return the type of what a table or an array of this type holds."""
    return next((get_args(k)[-1] for k in _options(kind) if get_origin(k) is container), None)


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _refuse_odd_numbers(table: dict[str, Any]) -> None:
    for place, value in _leaves(table, "", 0):
        if isinstance(value, float) and not math.isfinite(value):
            raise StudyError(f"'{_shown(place)}' is {value} in the study file; give a finite number")
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            raise StudyError(
                f"'{_shown(place)}' is a number of more than 64 bits in the study file; give a smaller one"
            )


def _leaves(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        raise StudyError(f"'{_shown(place)}' is nested too deeply in the study file")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else key, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, place, depth + 1)
    else:
        yield place, value


def _sentence(message: str) -> str:
    """Turn msgspec's "Expected `int`, got `str` - at `$.simulation.trajectories`" into a sentence of ours."""
    what, _, place = message.partition(" - at `")
    where = place.rstrip("`").removeprefix("$").removeprefix(".") or "the study file"
    for theirs, ours in _WORDS.items():
        what = what.replace(theirs, ours)
    return _one_line(f"'{_shown(where)}' cannot be read in the study file: {what[:1].lower()}{what[1:]}")


def _one_line(text: str) -> str:
    return " ".join(repr(text)[1:-1].split())[:300]


def _shown(name: str) -> str:
    """Return a key as it may stand in one line."""
    return repr(name)[1:-1][:80]
