"""What a study file may hold: its sections and keys, with their types. Decoding refuses everything else."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1, le=1 << 32)]
Positive = Annotated[float, Meta(gt=0)]
Probability = Annotated[float, Meta(gt=0, lt=1)]
Values = dict[str, Any]
"""Name to a number, or to a distribution such as ``{law = "lognormal", median = 2.0, cv = 0.3}``."""


class About(msgspec.Struct, forbid_unknown_fields=True):
    """``[study]``: what it is called, and the seed of all random numbers."""

    name: str = "study"
    description: str = ""
    seed: Annotated[int, Meta(ge=0)] = 0


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
    parameters: Values = {}
    inputs: dict[str, Any] = {}
    """Name to a number, or to the arguments of ``js.OneCompartment`` or ``js.TwoCompartment``."""


class Axis(msgspec.Struct, forbid_unknown_fields=True):
    """``[design.parameters.NAME]``: the values of one parameter, or its range."""

    values: list[float] | None = None
    low: float | None = None
    high: float | None = None
    scale: str = "linear"
    points: Count | None = None


class Design(msgspec.Struct, forbid_unknown_fields=True):
    """``[design]``: which values the parameters take."""

    kind: str
    points: Count | None = None
    seed: Annotated[int, Meta(ge=0)] = 0
    file: str | None = None
    parameters: dict[str, Axis] = {}


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of ``[schedule]``: doses of an agent, or settings of a species."""

    amount: float | list[float] | None = None
    set: float | list[float] | None = None
    unit: str = ""
    at: float | list[float] | None = None
    every: Positive | None = None
    count: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    start: float = 0.0
    duration: float | list[float] = 0.0
    time_unit: str = "h"


class Grid(msgspec.Struct, forbid_unknown_fields=True):
    """Save times at equal distances, both ends included."""

    stop: float
    step: Positive
    start: float = 0.0


class Simulation(msgspec.Struct, forbid_unknown_fields=True):
    """``[simulation]``: the arguments of ``js.simulate``, and how many trajectories of each design point."""

    times: Grid | list[float] | float
    trajectories: Count = 1000
    method: str = "direct"
    precision: str = "auto"
    start: float = 0.0
    max_events: Annotated[int, Meta(ge=1, le=(1 << 32) - 2)] | None = None
    cells: Annotated[int, Meta(ge=0, le=1 << 16)] = 64
    tolerance: float | None = None
    step: float | None = None
    rtol: float | None = None
    atol: float | None = None
    backend: str | None = None
    chunk: Annotated[int, Meta(ge=1, le=1 << 30)] | None = None
    """Trajectories per chunk, over all its design points: what is committed at once."""


class Outputs(msgspec.Struct, forbid_unknown_fields=True):
    """``[outputs]``: observables beside those of the model, and which species the results keep."""

    observables: dict[str, str] = {}
    species: list[str] | None = None


class Statistics(msgspec.Struct, forbid_unknown_fields=True):
    """``[statistics]``: what is wanted beside mean and variance."""

    covariance: bool = False
    quantiles: list[Probability] = []
    histograms: dict[str, int | list[int]] = {}
    passages: dict[str, str] = {}
    reductions: dict[str, str] = {}
    """Name to ``module:function`` of the states of one trajectory."""


class Stop(msgspec.Struct, forbid_unknown_fields=True):
    """``[stop]``: when a design point has trajectories enough; `trajectories` remains the most it may take."""

    output: str
    half_width: Positive | None = None
    relative: Positive | None = None
    time: float | None = None
    every: Count | None = None


class StudyFile(msgspec.Struct, forbid_unknown_fields=True):
    """A whole study file."""

    model: Model
    simulation: Simulation
    study: About = msgspec.field(default_factory=About)
    parameters: Values = {}
    initial: Values = {}
    design: Design | None = None
    schedule: dict[str, Given | list[Given]] = {}
    outputs: Outputs = msgspec.field(default_factory=Outputs)
    statistics: Statistics = msgspec.field(default_factory=Statistics)
    stop: Stop | None = None
