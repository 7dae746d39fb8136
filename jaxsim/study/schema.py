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


class Grid(msgspec.Struct, forbid_unknown_fields=True):
    """Save times at equal distances, both ends included."""

    stop: float
    """The last time."""
    step: Positive
    """The distance."""
    start: float = 0.0
    """The first time."""


class Simulation(msgspec.Struct, forbid_unknown_fields=True):
    """``[simulation]``: the arguments of ``js.simulate``, and how many trajectories of each design point."""

    times: Grid | list[float] | float
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
