"""Blockades of IL-1 beside weekly gemcitabine in the mouse: courses that begin at one time, and plans left free."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import stats

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble import FlowCase, solve_flows, warn_of_flows
from jaxsim.errors import ScheduleError, closest
from jaxsim.models.organism.network import LINK_GROUPS, LINKS, organism, organism_parameters
from jaxsim.models.organism.scenarios import four_days, standard_regimen
from jaxsim.models.organism.study import courses, outcomes
from jaxsim.models.organism.trial import CELLS, RELATIVE, organism_trial
from jaxsim.optimise import free

if TYPE_CHECKING:
    import xarray


SPAN = 504.0
TWICE_DAILY = tuple(four_days([0.0], 12.0))  # for four days, from the first dose on
EVERY_SIX_HOURS = tuple(four_days([0.0], 6.0))
GEMCITABINE = standard_regimen()["gemcitabine"]
SHELTER = ("shelter",)


class Course(NamedTuple):
    """One course of an agent, as a function of the hour at which it begins."""

    agent: str
    doses: Callable[[float], Dose]
    says: str


COURSES = {
    "inhibitor": Course(
        "caspase1_inhibitor",
        lambda hour: Dose(50.0, "mg/kg", at=hour + np.array(EVERY_SIX_HOURS)),
        "caspase-1 inhibitor, 50 mg/kg every 6 h for 4 days",
    ),
    "antagonist": Course(
        "il1_receptor_antagonist",
        lambda hour: Dose(25.0, "mg/kg", at=hour + np.array(TWICE_DAILY)),
        "IL-1 receptor antagonist, 25 mg/kg twice a day for 4 days",
    ),
    "antibody": Course("anti_il1a", lambda hour: Dose(0.8, "mg", at=[hour]), "anti-IL-1alpha antibody, 0.8 mg once"),
    "scarce antibody": Course(
        "anti_il1a", lambda hour: Dose(0.005, "mg", at=[hour]), "anti-IL-1alpha antibody, 5 ug once"
    ),
}


def blockade_course(name: str, hour: float) -> Schedule:
    """Return weekly gemcitabine with one course that begins at an hour; its amounts are 0 where that is negative.

    Raises
    ------
    ScheduleError
        If there is no such course.

    Examples
    --------
    >>> blockade_course("antibody", 48.0)["anti_il1a"]
    (Dose(0.8, 'mg', at=[48]),)
    """
    course = COURSES[_known(name)]
    given = course.doses(max(hour, 0.0))
    if hour < 0.0:  # a schedule of the same shape, which shares the compiled program
        given = Dose(np.zeros(given.starts(np).size), given.unit, at=given.starts(np))
    return Schedule(gemcitabine=GEMCITABINE, **{course.agent: given})


def onset_plan(name: str, start: float = 200.0) -> Schedule:
    """Return weekly gemcitabine with one course whose onset, in hours, is free.

    Raises
    ------
    ScheduleError
        If there is no such course.

    Examples
    --------
    >>> onset_plan("antibody").names
    ('gemcitabine', 'anti_il1a')
    """
    agent = COURSES[_known(name)].agent
    course = COURSES[name].doses(0.0)
    starts = course.starts(np)
    last = SPAN - 24.0 - float(starts[-1])
    pattern = tuple(starts.tolist()) if starts.size > 1 else None
    onset = free(0.0, last, start=min(start, last), pattern=pattern)
    given = Dose(float(np.ravel(course.amounts(np))[0]), course.unit, at=onset)
    return Schedule(gemcitabine=GEMCITABINE, **{agent: given})


def _known(name: str) -> str:
    if name not in COURSES:
        raise ScheduleError(f"there is no course '{name}'{closest(name, COURSES)}; choose from {', '.join(COURSES)}")
    return name


def blockade_plans() -> dict[str, Schedule]:
    """Return plans whose free numbers :func:`jaxsim.optimise` chooses, each under its budget.

    The inhibitor has the course of :data:`COURSES`, its onset free. The antagonist's 200 mg/kg are infused from a free
    onset over a free time of 1 to 20 days. Of the antibody at most 0.8 mg are split freely into four doses at free
    times, at least a day apart. The two combinations give each agent its whole budget.

    Examples
    --------
    >>> list(blockade_plans())
    ['inhibitor', 'antagonist', 'antibody', 'inhibitor and antagonist', 'inhibitor and antibody']
    """
    inhibitor = Dose(50.0, "mg/kg", at=free(0.0, 384.0, start=12.0, pattern=EVERY_SIX_HOURS))
    antagonist = Dose(200.0, "mg/kg", at=free(0.0, 336.0, start=12.0), duration=free(24.0, 480.0, start=96.0))
    antibody = Dose(
        free(0.0, 0.8, start=[0.199] * 4, at_most=0.8),
        "mg",
        at=free(0.0, 480.0, start=[12.0, 108.0, 204.0, 300.0], spacing=24.0),
    )
    return {
        "inhibitor": Schedule(gemcitabine=GEMCITABINE, caspase1_inhibitor=inhibitor),
        "antagonist": Schedule(gemcitabine=GEMCITABINE, il1_receptor_antagonist=antagonist),
        "antibody": Schedule(gemcitabine=GEMCITABINE, anti_il1a=antibody),
        "inhibitor and antagonist": Schedule(
            gemcitabine=GEMCITABINE, caspase1_inhibitor=inhibitor, il1_receptor_antagonist=antagonist
        ),
        "inhibitor and antibody": Schedule(gemcitabine=GEMCITABINE, caspase1_inhibitor=inhibitor, anti_il1a=antibody),
    }


def blockade_standards() -> dict[str, Schedule]:
    """Return what the plans are compared with: chemotherapy alone, and every agent as it is given by default.

    The defaults are cut to the budget of the plans: one course from day 0, and the antibody every four days.

    Examples
    --------
    >>> list(blockade_standards())
    ['chemotherapy', 'inhibitor', 'antagonist', 'antibody', 'inhibitor and antagonist', 'inhibitor and antibody']
    """
    given = {
        "inhibitor": {"caspase1_inhibitor": COURSES["inhibitor"].doses(0.0)},
        "antagonist": {"il1_receptor_antagonist": COURSES["antagonist"].doses(0.0)},
        "antibody": {"anti_il1a": Dose(0.2, "mg", at=[0.0, 96.0, 192.0, 288.0])},
    }
    sets = {
        "chemotherapy": {},
        **given,
        **{f"inhibitor and {other}": given["inhibitor"] | given[other] for other in ("antagonist", "antibody")},
    }
    return {name: Schedule(gemcitabine=GEMCITABINE, **agents) for name, agents in sets.items()}


def uncertain_variants() -> dict[str, dict[str, float]]:
    """Return settings of the organism in which the least certain numbers differ, by name.

    What a cell holds of IL-1alpha, the level at which half of its effect on the marrow is reached, how much of it gets
    from tumour to plasma, the harm that neutrophils do (recovery of damaged cells, killing by CD8 cells and their
    division held back, all three by one factor), the share of pyroptosis that the caspase-1 inhibitor lets through, no
    way through G-CSF, and how hard the marrow is hit. Contrary scenarios: neutrophils do no harm, so that blocking is
    useless; they help CD8 cells as much as they hold them back by default, so that blocking takes a benefit away.

    Examples
    --------
    >>> list(uncertain_variants())[:3]
    ['default', '1 fg per cell', '8 fg per cell']
    """
    values = {name: entry.value for name, entry in organism_parameters()["parameters"].items()}
    harm, shelter = (
        [name for link in links for name in LINKS[link].parameters] for links in (LINK_GROUPS["harm"], SHELTER)
    )
    drained = values["il1a_tumour_loss"] + values["il1a_escape_rate"]
    shares = {share: {"il1a_tumour_loss": (1 - share) * drained, "il1a_escape_rate": share * drained}
              for share in (0.2, 0.6)}  # fmt: skip
    return {
        "default": {},
        "1 fg per cell": {"il1a_per_cell": 0.001},
        "8 fg per cell": {"il1a_per_cell": 0.008},
        "half effect at 70 pg/mL": {"il1_constant": 70.0},
        "half effect at 2200 pg/mL": {"il1_constant": 2200.0},
        "0.2 of IL-1alpha absorbed": shares[0.2],
        "0.6 of IL-1alpha absorbed": shares[0.6],
        "no G-CSF links": {"body_gcsf_gain": 0.0, "tumour_gcsf_gain": 0.0},
        "no leak": {"gsdme_fraction": 0.0},
        "leak of 0.6": {"gsdme_fraction": 0.6},
        "marrow hit twice as hard": {"marrow_kill_rate": 2.0 * values["marrow_kill_rate"]},
        "half the harm": {name: 0.5 * values[name] for name in harm},
        "harm x 1.2": {name: 1.2 * values[name] for name in harm},
        "no harm": dict.fromkeys(harm, 0.0),
        "neutrophils help CD8 cells": {"neutrophil_recovery": 0.0} | {name: -values[name] for name in shelter},
    }


# organism_onsets: a course moved over its onset by brute force, and what the onset decides in virtual animals.

_Real = float | int
STEP = 0.2  # h; free IL-1alpha in plasma turns over at 6.3 an hour
_TAIL = 0.2  # of the animals: those with the largest tumours


def organism_onsets(name: str, onsets: Sequence[_Real], **settings: Any) -> "xarray.Dataset":
    """Solve the rate equations of the same mice for every onset of a course, and without it.

    Parameters
    ----------
    name
        Of a course in :data:`jaxsim.models.organism.blockade.COURSES`.
    onsets
        Days at which it begins.
    **settings
        Of :func:`organism_trial`.

    Returns
    -------
    xarray.Dataset
        Over ``onset`` (d) and ``animal``: ``log10_tumour`` at the end and ``nadir``; over ``animal`` the same without
        the course, ``log10_tumour_without`` and ``nadir_without``.

    Examples
    --------
    >>> found = organism_onsets("antibody", [0, 2], animals=1, days=4)
    >>> bool((found["log10_tumour"] < found["log10_tumour_without"]).all())
    True
    """
    days = np.asarray(onsets, np.float64)
    schedules = {"without": blockade_course(name, -1.0)}
    schedules |= {f"{name} from day {day:g}": blockade_course(name, 24.0 * day) for day in days}
    found = organism_trial(schedules, **settings)
    first = found.isel(schedule=0, drop=True).rename({key: f"{key}_without" for key in ("log10_tumour", "nadir")})
    moved = found.isel(schedule=slice(1, None)).rename(schedule="onset")
    return moved.assign_coords(onset=("onset", days, {"units": "d"})).merge(first).assign_attrs(course=name)


def mean_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over animals (the last axis), and the half-width of its 95 % interval.

    Examples
    --------
    >>> mean, reach = mean_interval(np.array([1.0, 2.0, 3.0]))
    >>> float(mean), round(float(reach), 3)
    (2.0, 2.484)
    """
    number = values.shape[-1]
    reach = stats.t.ppf(0.975, number - 1) * values.std(axis=-1, ddof=1) / np.sqrt(number)
    return np.asarray(values.mean(axis=-1)), np.asarray(reach)


class Onsets(NamedTuple):
    """What a sweep over onsets says; log10 of the tumour, 95 % half-widths, onsets in days."""

    best: float
    """For the mean over animals."""
    near: tuple[float, float]
    """First and last of the onsets in a row around the best that pairs of animals cannot tell from it."""
    gain: tuple[float, float]
    """How much less tumour than without the course, at the best onset."""
    over_first: tuple[float, float]
    """How much less tumour than with the first onset."""
    worst: float
    spread: tuple[float, float]
    """How much more tumour at the worst onset than at the best."""
    tail: float
    """The best onset for the animals with the largest tumours."""
    own: tuple[float, float]
    """Middle four fifths of the animals' own best onsets."""
    regret: tuple[float, float]
    """What is lost where all animals have one onset and not each its own."""

    @property
    def flat(self) -> bool:
        """Whether the onset makes a difference of less than 2 % of the tumour."""
        return bool(self.spread[0] < np.log10(1.02))


def summarised(found: "xarray.Dataset") -> Onsets:
    """Say what the onset decides, by pairs of onsets in the same animals.

    Examples
    --------
    >>> import xarray
    >>> curve = np.array([[3.0, 3.2], [2.0, 2.1], [2.5, 2.3]])
    >>> fields = {"log10_tumour": (("onset", "animal"), curve), "log10_tumour_without": ("animal", [4, 4])}
    >>> data = xarray.Dataset(fields, {"onset": [0.0, 1.0, 2.0]})
    >>> said = summarised(data)
    >>> said.best, said.worst, said.near, round(float(said.gain[0]), 3)
    (1.0, 0.0, (1.0, 2.0), 1.95)
    """
    onsets, tumour = found["onset"].values, found["log10_tumour"].values
    mean = tumour.mean(axis=1)
    best, worst = int(np.argmin(mean)), int(np.argmax(mean))
    behind, errors = mean_interval(tumour - tumour[best])
    own = tumour.argmin(axis=0)
    large = np.argsort(-found["log10_tumour_without"].values)[: max(1, round(_TAIL * tumour.shape[1]))]
    return Onsets(
        best=float(onsets[best]),
        near=_row(onsets, behind <= errors, best),
        gain=_pair(found["log10_tumour_without"].values - tumour[best]),
        over_first=_pair(tumour[0] - tumour[best]),
        worst=float(onsets[worst]),
        spread=_pair(tumour[worst] - tumour[best]),
        tail=float(onsets[np.argmin(tumour[:, large].mean(axis=1))]),
        own=(float(np.quantile(onsets[own], 0.1)), float(np.quantile(onsets[own], 0.9))),
        regret=_pair(tumour[best] - tumour.min(axis=0)),
    )


def onsets_of_variants(
    name: str, onsets: Sequence[_Real], variants: Mapping[str, Mapping[str, Any]], *, every: _Real = 6.0
) -> "xarray.Dataset":
    """Solve the rate equations of typical mice that differ in uncertain numbers, for every onset of a course.

    Variants are solved side by side, and so are onsets: all by one program.

    Parameters
    ----------
    name
        Of a course in :data:`jaxsim.models.organism.blockade.COURSES`.
    onsets
        Days at which it begins.
    variants
        Settings of :func:`jaxsim.models.organism` by name, numbers of its parameter file alone, such as those of
        :func:`jaxsim.models.organism.blockade.uncertain_variants`.
    every
        Hours between the times at which blood is looked at.

    Returns
    -------
    xarray.Dataset
        Over ``onset`` (d) and ``variant``: ``log10_tumour`` at the end, ``nadir`` of blood neutrophils relative to
        baseline, ``days_below_half`` of baseline; over ``variant`` the same without the course, ``..._without``.

    Examples
    --------
    >>> found = onsets_of_variants("antibody", [0, 14], {"default": {}, "no harm": {"kill_protection": 0.0}})
    >>> gain = found["log10_tumour_without"] - found["log10_tumour"]
    >>> bool(gain.sel(variant="default", onset=0) > gain.sel(variant="default", onset=14) > 0)
    True
    """
    import xarray

    networks = [organism(**settings) for settings in variants.values()]
    moved = sorted({parameter for settings in variants.values() for parameter in settings})
    traits = {one: np.array([net.parameters[one] for net in networks], np.float64) for one in moved}
    start = np.array([list(net.initial.values()) for net in networks], np.float64)
    schedules = [blockade_course(name, 24.0 * float(day)) for day in (-1.0, *onsets)]
    cases = [FlowCase(networks[0], schedule, traits, len(networks), start) for schedule in schedules]
    times = np.arange(0.0, SPAN + 0.5 * every, every)
    solved = solve_flows(cases, times, rtol=RELATIVE, atol=CELLS)
    warn_of_flows(solved)
    shape = (len(schedules), len(networks))
    everyone = {one: np.tile(values, len(schedules)) for one, values in traits.items()}
    shown = outcomes(courses(networks[0], solved.mean, everyone), times)
    found = {one: shown[one][0].reshape(shape) for one in ("burden", "nadir", "days_below_half")}
    found["log10_tumour"] = np.log10(np.maximum(found.pop("burden"), 1.0))
    fields: dict[str, Any] = {}
    for one, values in found.items():
        fields[one], fields[f"{one}_without"] = (("onset", "variant"), values[1:]), (("variant",), values[0])
    days = ("onset", np.asarray(onsets, np.float64), {"units": "d"})
    return xarray.Dataset(fields, {"onset": days, "variant": list(variants)}, {"course": name})


def _row(onsets: np.ndarray, same: np.ndarray, best: int) -> tuple[float, float]:
    """Return the first and last of the onsets in a row around the best that are the same.

    Examples
    --------
    >>> _row(np.arange(5.0), np.array([True, False, True, True, False]), 2)
    (2.0, 3.0)
    """
    first = last = best
    while first > 0 and same[first - 1]:
        first -= 1
    while last < onsets.size - 1 and same[last + 1]:
        last += 1
    return float(onsets[first]), float(onsets[last])


def _pair(values: np.ndarray) -> tuple[float, float]:
    mean, reach = mean_interval(values)
    return float(mean), float(reach)
