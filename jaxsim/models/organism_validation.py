"""Which targets hold in a study of virtual animals, animal by animal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.models.intervals import BAND, wilson

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Sign:
    """A comparison of two arms that should come out below 1, or above.

    Parameters
    ----------
    target
        Its number and what it says.
    above, below
        Arms: the measure of the first is divided by that of the second.
    measure
        Of one arm, per animal.
    wanted
        ``<`` or ``>``.
    hours
        How long a study must be to tell.
    """

    target: str
    above: str
    below: str
    measure: Callable[["xarray.Dataset"], "xarray.DataArray"]
    wanted: str
    hours: float = 0.0


def outcome(name: str) -> Callable[["xarray.Dataset"], "xarray.DataArray"]:
    """Return the measure that an outcome is."""
    return lambda arm: arm[name]


def at(name: str, hour: float) -> Callable[["xarray.Dataset"], "xarray.DataArray"]:
    """Return the measure that a course is at an hour."""
    return lambda arm: arm[name].interp(time=hour)


def area(name: str, hours: float) -> Callable[["xarray.Dataset"], "xarray.DataArray"]:
    """Return the measure that the area under a course is, from the start."""
    return lambda arm: arm[name].sel(time=slice(0.0, hours)).integrate("time")


def centre(name: str, hours: float) -> Callable[["xarray.Dataset"], "xarray.DataArray"]:
    """Return the measure that the mean time of a course is."""

    def measure(arm: "xarray.Dataset") -> "xarray.DataArray":
        course = arm[name].sel(time=slice(0.0, hours))
        return (course * course["time"]).integrate("time") / course.integrate("time")

    return measure


WEEK, LONG = 168.0, 1e4  # h: one cycle, and more than any study
BLOOD = "neutrophils_relative"
SIGNS = (
    Sign("T4 chemo raises GMP frequency, day 4", "chemo", "vehicle", at("gmp_frequency", 96.0), ">", 96.0),
    Sign("T5 antibody returns GMP toward vehicle", "chemo+antibody", "chemo", at("gmp_relative", 96.0), "<", 96.0),
    Sign("T5 inhibitor returns GMP toward vehicle", "chemo+inhibitor", "chemo", at("gmp_relative", 96.0), "<", 96.0),
    Sign("T5 antibody lowers blood neutrophils", "chemo+antibody", "chemo", area(BLOOD, LONG), "<"),
    Sign("T5 inhibitor lowers blood neutrophils", "chemo+inhibitor", "chemo", area(BLOOD, LONG), "<"),
    Sign("T6 antibody improves chemo", "chemo+antibody", "chemo", outcome("burden"), "<"),
    Sign("T6 inhibitor improves chemo", "chemo+inhibitor", "chemo", outcome("burden"), "<"),
    Sign(
        "T7 without tumour GMP do not rise, day 4", "tumour-free+chemo", "vehicle", at("gmp_relative", 96.0), "<", 96.0
    ),
    Sign("T13 chemo lowers tumour neutrophils, 24 h", "chemo", "vehicle", at("tumour_neutrophils", 24.0), "<", 24.0),
    Sign("T13 chemo lowers tumour neutrophils, 48 h", "chemo", "vehicle", at("tumour_neutrophils", 48.0), "<", 48.0),
    Sign("T14 receptor antagonist improves chemo", "chemo+antagonist", "chemo", outcome("burden"), "<"),
    Sign("T15 antibody deepens the nadir", "chemo+antibody", "chemo", outcome("nadir"), "<"),
    Sign("T16 inhibitor leaves less IL-1alpha", "chemo+inhibitor", "chemo", area("il1a_tumour", WEEK), "<", WEEK),
    Sign("T16 and leaves it later", "chemo+inhibitor", "chemo", centre("il1a_tumour", WEEK), ">", WEEK),
)


def validate(study: "xarray.Dataset") -> "xarray.Dataset":
    """Return in how many animals each target holds, for the targets whose arms and times the study has.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.organism_study`, for as long as it lasted.

    Returns
    -------
    xarray.Dataset
        Over ``target``: ``wanted``, ``ratio`` of the two arms over ``quantile`` (5, 50, 95 % of the animals), ``share``
        of animals in which it holds with its 95 % limits, and ``holds``, whether it does in most.

    Examples
    --------
    >>> from jaxsim.models import organism_study, scenarios
    >>> study = organism_study(scenarios(["vehicle", "chemo"]), days=4)
    >>> validate(study)["holds"].values.tolist()
    [True, True, True]
    """
    import xarray

    present = set(study["arm"].values.tolist())
    end = float(study["time"][-1])
    signs = [sign for sign in SIGNS if {sign.above, sign.below} <= present and sign.hours <= end]
    ratios = [
        np.asarray(sign.measure(study.sel(arm=sign.above)) / sign.measure(study.sel(arm=sign.below))) for sign in signs
    ]
    holds = [(ratio < 1) if sign.wanted == "<" else (ratio > 1) for sign, ratio in zip(signs, ratios, strict=True)]
    share = np.array([np.mean(one) for one in holds])
    low, high = wilson(share, study.sizes["animal"])
    return xarray.Dataset(
        {
            "wanted": ("target", [f"{sign.wanted} 1" for sign in signs]),
            "comparison": ("target", [f"{sign.above} / {sign.below}" for sign in signs]),
            "ratio": (("target", "quantile"), np.array([np.quantile(ratio, BAND) for ratio in ratios])),
            "share": ("target", share),
            "share_low": ("target", low),
            "share_high": ("target", high),
            "holds": ("target", share > 0.5),
        },
        {"target": [sign.target for sign in signs], "quantile": list(BAND)},
    )
