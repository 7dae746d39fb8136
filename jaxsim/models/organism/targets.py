"""The targets of the organism: what each requires, by how much, and how it is measured.

A target is met where the measure lies within limits that keep a distance from no effect, so that a ratio of 1.000 meets
none. Sources give signs and times; the sizes are assumed where no number is named. Restoration is measured as what
blockade leaves of the distance between chemotherapy and vehicle: 0 is full restoration, 1 is none, above 1 is worse.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxsim.models.organism.experiments import DAY, EXPERIMENTS, OFF, ExperimentResults, run_group
from jaxsim.models.organism.network import organism_parameters
from jaxsim.models.parameters import RANGE_QUANTILES, wilson

if TYPE_CHECKING:
    import xarray


_Values = Float[np.ndarray, " animal"]
FROM, UNTIL = 4.0, 9.0  # days over which marrow and blood are compared, unless a day is named
END = 504.0  # h, day 21
NO_LIMIT = float("inf")
INJECTED = 80e3  # pg
PAPER = "paper Fig 4, sign"
NEWS = "news on the paper, sign"
ASSUMED = "assumed"
ACUTE, LATER = "Exp Hematol 1988;16:163", "Exp Hematol 1989;17:805"


class Evidence(NamedTuple):
    """Courses of every group of experiments."""

    results: Mapping[str, ExperimentResults]
    """By group, experiment and quantity, [animal, time]."""
    times: Mapping[str, Float[np.ndarray, " _"]]
    """Hours, by group."""
    constants: Mapping[str, float]
    """Parameters of the typical mouse."""

    def course(self, group: str, name: str, quantity: str) -> Float[np.ndarray, "animal time"]:
        """Return a course."""
        return self.results[group][name][quantity]

    def at(self, group: str, name: str, quantity: str, hour: float) -> _Values:
        """Return a course at a saved hour."""
        return self.course(group, name, quantity)[:, int(np.argmin(np.abs(self.times[group] - hour)))]

    def during(
        self, group: str, name: str, quantity: str, first: float, last: float
    ) -> Float[np.ndarray, "animal time"]:
        """Return a course between two days."""
        times = self.times[group]
        kept = (times >= DAY * first - 1e-6) & (times <= DAY * last + 1e-6)
        return self.course(group, name, quantity)[:, kept]


Measure = Callable[[Evidence], _Values]


@dataclass(frozen=True)
class Target:
    """What the model should show.

    Parameters
    ----------
    name
        Number in the list of targets.
    says
        What is measured.
    least, most
        Between which it is met.
    source
        Of the sign or the number.
    measure
        One number per animal.
    """

    name: str
    says: str
    least: float
    most: float
    source: str
    measure: Measure

    @property
    def required(self) -> str:
        """The limits in words."""
        if self.most == NO_LIMIT:
            return f">= {self.least:g}"
        return f"<= {self.most:g}" if self.least == -NO_LIMIT else f"{self.least:g} to {self.most:g}"


def ratio(quantity: str, first: float = FROM, last: float = UNTIL, arm: str = "chemo") -> Measure:
    """Return the measure of a mean over days, of an arm over vehicle."""

    def measure(e: Evidence) -> _Values:
        above, below = (e.during("arms", name, quantity, first, last).mean(axis=1) for name in (arm, "vehicle"))
        return above / below

    return measure


def left(quantity: str, arm: str) -> Measure:
    """Return the measure of what blockade leaves of the distance to vehicle, days 4 to 9."""

    def measure(e: Evidence) -> _Values:
        vehicle = e.during("arms", "vehicle", quantity, FROM, UNTIL)
        blocked, alone = (
            np.abs(np.log(e.during("arms", name, quantity, FROM, UNTIL) / vehicle)).mean(axis=1)
            for name in (arm, "chemo")
        )
        return blocked / alone

    return measure


def burden(above: str, below: str) -> Measure:
    """Return the measure of the tumour of one arm over another on day 21."""
    return lambda e: e.at("arms", above, "tumour", END) / e.at("arms", below, "tumour", END)


def doubled(arm: str) -> Measure:
    """Return the measure of the last day on which the tumour is below twice its start."""

    def measure(e: Evidence) -> _Values:
        course, days = e.course("arms", arm, "tumour"), e.times["arms"] / DAY
        line = 2.0 * course[:, :1]
        found = np.full(len(course), days[-1])
        for n, row in enumerate(course - line):
            crossings = np.flatnonzero((row[:-1] < 0) & (row[1:] >= 0))
            if row[-1] >= 0 and crossings.size:
                k = crossings[-1]
                found[n] = days[k] - row[k] * (days[k + 1] - days[k]) / (row[k + 1] - row[k])
        return found

    return measure


def cycle_kill(arm: str, cycle: int) -> Measure:
    """Return the measure of log10 of the tumour at a dose over its lowest before the next."""

    def measure(e: Evidence) -> _Values:
        course = e.during("arms", arm, "tumour", 7.0 * cycle - 7.0, 7.0 * cycle)
        return np.log10(course[:, 0] / course.min(axis=1))

    return measure


def over(above: Measure, below: Measure) -> Measure:
    """Return the measure of a ratio of two."""
    return lambda e: above(e) / below(e)


def _less(first: Measure, second: Measure) -> Measure:
    """Return the measure of a difference of two."""
    return lambda e: first(e) - second(e)


def benefit_lost(without: str) -> Measure:
    """Return the measure of the benefit of the antibody that goes with a link, ln of burdens."""

    def measure(e: Evidence) -> _Values:
        whole = np.log(burden("chemo", "chemo+antibody")(e))
        return 1.0 - np.log(burden(f"chemo, no {without}", f"chemo+antibody, no {without}")(e)) / whole

    return measure


def lowest(group: str, name: str, quantity: str, first: float = 0.0, last: float = 60.0) -> Measure:
    """Return the measure of the lowest of a course."""
    return lambda e: e.during(group, name, quantity, first, last).min(axis=1)


def _largest(group: str, name: str, quantity: str, first: float = 0.0, last: float = 60.0) -> Measure:
    """Return the measure of the largest of a course."""
    return lambda e: e.during(group, name, quantity, first, last).max(axis=1)


def at(group: str, name: str, quantity: str, hour: float) -> Measure:
    """Return the measure of a course at an hour."""
    return lambda e: e.at(group, name, quantity, hour)


def day_of(group: str, name: str, quantity: str, last: float, *, highest: bool = False) -> Measure:
    """Return the measure of the day of the lowest of a course, or of the highest."""

    def measure(e: Evidence) -> _Values:
        course = e.during(group, name, quantity, 0.0, last)
        return e.times[group][(course.argmax if highest else course.argmin)(axis=1)] / DAY

    return measure


def area(e: Evidence, group: str, name: str, quantity: str, last: float) -> _Values:
    """Return the area under a course, from the start to a day."""
    course = e.during(group, name, quantity, 0.0, last)
    return np.trapezoid(course, e.times[group][: course.shape[1]], axis=1)


def exposure_over_injection(e: Evidence) -> _Values:
    """Return the plasma exposure of one dose of chemotherapy over that of 80 ng injected, F dose / clearance."""
    clearance = e.constants["il1a_elimination"] * e.constants["il1a_volume"]
    share = organism_parameters()["inputs.il1a"]["bioavailability"].value
    return area(e, "arms", "chemo", "il1a_plasma_free", 7.0) / (share * INJECTED / clearance)


def later_by(e: Evidence) -> _Values:
    """Return by how many hours half of the IL-1alpha exposure of the tumour is later under the inhibitor."""

    def half(name: str) -> _Values:
        course = e.during("arms", name, "il1a_tumour", 0.0, 7.0)
        hours = e.times["arms"][: course.shape[1]]
        grown = np.concatenate(
            [np.zeros((len(course), 1)), np.cumsum(0.5 * (course[:, 1:] + course[:, :-1]) * np.diff(hours), axis=1)], 1
        )
        return np.array([np.interp(0.5, row / row[-1], hours) for row in grown])

    return half("chemo+inhibitor") - half("chemo")


def effect_share(day: float) -> Measure:
    """Return the measure of the effect of 8 ng on neutrophils, of that of 80 ng, after cyclophosphamide."""

    def measure(e: Evidence) -> _Values:
        none, low, high = (
            e.at("injections", f"cyclophosphamide{more}", BLOOD, DAY * (1.0 + day))
            for more in ("", ", 8 ng", ", 80 ng")
        )
        return (low - none) / (high - none)

    return measure


def rescued(quantity: str, day: float) -> Measure:
    """Return the measure of 80 ng after cyclophosphamide over cyclophosphamide alone, so many days after injection."""
    hour = DAY * (1.0 + day)
    return lambda e: (
        e.at("injections", "cyclophosphamide, 80 ng", quantity, hour)
        / e.at("injections", "cyclophosphamide", quantity, hour)
    )


def first_rise(e: Evidence) -> _Values:
    """Return the rise of GMP 6 h after 80 ng, of that after 48 h."""
    early, late = (e.at("injections", "80 ng", "gmp_relative", hour) - 1.0 for hour in (6.0, 48.0))
    return early / late


def programme_left(e: Evidence) -> _Values:
    """Return the PU.1 programme a week after 80 ng, of its peak."""
    return e.at("injections", "80 ng", "pu1", 168.0) / e.course("injections", "80 ng", "pu1").max(axis=1)


def lytic_share(e: Evidence) -> _Values:
    """Return the lytic share of all deaths in a week of chemotherapy: of what leaves through pores or apoptosis."""
    lysed = area(e, "arms", "chemo", "pore_positive", 7.0) * e.constants["lysis_rate"]
    removed = e.constants["clearance_rate"] + e.constants["secondary_necrosis_rate"]
    return lysed / (lysed + area(e, "arms", "chemo", "dying", 7.0) * removed)


def half_life(e: Evidence) -> _Values:
    """Return the half-life of free IL-1alpha in plasma, minutes."""
    return np.array([60.0 * np.log(2.0) / e.constants["il1a_elimination"]])


BLOOD, _GMP, FREQUENCY, NLR = "neutrophils_relative", "gmp_relative", "gmp_frequency", "nlr"
_PER_CELL, _MARROW = "neutrophils_per_tumour_cell", "marrow_relative"
ANTIBODY, INHIBITOR, ANTAGONIST = "chemo+antibody", "chemo+inhibitor", "chemo+antagonist"
_FREE, NAIVE = "il1a_plasma_free", "tumour-free+chemo"


def _least(name: str, says: str, value: float, source: str, measure: Measure) -> Target:
    return Target(name, says, value, NO_LIMIT, source, measure)


def _most(name: str, says: str, value: float, source: str, measure: Measure) -> Target:
    return Target(name, says, -NO_LIMIT, value, source, measure)


HEADLINE = (
    _least("H1", "GMP count, chemo over vehicle", 1.3, PAPER, ratio(_GMP)),
    _least("H2", "GMP frequency among progenitors, chemo over vehicle", 1.2, PAPER, ratio(FREQUENCY)),
    _least("H3", "GMP frequency in the marrow, chemo over vehicle, day 2", 1.2, PAPER,
           ratio("gmp_frequency_marrow", 2.0, 2.0)),
    _least("H3", "the same, day 4", 1.2, PAPER, ratio("gmp_frequency_marrow", 4.0, 4.0)),
    _least("H4", "blood neutrophils, chemo over vehicle", 1.25, NEWS, ratio(BLOOD)),
    _least("H5", "NLR, chemo over vehicle", 1.5, NEWS, ratio(NLR)),
    _least("H5", "its largest, chemo over vehicle at the same time", 2.0, NEWS,
           lambda e: (e.course("arms", "chemo", NLR) / e.course("arms", "vehicle", NLR)).max(axis=1)),
    _most("H6", "GMP count without tumour under chemo, day 4", 0.95, "T7", at("arms", NAIVE, _GMP, 96.0)),
    _most("H6", "its GMP frequency over baseline, largest of days 4 to 9", 1.08, "T7",
          lambda e: e.during("arms", NAIVE, FREQUENCY, FROM, UNTIL).max(axis=1)
          / e.course("arms", NAIVE, FREQUENCY)[:, 0]),
    _least("H7", "neutrophils per tumour cell, chemo over vehicle", 1.4, NEWS, ratio(_PER_CELL)),
    Target("H8", "free plasma IL-1alpha, peak of cycle 1, pg/mL", 5.0, 100.0, "order of magnitude, assumed",
           _largest("arms", "chemo", _FREE, 0.0, 6.9)),
    Target("H8", "hour of the peak", 20.0, 60.0, "recommended band, assumed",
           lambda e: 24.0 * day_of("arms", "chemo", _FREE, 6.9, highest=True)(e)),
    _most("H8", "vehicle, 24 h, pg/mL", 3.0, ASSUMED, at("arms", "vehicle", _FREE, 24.0)),
    Target("H9", "plasma exposure of one dose over that of 80 ng injected", 0.3, 3.0, "derived",
           exposure_over_injection),
    _most("H10a", "antibody leaves, GMP count", 0.35, NEWS, left(_GMP, ANTIBODY)),
    _most("H10a", "antibody leaves, GMP frequency", 0.35, NEWS, left(FREQUENCY, ANTIBODY)),
    _most("H10a", "antibody leaves, NLR", 0.4, NEWS, left(NLR, ANTIBODY)),
    _most("H10b", "antibody leaves, neutrophils", 0.6, NEWS, left(BLOOD, ANTIBODY)),
    *(_most("H10c", f"inhibitor leaves, {text}", 0.6, NEWS, left(quantity, INHIBITOR)) for text, quantity in (
        ("GMP count", _GMP), ("GMP frequency", FREQUENCY), ("NLR", NLR), ("neutrophils", BLOOD))),
    _most("H11", "burden, antibody over chemo", 0.85, "T6", burden(ANTIBODY, "chemo")),
    _most("H11", "burden, antagonist over chemo", 0.85, "T14", burden(ANTAGONIST, "chemo")),
    _most("H11", "burden, inhibitor over chemo", 0.93, "T6", burden(INHIBITOR, "chemo")),
    Target("H11b", "burden, antibody alone over vehicle", 0.93, 1.02, ASSUMED, burden("antibody", "vehicle")),
    _most("H12", "burden, chemo over vehicle, also with each link off", 0.6, ASSUMED,
          lambda e: np.max([burden("chemo", "vehicle")(e), *(
              burden(f"chemo, no {name}", f"vehicle, no {name}")(e) for name in OFF)], axis=0)),
    _most("H13", "lowest tumour in 5 days, of the start", 0.75, NEWS,
          lambda e: lowest("arms", "chemo", "tumour", 0.0, 5.0)(e) / e.course("arms", "chemo", "tumour")[:, 0]),
    Target("H13", "last day below twice the start", 14.0, 30.0, NEWS, doubled("chemo")),
    _least("H13", "days gained by the antibody", 1.5, NEWS,
           lambda e: doubled(ANTIBODY)(e) - doubled("chemo")(e)),
)  # fmt: skip
RESISTANCE = (
    _most("H14a", "kill of cycle 3 over cycle 1", 0.7, "T21", over(cycle_kill("chemo", 3), cycle_kill("chemo", 1))),
    _least("H14a", "tolerant share, day 21", 0.3, "T21", at("arms", "chemo", "tolerant_share", END)),
    *(_least("H14b", f"kill of cycle {n}, antibody over chemo", 1.15, NEWS,
             over(cycle_kill(ANTIBODY, n), cycle_kill("chemo", n))) for n in (2, 3)),
    _most("H14c", "burden without tolerance over default", 0.9, ASSUMED,
          burden("chemo, no tolerance", "chemo")),
    _least("H15a", "benefit lost without marrow routes", 0.4, NEWS, benefit_lost("marrow routes")),
    _least("H15b", "benefit lost without what blood-borne IL-1 does", 0.25, NEWS, benefit_lost("blood-borne IL-1")),
    Target("H15c", "benefit lost without tumour G-CSF", 0.1, 0.4, ASSUMED, benefit_lost("tumour G-CSF")),
    Target("H15c", "benefit lost without local recruitment", 0.15, 0.45, "JITC 2024;12:e009523, smaller route",
           benefit_lost("local recruitment")),
    _least("H15d", "benefit lost without harm", 0.9, ASSUMED, benefit_lost("harm")),
    _least("H15d", "benefit lost without pyroptosis", 0.85, ASSUMED, benefit_lost("pyroptosis")),
    _least("H15d", "benefit lost without recovery", 0.25, ASSUMED, benefit_lost("recovery")),
    _least("H15d", "benefit lost without shelter", 0.15, ASSUMED, benefit_lost("shelter")),
    _most("H16", "lowest neutrophils, antibody less chemo", -0.05, "T15",
          _less(lowest("arms", ANTIBODY, BLOOD, 0.0, 21.0), lowest("arms", "chemo", BLOOD, 0.0, 21.0))),
    *(_most("H17", f"tumour neutrophils, chemo over vehicle, {hour} h", 0.9, "T13",
            ratio("tumour_neutrophils", hour / 24, hour / 24)) for hour in (24, 48)),
    Target("H18", "IL-1alpha of the tumour, inhibitor over chemo", 0.05, 0.5, "T16",
           lambda e: area(e, "arms", INHIBITOR, "il1a_tumour", 7.0) / area(e, "arms", "chemo", "il1a_tumour", 7.0)),
    _least("H18", "hours by which half of it is later", 4.0, "T16", later_by),
)  # fmt: skip
MARROW_TARGETS = (
    _least("I1", "neutrophils 3 h after 80 ng", 1.15, ACUTE, at("injections", "80 ng", BLOOD, 3.0)),
    _least("I1", "neutrophils 6 h after 80 ng", 1.2, ACUTE, at("injections", "80 ng", BLOOD, 6.0)),
    _most("I1", "marrow reserve 6 h after 80 ng", 0.9, ACUTE, at("injections", "80 ng", "reserve_relative", 6.0)),
    _least("I2", "GMP 48 h after 80 ng", 1.15, ACUTE, at("injections", "80 ng", _GMP, 48.0)),
    _most("I2", "rise of GMP at 6 h over that at 48 h", 0.5, ACUTE, first_rise),
    _least("I3", "neutrophils day 4, cyclophosphamide + 80 ng over none", 1.1, LATER, rescued(BLOOD, 4.0)),
    _least("I3", "neutrophils day 5, cyclophosphamide + 80 ng over none", 1.15, LATER, rescued(BLOOD, 5.0)),
    _least("I3", "marrow cells day 2, cyclophosphamide + 80 ng over none", 1.03, LATER, rescued(_MARROW, 2.0)),
    _most("I4", "effect of 8 ng on neutrophils day 4, of that of 80 ng", 0.25, LATER, effect_share(4.0)),
    _most("I4", "effect of 8 ng on neutrophils day 5, of that of 80 ng", 0.3, LATER, effect_share(5.0)),
    *(_most("I5", f"800 ng daily for 28 days, most {text}", most, "Pietras 2016, reversible",
            _largest("injections", "800 ng daily", quantity)) for text, quantity, most in (
                ("marrow cells", _MARROW, 5.0), ("neutrophils", BLOOD, 6.0), ("GMP", _GMP, 8.0))),
    *(Target("I5", f"and on day 40, {text}", 0.7, 1.3, "Pietras 2016, reversible",
             at("injections", "800 ng daily", quantity, 960.0)) for text, quantity in (
                 ("marrow cells", _MARROW), ("neutrophils", BLOOD))),
    Target("I5b", "and on day 40, GMP", 0.7, 1.3, "Pietras 2016, reversible",
           at("injections", "800 ng daily", _GMP, 960.0)),
    _least("I5", "and HSPC on day 28", 0.5, "Pietras 2016", at("injections", "800 ng daily", "hspc_relative", 672.0)),
    _most("I6", "PU.1 programme a week after 80 ng, of its peak", 0.25, "Pietras 2016", programme_left),
    _least("I7", "neutrophils 2 h after G-CSF", 1.3, "BBRC 1987;142:454", at("injections", "G-CSF daily", BLOOD, 2.0)),
    Target("I7", "most neutrophils under daily G-CSF", 5.0, 12.0, "BBRC 1987;142:454",
           _largest("injections", "G-CSF daily", BLOOD)),
    _most("I7b", "neutrophils 48 h after the last of 15 doses of G-CSF", 1.5, "BBRC 1987;142:454",
          at("injections", "G-CSF daily", BLOOD, 24.0 * 14 + 48.0)),
    _most("I8", "lowest neutrophils after cyclophosphamide", 0.3, ASSUMED,
          lowest("injections", "cyclophosphamide", BLOOD, 0.0, 10.0)),
    Target("I8", "day of it", 4.0, 7.0, ASSUMED, day_of("injections", "cyclophosphamide", BLOOD, 10.0)),
    _least("I8", "largest later", 1.3, ASSUMED, _largest("injections", "cyclophosphamide", BLOOD, 7.0, 21.0)),
    Target("I9", "lowest neutrophils after gemcitabine, no tumour", 0.7, 0.95, ASSUMED,
           lowest("injections", "gemcitabine", BLOOD, 0.0, 10.0)),
    Target("T1", "lytic share of all deaths in a week", 0.05, 0.5, "paper Fig 1g, both modes", lytic_share),
    Target("T17", "half-life of free IL-1alpha in plasma, min", 2.5, 7.0, "Cytokine 1990;2:416, scaled", half_life),
)  # fmt: skip
TARGETS = (*HEADLINE, *RESISTANCE, *MARROW_TARGETS)


# The table of targets: what is required, what virtual animals show, and which of them meet it.

_MOST = 0.5  # of the animals have to meet a target


def gather_evidence(
    *, animals: int = 1, seed: int = 1, groups: Sequence[str] = tuple(EXPERIMENTS),
    announce: Callable[[str], None] | None = None,
) -> Evidence:  # fmt: skip
    """Solve the rate equations of every experiment that the targets look at, in the same virtual mice.

    Parameters
    ----------
    animals
        Virtual mice; 1 for the typical one.
    seed
        Of the animals.
    groups
        Of experiments, by name.
    announce
        Called with the name of each group before it.
    """
    results, times, constants = {}, {}, {}
    for name in groups:
        if announce is not None:
            announce(name)
        group = EXPERIMENTS[name]()
        results[name], network = run_group(group, animals, seed)
        times[name] = group.times
        constants = {key: value for key, value in network.parameters.items() if isinstance(value, float | int)}
    return Evidence(results, times, constants)


def target_table(*, animals: int = 1, seed: int = 1, announce: Callable[[str], None] | None = None) -> "xarray.Dataset":
    """Return what every target requires and what virtual mice show.

    Parameters
    ----------
    animals
        Virtual mice; with 1, the typical one.
    seed
        From 0 to 2**64 - 1.
    announce
        Called with the name of each group of experiments before it.

    Returns
    -------
    xarray.Dataset
        Over ``row``: ``target``, ``says``, ``required``, ``least``, ``most``, ``source``, ``found`` over ``quantile``
        (5, 50, 95 % of the animals), ``share`` of animals within the limits with its 95 % limits, and ``met``, whether
        most are.
    """
    found = verdicts(gather_evidence(animals=animals, seed=seed, announce=announce))
    return found.assign_attrs(animals=animals, seed=str(seed))


def verdicts(evidence: Evidence, targets: Sequence[Target] = TARGETS) -> "xarray.Dataset":
    """Return the table of some targets, for evidence that has all of their experiments."""
    import xarray

    shown = [np.atleast_1d(np.asarray(row.measure(evidence), np.float64)) for row in targets]
    within = [(value >= row.least) & (value <= row.most) for value, row in zip(shown, targets, strict=True)]
    share = np.array([one.mean() for one in within])
    limits = [wilson(np.array(one.mean()), one.size) for one in within]
    texts = {"target": "name", "says": "says", "required": "required", "source": "source"}
    fields = {key: ("row", [getattr(row, attribute) for row in targets]) for key, attribute in texts.items()}
    return xarray.Dataset(
        {
            **fields,
            "least": ("row", [row.least for row in targets]),
            "most": ("row", [row.most for row in targets]),
            "found": (("row", "quantile"), [np.quantile(one, RANGE_QUANTILES) for one in shown]),
            "share": ("row", share),
            "share_low": ("row", [float(low) for low, _ in limits]),
            "share_high": ("row", [float(high) for _, high in limits]),
            "met": ("row", share > _MOST),
        },
        {"quantile": list(RANGE_QUANTILES)},
    )
