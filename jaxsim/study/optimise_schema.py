"""Schema of a file of ``jaxsim optimise``, beside the sections that it shares with a study."""

from typing import Annotated

import msgspec
from msgspec import Meta

from jaxsim.study.schema import About, Count, Given, Model, Outputs, Positive, Probability, Values

Several = Annotated[int, Meta(ge=0, le=1 << 30)]


class FreeNumber(msgspec.Struct, forbid_unknown_fields=True):
    """A number that is to be chosen, where a schedule would give one: the arguments of ``js.free``."""

    low: float
    """Lowest value."""
    high: float
    """Highest value."""
    start: float | list[float]
    """Where the search begins; a list makes as many numbers."""
    spacing: float = 0.0
    """Of times: the least distance of neighbours."""
    in_a_row: Count | None = None
    """Of times: after how many doses a pause follows."""
    pause: float = 0.0
    """Of times: how much longer than the spacing a pause is at least."""
    forbidden: list[list[float]] = []
    """Of times: windows, each a start and an end, in which nothing is given."""
    total: float | None = None
    """Of amounts: what they add up to."""
    at_most: float | None = None
    """Of amounts: what they add up to at most."""
    after: float | None = None
    """The numbers are gaps, and doses are given at this time plus their running sum."""
    pattern: list[float] | None = None
    """Of times: the offsets of a whole pattern that moves."""
    rate: bool = False
    """Of an amount: whether it is one per unit of time, to be multiplied by the duration."""


class ChosenDose(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of ``[schedule]``, as in a study, but that numbers may be free."""

    amount: FreeNumber | float | list[float] | None = None
    """Of a dose, or of each."""
    set: float | list[float] | None = None
    """What a species is set to, instead of a dose."""
    unit: str = ""
    """Of the amount, such as ``mg/kg``; that of the rates if empty."""
    at: FreeNumber | float | list[float] | None = None
    """When, or at which times."""
    every: Positive | None = None
    """Instead of `at`: the time between doses."""
    count: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """With `every`: how many doses."""
    start: float = 0.0
    """With `every`: when the first is given."""
    duration: FreeNumber | float | list[float] = 0.0
    """Of an infusion; 0 is a bolus."""
    time_unit: str = "h"
    """Of all times of this entry."""


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """An objective: one of those of ``js``, by name, with its arguments."""

    kind: str
    """Such as ``mean``, ``probability``, ``minimum``, ``auc``, ``time_below`` or ``cvar``."""
    of: str
    """A species, observable or expression; for a probability a condition."""
    at: float | None = None
    """When."""
    during: list[float] | None = None
    """From when until when."""
    line: float | None = None
    """Of ``time_above`` and ``time_below``."""
    share: Probability | None = None
    """Of ``cvar`` and ``quantile``."""
    upper: bool = True
    """Of ``cvar``: whether the upper tail is meant."""
    weight: float = 1.0
    """In a sum of objectives."""


class Limited(Wanted, forbid_unknown_fields=True):
    """``[[limits]]``: an objective with a bound."""

    at_most: float | None = None
    """The bound from above."""
    at_least: float | None = None
    """The bound from below."""


class SearchSection(msgspec.Struct, forbid_unknown_fields=True):
    """``[search]``: the arguments of ``js.optimise``."""

    start: float = 0.0
    """When trajectories begin."""
    end: float | None = None
    """When they end; with the objective if not given."""
    step: Positive | None = None
    """Of leaps; chosen if not given."""
    method: str = "auto"
    """Which estimator of gradients."""
    scored: list[str] | None = None
    """Species whose reactions are scored."""
    starts: Count = 32
    """Of the first scout."""
    steps: Several = 60
    """The most that the polish takes."""
    smallest_batch: Count = 512
    """Trajectories of its first gradients."""
    largest_batch: Count = 4096
    """Trajectories of its last gradients."""
    budget: Positive = 200_000.0
    """The most trajectories that the search simulates."""
    trajectories: Count = 20_000
    """Of each schedule in the final trial."""
    check: Several = 2048
    """Trajectories of each check of the gradient; 0 for none."""


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """``[report]``: what is shown beside the table."""

    landscape: str | None = None
    """Name of the number over which the landscape is drawn, such as ``drug.at[0]``."""
    points: Annotated[int, Meta(ge=2, le=1000)] = 41
    """Of the landscape."""
    landscape_trajectories: Count = 2048
    """Of each of them."""
    switching: list[str] | None = None
    """Effects whose switching functions are drawn; the agents that have free numbers if not given."""
    bins: Count = 48
    """Of switching functions."""
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
    """Which network."""
    schedule: dict[str, ChosenDose | list[ChosenDose]]
    """Agent to its dose or doses, with numbers that are free."""
    minimise: Wanted | list[Wanted] | None = None
    """The objective, or a weighted sum of several."""
    maximise: Wanted | list[Wanted] | None = None
    """The same, if more is better."""
    study: About = msgspec.field(default_factory=About)
    """Name and seed."""
    parameters: Values = {}
    """Name to a number or distribution that replaces the model's."""
    initial: Values = {}
    """Species to a count at the start that replaces the model's."""
    outputs: Outputs = msgspec.field(default_factory=Outputs)
    """Observables."""
    limits: list[Limited] = []
    """Objectives with bounds."""
    compare: dict[str, dict[str, Given | list[Given]]] = {}
    """Name to another schedule, such as the standard of care."""
    search: SearchSection = msgspec.field(default_factory=SearchSection)
    """How the search goes."""
    report: Report = msgspec.field(default_factory=Report)
    """What is shown."""
