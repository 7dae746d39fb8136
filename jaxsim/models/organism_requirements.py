"""The targets, one row each: what is measured of the evidence, and between which limits it has to be."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jaxsim.dosing import Dose, area_under_curve
from jaxsim.models.organism_evidence import Evidence
from jaxsim.models.organism_patients import growth_inhibition, hazard_ratios, lost_effect
from jaxsim.models.organism_targets import INJECTION
from jaxsim.models.organism_validation import SIGNS, Sign, area

Measure = Callable[[Evidence], np.ndarray]
WEEK = 168.0
PAPER = "10.1038/s41467-026-71471-3"
ACUTE, LATER = "Exp Hematol 1988;16:163", "Exp Hematol 1989;17:805"
SOURCES = {
    "T4": f"{PAPER}, Fig 4",
    "T5": "news on the paper",
    "T6": "news on the paper",
    "T7": "prediction, unverified",
    "T13": "Int Immunopharmacol 2009;9:900",
    "T14": "Bruchard 2013 Nat Med 19:57",
    "T15": "Van Cutsem 2024 Clin Cancer Res 30:5293",
    "T16": "iScience 2020 PMC7200307",
}


@dataclass(frozen=True)
class Requirement:
    """What one target asks for."""

    target: str
    says: str
    required: str
    least: float
    most: float
    source: str
    measure: Measure
    """One number per animal, or one in all."""


def _sign(sign: Sign) -> Requirement:
    number, _, says = sign.target.partition(" ")
    limits = (0.0, 1.0) if sign.wanted == "<" else (1.0, np.inf)

    def ratio(evidence: Evidence) -> np.ndarray:
        above, below = (sign.measure(evidence.mice.sel(arm=arm)) for arm in (sign.above, sign.below))
        return np.asarray(above / below)

    return Requirement(number, says, f"ratio {sign.wanted} 1", *limits, SOURCES[number], ratio)


def _injected(experiment: str, quantity: str, hours: float, over: str = "") -> Measure:
    """Return the measure of a course so long after the injection, or of its ratio to that of another experiment."""

    def measure(evidence: Evidence) -> np.ndarray:
        at = int(np.argmin(np.abs(evidence.times - INJECTION - hours)))
        course = evidence.injected[experiment][quantity][:, at]
        return course / evidence.injected[over][quantity][:, at] if over else course

    return measure


def _gain(nanograms: int) -> Measure:
    ratio = _injected(f"damaged, {nanograms}", BLOOD, 96.0, "damaged, 0")
    return lambda evidence: ratio(evidence) - 1.0


def _part(small: Measure, whole: Measure) -> Measure:
    """Return the first over the second, where the second is above 0; else infinity, which no limit admits."""

    def measure(evidence: Evidence) -> np.ndarray:
        divisor = whole(evidence)
        return np.where(divisor > 0, small(evidence) / np.where(divisor > 0, divisor, 1.0), 1e9)

    return measure


def _rise(hours: float) -> Measure:
    at = _injected("healthy, 80", GMP, hours)
    return lambda evidence: at(evidence) - 1.0


def _signal_left(evidence: Evidence) -> np.ndarray:
    course = evidence.injected["healthy, 80"]["il1_signal"]
    peak = course.max(axis=1)
    return np.where(peak > 0, course[:, -1] / np.where(peak > 0, peak, 1.0), 1e9)


def _lytic_share(evidence: Evidence) -> np.ndarray:
    chemo = evidence.mice.sel(arm="chemo", time=48.0)
    return np.asarray(chemo["pore_positive"] / (chemo["pore_positive"] + chemo["dying"]))


def _pore_peak(evidence: Evidence) -> np.ndarray:
    course = evidence.mice["pore_positive"].sel(arm="chemo", time=slice(0.0, WEEK - 1.0))
    return np.asarray(course["time"].values[course.argmax("time").values])


def _lysis_ratio(evidence: Evidence) -> np.ndarray:
    lysis = area("pore_positive", WEEK)
    return np.asarray(lysis(evidence.mice.sel(arm="chemo+inhibitor")) / lysis(evidence.mice.sel(arm="chemo")))


def _plasma_ratio(evidence: Evidence) -> np.ndarray:
    course = evidence.mice["il1a_plasma"].sel(time=24.0)
    return np.asarray(course.sel(arm="chemo")) / np.asarray(course.sel(arm="vehicle"))


def _half_life(evidence: Evidence) -> np.ndarray:
    return np.asarray(60.0 * np.log(2.0) / float(evidence.network.parameters["il1a_elimination"]))


def _exposure(evidence: Evidence) -> np.ndarray:
    return np.asarray(area_under_curve(evidence.network.inputs["gemcitabine"], Dose(20.0, "mg/kg")))


BLOOD, GMP, MARROW = "neutrophils_relative", "gmp_relative", "marrow_relative"
UP = (1.0, np.inf)
REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement("T1", "lytic share of dying cells, 48 h after chemo", "above 0, below 1", 1e-3, 0.999,
                f"{PAPER}, Fig 1g", _lytic_share),
    Requirement("T2", "cells with caspase-1 pores rise for so many hours", "tens of hours", 10.0, WEEK,
                f"{PAPER}, Fig 1f", _pore_peak),
    Requirement("T3", "lysis in a week, inhibitor + chemo over chemo", "ratio < 1", 0.0, 1.0,
                f"{PAPER}, Fig 1h-j", _lysis_ratio),
    *(_sign(sign) for sign in SIGNS if sign.target.startswith(("T4", "T5", "T6", "T7"))),
    Requirement("T8", "blood neutrophils 3 h after 80 ng IL-1alpha", "above baseline", *UP, ACUTE,
                _injected("healthy, 80", BLOOD, 3.0)),
    Requirement("T8", "blood neutrophils 6 h after 80 ng", "above baseline", *UP, ACUTE,
                _injected("healthy, 80", BLOOD, 6.0)),
    Requirement("T8", "marrow cells 6 h after 80 ng", "below baseline", 0.0, 0.999, ACUTE,
                _injected("healthy, 80", MARROW, 6.0)),
    Requirement("T9", "GMP 48 h after 80 ng", "above baseline", 1.01, np.inf, ACUTE,
                _injected("healthy, 80", GMP, 48.0)),
    Requirement("T9", "rise of GMP at 6 h over that at 48 h", "below 1/2", -np.inf, 0.5, ACUTE,
                _part(_rise(6.0), _rise(48.0))),
    *(Requirement("T10", f"neutrophils day {day}, damaged marrow, {dose} ng over none", "ratio > 1", *UP, LATER,
                  _injected(f"damaged, {dose}", BLOOD, 24.0 * day, "damaged, 0"))
      for dose in (80, 800) for day in (4, 5)),
    *(Requirement("T10", f"marrow cells day 2, damaged marrow, {dose} ng over none", "ratio > 1", *UP, LATER,
                  _injected(f"damaged, {dose}", MARROW, 48.0, "damaged, 0")) for dose in (80, 800)),
    Requirement("T10", "effect of 8 ng on neutrophils day 4, of that of 80 ng", "below 1/4", -np.inf, 0.25, LATER,
                _part(_gain(8), _gain(80))),
    Requirement("T11", "IL-1 signal a week after 80 ng, of its peak", "below 1/4 (assumed)", -1.0, 0.25,
                "Pietras 2016 Nat Cell Biol 18:607", _signal_left),
    *(_sign(sign) for sign in SIGNS if sign.target.startswith(("T13", "T14", "T15", "T16"))),
    Requirement("-", "peak of blood neutrophils, chemo, of baseline", "above 1.02 (assumed)", 1.02, np.inf,
                "news on the paper", lambda evidence: np.asarray(evidence.mice["neutrophil_peak"].sel(arm="chemo"))),
    Requirement("-", "burden, antibody alone over vehicle", "0.9 to 1.1 (assumed)", 0.9, 1.1, "no source",
                lambda evidence: np.asarray(evidence.mice["burden"].sel(arm="antibody"))
                / np.asarray(evidence.mice["burden"].sel(arm="vehicle"))),
    Requirement("-", "plasma IL-1alpha 24 h after chemo over vehicle", "2 to 10 (assumed)", 2.0, 10.0,
                "recommended band", _plasma_ratio),
    Requirement("T17", "half-life of IL-1alpha in plasma, min", "2.5 to 7", 2.5, 7.0, "Cytokine 1990;2:416",
                _half_life),
    Requirement("T18", "gemcitabine 20 mg/kg, area under the curve, uM h", "27 (24 to 30)", 24.0, 30.0, "PMC7606647",
                _exposure),
    Requirement("T19", "Friberg docetaxel nadir, of baseline", "0.19 by another solver", 0.18, 0.20,
                "Friberg 2002 J Clin Oncol 20:4713", lambda evidence: np.asarray(evidence.docetaxel[0])),
    Requirement("T19", "Friberg docetaxel, day of the nadir", "7 to 8", 7.0, 8.0,
                "Friberg 2002 J Clin Oncol 20:4713", lambda evidence: np.asarray(evidence.docetaxel[1])),
    Requirement("T20", "patients, hazard of progression, high over low NLR", "1.4 to 2", 1.4, 2.0,
                "Li 2017 Oncotarget 8:62681", lambda evidence: hazard_ratios(evidence.patients)),
    Requirement("T21", "patients, tumour inhibited after 6 cycles, %", "22 (half to twice)", 11.0, 45.0,
                "Garcia-Cremades 2018 Eur J Pharm Sci 115:296", lambda evidence: growth_inhibition(evidence.patients)),
    Requirement("T21", "patients, effect lost by cycle 6, %", "57 (half to 85)", 28.0, 85.0,
                "Garcia-Cremades 2018 Eur J Pharm Sci 115:296", lambda evidence: lost_effect(evidence.patients)),
)  # fmt: skip
