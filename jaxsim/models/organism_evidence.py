"""What the table of targets looks at: virtual mice in every arm, injected mice, and virtual patients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble import FlowCase, solve_flows, warn_of_flows
from jaxsim.models.friberg import BASELINE, PER_UNIT, docetaxel_schedule, friberg
from jaxsim.models.organism import organism
from jaxsim.models.organism_agents import il1a_counts
from jaxsim.models.organism_animals import virtual_animals
from jaxsim.models.organism_outputs import courses
from jaxsim.models.organism_scenarios import scenarios
from jaxsim.models.organism_study import organism_study
from jaxsim.models.organism_targets import DAMAGE, INJECTION
from jaxsim.network import Network

if TYPE_CHECKING:
    import xarray

SCALE = 0.01  # rate equations do not depend on it; 800 ng then fit into 32 bits however little a cell holds
INJECTED_DAYS, INJECTED_EVERY = 8.0, 3.0  # h between saved times
PATIENT_DAYS = 168.0  # six cycles
RELATIVE, CELLS = 1e-4, 0.1  # tolerances of a step: courses are then right to about 3e-4
INJECTIONS = {  # name: marrow damaged, injected IL-1alpha in ng
    "healthy, 0": (False, 0),
    "healthy, 80": (False, 80),
    "damaged, 0": (True, 0),
    "damaged, 8": (True, 8),
    "damaged, 80": (True, 80),
    "damaged, 800": (True, 800),
}
Courses = Mapping[str, Float[np.ndarray, "animal time"]]


@dataclass(frozen=True)
class Evidence:
    """Results of all experiments under one hypothesis."""

    network: Network
    """The typical mouse."""
    mice: "xarray.Dataset"
    """All scenarios, 21 days."""
    times: Float[np.ndarray, " time"]
    """Of the injections, h after the marrow was damaged."""
    injected: Mapping[str, Courses]
    """Mice without tumour, by experiment."""
    patients: "xarray.Dataset"
    """Six cycles of gemcitabine alone, and none."""
    docetaxel: tuple[float, float]
    """Nadir, of baseline, and its day, of the yardstick Friberg 2002."""


def gather_evidence(
    hypothesis: str = "both", *, animals: int = 1000, seed: int = 1, announce: Callable[[str], None] | None = None
) -> Evidence:
    """Run every experiment of the table of targets by rate equations, in the same virtual animals.

    Parameters
    ----------
    hypothesis
        Of :func:`organism`.
    animals
        Virtual mice, and virtual patients; 1 for the typical ones.
    seed
        Of the animals.
    announce
        Called with the name of each group of experiments before it.
    """
    tell = announce or (lambda _: None)
    settings: dict[str, Any] = {"hypothesis": hypothesis}
    tell(f"{hypothesis}: mice in {len(scenarios())} arms")
    mice = organism_study(scenarios(), animals=animals, seed=seed, settings=settings, rtol=RELATIVE)
    tell(f"{hypothesis}: mice injected with IL-1alpha")
    times, injected = _injected(settings, animals, seed)
    tell(f"{hypothesis}: patients")
    weeks = [672.0 * cycle + day for cycle in range(6) for day in (0.0, 168.0, 336.0)]
    patients = organism_study(
        scenarios(["vehicle", "chemo"]),
        animal="human",
        animals=animals,
        regimen={
            "gemcitabine": Dose(1000.0, "mg/m2", at=weeks, duration=0.5),
            "cisplatin": Dose(0.0, "mg/m2", at=[0.0], duration=2.0),
        },
        days=PATIENT_DAYS,
        every=24.0,
        seed=seed,
        settings=settings,
        rtol=RELATIVE,
    )
    return Evidence(organism(**settings), mice, times, injected, patients, docetaxel_nadir())


def _injected(settings: Mapping[str, Any], animals: int, seed: int) -> tuple[np.ndarray, dict[str, Courses]]:
    """Return the times and the courses of mice without tumour; an amount in ng is other counts in other mice."""
    network = organism(tumour=0, scale=SCALE, virtual=animals > 1, **settings)
    traits = virtual_animals(network, animals, seed) if animals > 1 else {}
    times = np.arange(0.0, 24.0 * INJECTED_DAYS + 1.0, INJECTED_EVERY)
    mice = [
        network.with_parameters(**{name: float(values[n]) for name, values in traits.items()}) for n in range(animals)
    ]
    plans = [[_injection(one, *given) for one in mice] for given in INJECTIONS.values()]
    cases = [FlowCase(one, plan) for row in plans for one, plan in zip(mice, row, strict=True)]
    found = solve_flows(cases, times, rtol=RELATIVE, atol=CELLS * SCALE)
    warn_of_flows(found)
    states = found.mean.reshape(len(INJECTIONS), animals, times.size, -1)
    return times, {name: courses(network, one, traits) for name, one in zip(INJECTIONS, states, strict=True)}


def _injection(mouse: Network, damaged: bool, nanograms: float | int) -> Schedule:
    damage = round(SCALE * DAMAGE * float(mouse.parameters["signal_counts"])) if damaged else 0
    amounts = {"EM": (damage, 0.0), "IP": (il1a_counts(nanograms, mouse), INJECTION)}
    return Schedule(**{name: Dose(float(amount), at=[hour]) for name, (amount, hour) in amounts.items()})


def docetaxel_nadir() -> tuple[float, float]:
    """Return the nadir, relative to baseline, and its day after 100 mg/m2 of docetaxel in the model of Friberg 2002.

    Examples
    --------
    >>> [round(number, 2) for number in docetaxel_nadir()]
    [0.19, 7.5]
    """
    hours = np.arange(0.0, 21 * 24 + 1, 3.0)
    found = solve_flows([FlowCase(friberg(), docetaxel_schedule())], hours)
    course = found.mean[0, :, -1] / (BASELINE * PER_UNIT)
    return float(course.min()), float(hours[course.argmin()] / 24)
