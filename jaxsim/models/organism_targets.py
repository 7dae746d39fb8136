"""What the organism is fitted to: experiments on the typical mouse, and what they should show, with tolerances."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from jaxsim.dosing import Dose
from jaxsim.ensemble import FlowCase, solve_flows, warn_of_flows
from jaxsim.models.organism import organism
from jaxsim.models.organism_agents import il1a_counts
from jaxsim.models.organism_outputs import arm_dataset, courses
from jaxsim.models.organism_scenarios import OrganismArm, organism_schedules, standard_regimen

if TYPE_CHECKING:
    import xarray

DAYS = 14.0
EVERY = 6.0  # h between saved times
RELATIVE, CELLS = 1e-6, 0.1  # tolerances of a step: differences between mice are then those of their numbers
SCALE = 0.1  # rate equations do not depend on it; 80 ng then fit into 32 bits at the least that a cell may hold
INJECTION = 24.0  # h after the marrow is damaged
DAMAGE = 3.0  # exposure of the marrow at once, in saturating pools: stands for cyclophosphamide 200 mg/kg
STANDARD = {"gemcitabine": 120.0, "antibody": 0.2}  # mg/kg, mg

# Name: bears a tumour, gemcitabine, antibody, marrow damage, injected IL-1alpha in ng.
EXPERIMENTS = {
    "vehicle": (True, 0, 0, 0, 0),
    "chemo": (True, 1, 0, 0, 0),
    "chemo+antibody": (True, 1, 1, 0, 0),
    "antibody": (True, 0, 1, 0, 0),
    "tumour-free+chemo": (False, 1, 0, 0, 0),
    "80 ng": (False, 0, 0, 0, 80),
    "damage": (False, 0, 0, 1, 0),
    "damage, 8 ng": (False, 0, 0, 1, 8),
    "damage, 80 ng": (False, 0, 0, 1, 80),
}
Results = Mapping[str, "xarray.Dataset"]


@dataclass(frozen=True)
class Target:
    """What a model should show.

    Parameters
    ----------
    name
        With the number of the target in the list of targets, if it has one.
    value
        Wanted.
    tolerance
        Standard deviation that a deviation is measured in. No source gives one; all are assumed.
    least, most
        Where the verdict is that it is met.
    source
        Of the sign or the number.
    measure
        From the results of the experiments.
    """

    name: str
    value: float
    tolerance: float
    least: float
    most: float
    source: str
    measure: Callable[[Results], float]


def at(result: "xarray.Dataset", name: str, hour: float) -> float:
    """Return a course at a saved hour."""
    return float(result[name].sel(time=hour))


def log_ratio(name: str, hour: float, above: str, below: str) -> Callable[[Results], float]:
    """Return the measure ln(above/below) of a course at an hour."""
    return lambda found: float(np.log(at(found[above], name, hour) / at(found[below], name, hour)))


def relative(name: str, hours: float, experiment: str) -> Callable[[Results], float]:
    """Return the measure of a course relative to baseline, so many hours after the injection."""
    return lambda found: at(found[experiment], name, INJECTION + hours)


def nadir(experiment: str) -> Callable[[Results], float]:
    """Return the measure of the lowest neutrophils relative to baseline."""
    return lambda found: float(found[experiment]["nadir"])


ASSUMED = "assumed; no source gives a number"
ACUTE, LATER = "Exp Hematol 1988;16:163, sign and time", "Exp Hematol 1989;17:805, sign, time and dose window"
BLOOD, GMP, MARROW = "neutrophils_relative", "gmp_relative", "marrow_relative"
TARGETS = (
    Target("T4 ln GMP frequency, chemo over vehicle, day 4", 0.3, 0.2, 0.02, 3.0, "paper Fig 4, sign",
           log_ratio("gmp_frequency", 96.0, "chemo", "vehicle")),
    Target("T6 ln burden, chemo + antibody over chemo, day 14", -0.2, 0.15, -3.0, -0.02, "news, sign",
           log_ratio("tumour", 336.0, "chemo+antibody", "chemo")),
    Target("ln burden, antibody over vehicle, day 14", -0.05, 0.05, -0.11, 0.11, ASSUMED,
           log_ratio("tumour", 336.0, "antibody", "vehicle")),
    Target("T8 blood neutrophils 6 h after 80 ng", 1.15, 0.07, 1.03, 9.0, ACUTE, relative(BLOOD, 6.0, "80 ng")),
    Target("T9 GMP 48 h after 80 ng", 1.15, 0.07, 1.05, 9.0, ACUTE, relative(GMP, 48.0, "80 ng")),
    Target("T9 GMP 6 h after 80 ng", 1.0, 0.02, 0.9, 1.03, ACUTE, relative(GMP, 6.0, "80 ng")),
    Target("T10 ln blood neutrophils, damage + 80 ng over damage, 4 days later", 0.15, 0.07, 0.03, 3.0, LATER,
           log_ratio(BLOOD, INJECTION + 96.0, "damage, 80 ng", "damage")),
    Target("T10 ln blood neutrophils, damage + 8 ng over damage, 4 days later", 0.0, 0.02, -0.03, 0.03, LATER,
           log_ratio(BLOOD, INJECTION + 96.0, "damage, 8 ng", "damage")),
    Target("T10 ln marrow cells, damage + 80 ng over damage, 2 days later", 0.05, 0.03, 0.005, 3.0, LATER,
           log_ratio(MARROW, INJECTION + 48.0, "damage, 80 ng", "damage")),
    Target("T13 ln tumour neutrophils, chemo over vehicle, 24 h", -0.2, 0.15, -3.0, -0.02,
           "Int Immunopharmacol 2009;9:900, sign and time", log_ratio("tumour_neutrophils", 24.0, "chemo", "vehicle")),
    Target("T13 ln tumour neutrophils, chemo over vehicle, 48 h", -0.2, 0.15, -3.0, -0.02,
           "Int Immunopharmacol 2009;9:900, sign and time", log_ratio("tumour_neutrophils", 48.0, "chemo", "vehicle")),
    Target("T15 nadir, chemo + antibody less chemo", -0.1, 0.05, -1.0, -0.02, "Van Cutsem 2024, sign",
           lambda found: nadir("chemo+antibody")(found) - nadir("chemo")(found)),
    Target("nadir without tumour, chemo", 0.5, 0.1, 0.25, 0.65, ASSUMED, nadir("tumour-free+chemo")),
    Target("ln plasma IL-1alpha, chemo over vehicle, 24 h", float(np.log(4.5)), 0.7, float(np.log(2)),
           float(np.log(10)), "recommended band 2 to 10, assumed", log_ratio("il1a_plasma", 24.0, "chemo", "vehicle")),
)  # fmt: skip


def experiments(many: Sequence[Mapping[str, Any]]) -> list[dict[str, "xarray.Dataset"]]:
    """Run all experiments on typical mice by rate equations, side by side.

    Parameters
    ----------
    many
        Arguments of :func:`organism`, one mapping for each mouse.

    Returns
    -------
    list of dict
        For each mouse, courses and outcomes by the name of the experiment.
    """
    times = np.arange(0.0, 24.0 * DAYS + 1.0, EVERY)
    cases = [case for settings in many for case in _cases(settings)]
    found = solve_flows(cases, times, rtol=RELATIVE, atol=CELLS * SCALE)
    warn_of_flows(found)
    shown = [
        arm_dataset(courses(case.network, mean[None], {}), times).isel(animal=0)
        for case, mean in zip(cases, found.mean, strict=True)
    ]
    size = len(EXPERIMENTS)
    return [dict(zip(EXPERIMENTS, shown[n * size : (n + 1) * size], strict=True)) for n in range(len(many))]


def _cases(settings: Mapping[str, Any]) -> list[FlowCase]:
    """Return a mouse in every experiment; all schedules have one shape."""
    networks = {bears: organism(**{**settings, "scale": SCALE, **({} if bears else {"tumour": 0})}) for bears in (0, 1)}
    regimen = standard_regimen()
    times = {
        "gemcitabine": regimen["gemcitabine"],
        "anti_il1a": regimen["anti_il1a"],
        "EM": Dose(0.0, at=[0.0]),
        "IP": Dose(0.0, at=[INJECTION]),
    }
    cases = []
    for name, (tumour, gemcitabine, antibody, damage, nanograms) in EXPERIMENTS.items():
        network = networks[int(tumour)]
        amounts = {
            "gemcitabine": STANDARD["gemcitabine"] * gemcitabine,
            "anti_il1a": STANDARD["antibody"] * antibody,
            "EM": float(round(SCALE * DAMAGE * damage * network.parameters["signal_counts"])),
            "IP": float(il1a_counts(nanograms, network)),
        }
        given = {agent: replace(times[agent], amount=amount) for agent, amount in amounts.items()}
        arm = OrganismArm(name, tuple(given), tumour)
        cases.append(FlowCase(network, organism_schedules([arm], given, 24.0 * DAYS)[0]))
    return cases


def measured(many: Sequence[Mapping[str, Any]]) -> Float[np.ndarray, "mouse target"]:
    """Return what each target measures in each mouse."""
    return np.array([[target.measure(found) for target in TARGETS] for found in experiments(many)])
