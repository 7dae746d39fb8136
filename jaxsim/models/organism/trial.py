"""organism_trial: the same animals under several schedules, by rate equations."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.ensemble import FlowCase, solve_flows, warn_of_flows
from jaxsim.errors import ScheduleError
from jaxsim.models.organism.animals import virtual_animals
from jaxsim.models.organism.network import organism
from jaxsim.models.organism.study import courses

if TYPE_CHECKING:
    import xarray

_Real = float | int
RELATIVE, CELLS = 1e-4, 1.0  # tolerances of a step: log10 of the tumour is then right to about 1e-4


def organism_trial(
    schedules: Mapping[str, Schedule],
    *,
    animals: int = 32,
    seed: int = 0,
    days: _Real = 21.0,
    every: _Real = 6.0,
    settings: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] | None = None,
) -> "xarray.Dataset":
    """Solve the rate equations of the same mice under several schedules, and return what becomes of each.

    Differences between schedules are differences of pairs: animal n has the same parameters under all of them.

    Parameters
    ----------
    schedules
        By name; of inputs of :func:`organism`, times in hours.
    animals
        How many; with one, the typical animal, else virtual ones.
    seed
        Of the animals.
    days, every
        How long, and hours between the times at which the nadir is looked for.
    settings
        Further arguments of :func:`organism`, such as ``without`` or a parameter.
    announce
        Called with the name of each schedule before it is solved.

    Returns
    -------
    xarray.Dataset
        Over ``schedule`` and ``animal``: ``log10_tumour`` at the end (of at least one cell) and ``nadir``, the
        smallest count of blood neutrophils relative to baseline.

    Raises
    ------
    JaxsimError
        In one sentence, where a schedule or a setting makes no sense.

    Examples
    --------
    >>> from jaxsim.dosing import Dose
    >>> plans = {"none": Schedule(), "chemo": Schedule(gemcitabine=Dose(120, "mg/kg", at=0.0))}
    >>> found = organism_trial(plans, animals=1, days=4)
    >>> bool(found["log10_tumour"].sel(schedule="chemo") < found["log10_tumour"].sel(schedule="none"))
    True
    """
    import xarray

    if not schedules:
        raise ScheduleError("there is no schedule to try; give at least one")
    network = organism(**{"virtual": animals > 1, **dict(settings or {})})
    traits = virtual_animals(network, animals, seed) if animals > 1 else {}
    times = np.minimum(np.arange(np.ceil(24.0 * days / every) + 1) * every, 24.0 * days)
    rows = []
    for name, schedule in schedules.items():
        if announce is not None:
            announce(name)
        found = solve_flows([FlowCase(network, schedule, traits, animals)], times, rtol=RELATIVE, atol=CELLS)
        warn_of_flows(found)
        shown = courses(network, found.mean, traits)
        rows.append((np.log10(np.maximum(shown["tumour"][:, -1], 1.0)), shown["neutrophils_relative"].min(axis=1)))
    both = np.array(rows)  # schedule, quantity, animal
    return xarray.Dataset(
        {
            "log10_tumour": (("schedule", "animal"), both[:, 0], {"long_name": "log10 of the tumour at the end"}),
            "nadir": (("schedule", "animal"), both[:, 1], {"long_name": "nadir of blood neutrophils, of baseline"}),
        },
        {"schedule": list(schedules)},
        {"animals": animals, "seed": str(seed), "days": float(days)},
    )
