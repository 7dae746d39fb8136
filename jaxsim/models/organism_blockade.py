"""Blockades of IL-1 beside weekly gemcitabine in the mouse: courses that begin at one time, and plans left free."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import ScheduleError, closest
from jaxsim.models.organism import organism_parameters
from jaxsim.models.organism_links import GROUPS, LINKS
from jaxsim.models.organism_scenarios import four_days, standard_regimen
from jaxsim.optimise import free

HOURS = 504.0
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
    last = HOURS - 24.0 - float(starts[-1])
    pattern = {"pattern": tuple(starts.tolist())} if starts.size > 1 else {}
    onset = free(0.0, last, start=min(start, last), **pattern)
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
    harm, shelter = ([name for link in links for name in LINKS[link].parameters] for links in (GROUPS["harm"], SHELTER))
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
