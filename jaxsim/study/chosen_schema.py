"""What a file of ``jaxsim optimise`` may hold, beside the sections that it shares with a study."""

from typing import Annotated

import msgspec
from msgspec import Meta

from jaxsim.study.schema import About, Count, Given, Model, Outputs, Positive, Probability, Values

Several = Annotated[int, Meta(ge=0, le=1 << 30)]


class FreeNumber(msgspec.Struct, forbid_unknown_fields=True):
    """A number that is to be chosen, where a schedule would give one: the arguments of ``js.free``."""

    low: float
    high: float
    start: float | list[float]
    spacing: float = 0.0
    in_a_row: Count | None = None
    pause: float = 0.0
    forbidden: list[list[float]] = []
    total: float | None = None
    at_most: float | None = None
    after: float | None = None
    pattern: list[float] | None = None
    rate: bool = False
    """Of an amount: whether it is one per unit of time, to be multiplied by the duration."""


class ChosenDose(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of ``[schedule]``, as in a study, but that numbers may be free."""

    amount: FreeNumber | float | list[float] | None = None
    set: float | list[float] | None = None
    unit: str = ""
    at: FreeNumber | float | list[float] | None = None
    every: Positive | None = None
    count: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    start: float = 0.0
    duration: FreeNumber | float | list[float] = 0.0
    time_unit: str = "h"


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """An objective: one of those of ``js``, by name, with its arguments."""

    kind: str
    of: str
    """A species, observable or expression; for a probability a condition."""
    at: float | None = None
    during: list[float] | None = None
    line: float | None = None
    """Of ``time_above`` and ``time_below``."""
    share: Probability | None = None
    """Of ``cvar`` and ``quantile``."""
    upper: bool = True
    weight: float = 1.0


class Limited(Wanted, forbid_unknown_fields=True):
    """``[[limits]]``: an objective with a bound."""

    at_most: float | None = None
    at_least: float | None = None


class Search(msgspec.Struct, forbid_unknown_fields=True):
    """``[search]``: the arguments of ``js.optimise``."""

    start: float = 0.0
    end: float | None = None
    step: Positive | None = None
    method: str = "auto"
    scored: list[str] | None = None
    starts: Count = 32
    steps: Several = 60
    smallest_batch: Count = 512
    largest_batch: Count = 4096
    budget: Positive = 200_000.0
    trajectories: Count = 20_000
    check: Several = 2048


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """``[report]``: what is shown beside the table."""

    landscape: str | None = None
    """Name of the number over which the landscape is drawn, such as ``drug.at[0]``."""
    points: Annotated[int, Meta(ge=2, le=1000)] = 41
    landscape_trajectories: Count = 2048
    switching: list[str] | None = None
    """Effects whose switching functions are drawn; the agents that have free numbers if not given."""
    bins: Count = 48
    species: list[str] | None = None
    """Whose courses are drawn; all if not given."""
    courses: Count = 500
    """Trajectories of the courses."""
    method: str = "auto"
    """Of ``js.simulate``, for the courses."""
    time_unit: str = "h"
    """Of the rates, for labels."""
    names: dict[str, str] = {}
    """What species are, in words, for the figures of courses."""


class ChosenFile(msgspec.Struct, forbid_unknown_fields=True):
    """A whole file of ``jaxsim optimise``."""

    model: Model
    schedule: dict[str, ChosenDose | list[ChosenDose]]
    minimise: Wanted | list[Wanted] | None = None
    maximise: Wanted | list[Wanted] | None = None
    study: About = msgspec.field(default_factory=About)
    parameters: Values = {}
    initial: Values = {}
    outputs: Outputs = msgspec.field(default_factory=Outputs)
    limits: list[Limited] = []
    compare: dict[str, dict[str, Given | list[Given]]] = {}
    """Name to another schedule, such as the standard of care."""
    search: Search = msgspec.field(default_factory=Search)
    report: Report = msgspec.field(default_factory=Report)
