"""What simulated organisms show: courses of what is measured, and one number per animal for what is decided."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from jaxsim.ensemble.double import double_precision
from jaxsim.models.organism_reactions import FREE
from jaxsim.network import Network, evaluate, parse

if TYPE_CHECKING:
    import xarray

QUANTITIES = {  # observables of the network: long name and unit
    "tumour": ("living tumour cells", "counts"),
    "tolerant_share": ("tolerant share of undamaged tumour cells", "1"),
    "il1a_plasma": ("IL-1alpha in plasma, free and bound", "pg/mL"),
    "il1a_plasma_free": ("free IL-1alpha in plasma", "pg/mL"),
    "il1a_tumour": ("IL-1alpha in the tumour, free and bound", "pg"),
    "il1a_tumour_free": ("free IL-1alpha in the tumour", "pg"),
    "il1_signal": ("early IL-1 signal in the marrow", "1"),
    "pu1": ("PU.1 programme in the marrow", "1"),
    "gcsf_relative": ("G-CSF relative to baseline", "1"),
    "hspc_relative": ("HSPC relative to baseline", "1"),
    "gmp_relative": ("GMP count relative to baseline", "1"),
    "gmp_frequency": ("GMP as a share of progenitors", "1"),
    "gmp_frequency_marrow": ("GMP as a share of progenitors and granulocytic marrow", "1"),
    "marrow_relative": ("marrow cells relative to baseline", "1"),
    "reserve_relative": ("marrow reserve of neutrophils relative to baseline", "1"),
    "neutrophils_relative": ("blood neutrophils relative to baseline", "1"),
    "lymphocytes_relative": ("blood lymphocytes relative to baseline", "1"),
    "white_cells_relative": ("circulating white cells relative to baseline", "1"),
    "nlr": ("circulating neutrophils over lymphocytes", "1"),
    "neutrophils_per_tumour_cell": ("tumour neutrophils per living tumour cell", "1"),
    "harm": ("harm done by tumour neutrophils, of the most", "1"),
    "tumour_neutrophils": ("tumour neutrophils", "counts"),
    "pore_positive": ("tumour cells with pores, not yet lysed", "counts"),
    "dying": ("apoptotic tumour cells, not yet cleared", "counts"),
}
SEVERE = 0.1  # of baseline: neutrophils below it are severe neutropenia, as 0.5e9/L of 5e9/L in patients
NEUTROPENIA = 0.5  # of baseline; the time below it is an outcome
FREE_LAWS = {name: parse(text) for name, text in FREE.items()}
Courses = Mapping[str, Float[np.ndarray, "animal time"]]


def courses(
    network: Network,
    states: Float[np.ndarray, "animal time species"],
    animals: Mapping[str, Float[np.ndarray, " animal"]],
    antibody: Float[np.ndarray, " time"] | None = None,
) -> dict[str, Float[np.ndarray, "animal time"]]:
    """Return the measured quantities of every animal.

    Parameters
    ----------
    network
        What was simulated.
    states
        Counts.
    animals
        Parameters in which animals differ; all others are those of the network.
    antibody
        Anti-IL-1alpha antibody in plasma, nM, at the times of the states; none if not given.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> network = organism(tumour=0)
    >>> start = np.array(list(network.initial.values()), np.float64)[None, None, :]
    >>> round(float(courses(network, start, {})["neutrophils_relative"][0, 0]), 6)
    1.0
    """
    shape = states.shape[:2]
    values = {**network.parameters, **{name: value[:, None] for name, value in animals.items()}}
    with double_precision():
        env: dict[str, Any] = {k: np.broadcast_to(np.asarray(v, np.float64), shape) for k, v in values.items()}
        env |= {name: states[:, :, s] for s, name in enumerate(network.structure.species)}
        env["anti_il1a"] = np.broadcast_to(0.0 if antibody is None else antibody, shape)
        measured = [pair for pair in network.structure.observables if pair[0] in QUANTITIES] + list(FREE_LAWS.items())
        found = {name: np.broadcast_to(np.asarray(evaluate(law, env)), shape) for name, law in measured}
    return {**found, "tumour_neutrophils": env["TN"], "pore_positive": env["Y"], "dying": env["A"]}


def outcomes(
    courses: Courses, times: Float[np.ndarray, " time"]
) -> dict[str, tuple[Float[np.ndarray, " animal"], str]]:
    """Return one number per animal and its unit, for each outcome.

    Parameters
    ----------
    courses
        From :func:`courses`.
    times
        Hours; what happens between them is not seen.

    Examples
    --------
    >>> dip = {"neutrophils_relative": np.array([[1.0, 0.4, 0.4, 0.9]])}
    >>> found = outcomes(dip, np.array([0.0, 24.0, 48.0, 72.0]))
    >>> {name: round(float(value[0]), 2) for name, (value, unit) in found.items()}
    {'nadir': 0.4, 'nadir_day': 1.0, 'days_below_half': 1.37, 'days_below_tenth': 0.0, 'neutrophil_peak': 1.0}
    """
    found: dict[str, tuple[np.ndarray, str]] = {}
    if "tumour" in courses:
        tumour = courses["tumour"]
        found["burden"] = (tumour[:, -1], "counts")
        ill = tumour[:, 0] > 0
        found["eradicated"] = (np.where(ill, tumour[:, -1] < 0.5, np.nan), "1")  # half a cell where counts are real
        found["controlled"] = (np.where(ill, np.all(tumour <= tumour[:, :1], axis=1), np.nan), "1")
        found["tolerant"] = (courses["tolerant_share"][:, -1], "1")
        found["il1a_peak"] = (courses["il1a_plasma"].max(axis=1), "pg/mL")
        found["tumour_neutrophil_exposure"] = (_area(courses["tumour_neutrophils"], times) / 24.0, "counts d")
        for name in ("gmp_relative", "gmp_frequency", "nlr"):
            for day in (day for day in (2, 4, 7, 14) if 24 * day <= times[-1]):
                found[f"{name}_day_{day}"] = (_at(courses[name], times, 24.0 * day), "1")
    neutrophils = courses["neutrophils_relative"]
    found["nadir"] = (neutrophils.min(axis=1), "1")
    found["nadir_day"] = (times[neutrophils.argmin(axis=1)] / 24.0, "d")
    found["days_below_half"] = (_time_below(neutrophils, times, NEUTROPENIA) / 24.0, "d")
    found["days_below_tenth"] = (_time_below(neutrophils, times, SEVERE) / 24.0, "d")
    found["neutrophil_peak"] = (neutrophils.max(axis=1), "1")
    return found


def arm_dataset(found: Courses, times: np.ndarray) -> "xarray.Dataset":
    """Return the courses and outcomes of the animals of one arm."""
    import xarray

    fields: dict[str, Any] = {}
    for name, value in found.items():
        long, unit = QUANTITIES[name]
        fields[name] = (("animal", "time"), value, {"long_name": long, "units": unit})
    for name, (number, unit) in outcomes(found, times).items():
        fields[name] = (("animal",), number, {"units": unit})
    return xarray.Dataset(fields, {"time": ("time", times, {"long_name": "time", "units": "h"})})


def _area(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    return np.asarray(np.trapezoid(values, times, axis=1))


def _at(values: np.ndarray, times: np.ndarray, hour: float) -> np.ndarray:
    return np.array([np.interp(hour, times, row) for row in values])


def _time_below(values: np.ndarray, times: np.ndarray, line: float) -> np.ndarray:
    """Return how long the piecewise linear curves are below a line."""
    first, second, step = values[:, :-1] - line, values[:, 1:] - line, np.diff(times)[None, :]
    low, high = np.minimum(first, second), np.maximum(first, second)
    crossing = (low < 0) & (high > 0)
    share = np.where(crossing, low / np.where(crossing, low - high, 1.0), (high <= 0) & (low < 0))
    return np.asarray((share * step).sum(axis=1))
