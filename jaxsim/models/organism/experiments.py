"""The experiments that the organism is held against: tumour mice in seven arms, links turned off, injections, repeats.

Experiments of one group have schedules of one shape, so that the rate equations of a whole group, in all animals, are
solved side by side by one compiled program.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble import FlowCase, solve_flows, warn_of_flows
from jaxsim.models.coupled.organism import concentrations
from jaxsim.models.organism.animals import virtual_animals
from jaxsim.models.organism.network import organism
from jaxsim.models.organism.scenarios import SCENARIOS, mouse_regimen
from jaxsim.models.organism.study import courses
from jaxsim.network import Network

_RELATIVE, _CELLS = 1e-5, 0.1  # tolerances of a step: courses are then right to about 1e-4
SCALE = 0.1  # rate equations do not depend on it, and the largest marrow then fits into a 32-bit count
UNITS = {"gemcitabine": "mg/kg", "cisplatin": "mg/kg", "cyclophosphamide": "mg/kg", "fluorouracil": "mg/kg",
         "anti_il1a": "mg", "caspase1_inhibitor": "mg/kg", "il1_receptor_antagonist": "mg/kg", "il1a": "ng",
         "gcsf": "ug", "anti_cd8": "mg"}  # fmt: skip
DAY, WEEK = 24.0, 168.0
Times = tuple[float, ...]


@dataclass(frozen=True)
class Experiment:
    """One group of mice: what it is given, and in what it differs.

    Parameters
    ----------
    given
        Agent to the amount of each dose of its group's schedule; not given where it is absent.
    tumour
        Whether the mice bear one.
    settings
        Further arguments of :func:`organism`, such as ``without``.
    tolerant
        Whether some tumour cells are tolerant from the start.
    """

    given: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)
    tumour: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    tolerant: bool = True


@dataclass(frozen=True)
class Group:
    """Experiments whose doses have the same times.

    Parameters
    ----------
    doses
        Agent to the hours of its doses.
    times
        Hours at which the state is kept.
    experiments
        By name.
    """

    doses: Mapping[str, Times]
    times: Float[np.ndarray, " time"]
    experiments: Mapping[str, Experiment]


ExperimentResults = dict[str, dict[str, Float[np.ndarray, "animal _"]]]  # by experiment and quantity


def hourly(days: float, every: float) -> np.ndarray:
    """Return times so many hours apart."""
    return np.arange(0.0, DAY * days + 0.5 * every, every)


REPEATS, WITH_GCSF = 28, 15  # daily injections
CHEMO, BOTH = {"gemcitabine": 120.0}, {"gemcitabine": 120.0, "anti_il1a": 0.2}
OFF = {  # what a row of the table of targets turns off: links
    "marrow routes": ("marrow_routes",),
    "blood-borne IL-1": ("blood_borne_il1",),
    "tumour G-CSF": ("tumour_gcsf",),
    "local recruitment": ("local_recruitment",),
    "harm": ("harm",),
    "pyroptosis": ("pyroptosis",),
    "recovery": ("recovery",),
    "shelter": ("shelter",),
}


def arms(cycles: int = 3) -> Group:
    """Return the seven arms of the standard regimen over so many weeks, and three days more.

    Examples
    --------
    >>> list(arms().experiments)[:3]
    ['vehicle', 'chemo', 'chemo+antibody']
    """
    regimen = {name: dose for name, dose in mouse_regimen(cycles).items() if name != "cisplatin"}
    doses = {name: tuple(float(time) for time in dose.starts(np)) for name, dose in regimen.items()}
    amounts = {name: float(dose.amounts(np)[0]) for name, dose in regimen.items()}
    experiments = {
        name: Experiment({agent: amounts[agent] for agent in arm.agents if agent in amounts}, arm.tumour)
        for name, arm in SCENARIOS.items()
    }
    return Group(doses, hourly(7.0 * cycles + 3.0, 6.0), experiments)


def tumours() -> Group:
    """Return the seven arms, and vehicle, chemotherapy and that with the antibody with each link turned off."""
    group = arms()
    found = dict(group.experiments)
    for name, links in OFF.items():
        off = {"without": links}
        found |= {
            f"vehicle, no {name}": Experiment(settings=off),
            f"chemo, no {name}": Experiment(CHEMO, settings=off),
            f"chemo+antibody, no {name}": Experiment(BOTH, settings=off),
        }
    found["chemo, no tolerance"] = Experiment(CHEMO, settings={"without": ("tolerance",)}, tolerant=False)
    return replace(group, experiments=found)


def injections() -> Group:
    """Return mice without tumour after one dose of IL-1alpha, gemcitabine or cyclophosphamide, both, or daily doses."""

    def mouse(**given: Any) -> Experiment:
        return Experiment(given, tumour=False)

    def once(nanograms: float, day: int) -> tuple[float, ...]:
        return tuple(nanograms if n == day else 0.0 for n in range(REPEATS))

    poison = {"cyclophosphamide": 200.0}
    experiments = {
        "80 ng": mouse(il1a=once(80.0, 0)),
        "cyclophosphamide": mouse(**poison),
        "cyclophosphamide, 8 ng": mouse(**poison, il1a=once(8.0, 1)),
        "cyclophosphamide, 80 ng": mouse(**poison, il1a=once(80.0, 1)),
        "gemcitabine": mouse(gemcitabine=120.0),
        "800 ng daily": mouse(il1a=800.0),
        "G-CSF daily": mouse(gcsf=2.5),
    }
    doses = {
        "gemcitabine": (0.0,),
        "cyclophosphamide": (0.0,),
        "il1a": tuple(DAY * n for n in range(REPEATS)),
        "gcsf": tuple(DAY * n for n in range(WITH_GCSF)),
    }
    times = np.unique(np.concatenate([[2.0], hourly(21.0, 3.0), hourly(40.0, 6.0)]))
    return Group(doses, times, experiments)


def run_group(
    group: Group, animals: int = 1, seed: int = 1, settings: Mapping[str, Any] | None = None
) -> tuple[ExperimentResults, Network]:
    """Solve the rate equations of all experiments of a group, in the same animals.

    Parameters
    ----------
    group
        Such as ``arms()``.
    animals
        Virtual animals; with one, the typical one.
    seed
        Of the animals.
    settings
        Arguments of :func:`organism` in every experiment.

    Returns
    -------
    dict
        Courses by experiment and quantity, [animal, time] each.
    Network
        The typical mouse of the last experiment.
    """
    shared = {"virtual": animals > 1, "scale": SCALE, **dict(settings or {})}
    cases, traits = [], {}
    for experiment in group.experiments.values():
        network = organism(**{**shared, **experiment.settings, **({} if experiment.tumour else {"tumour": 0})})
        if not experiment.tolerant:
            network = network.with_initial(S=network.initial["S"] + network.initial["T"], T=0)
        traits = virtual_animals(organism(virtual=True), animals, seed) if animals > 1 else {}
        fixed = {name: 0.0 * traits[name] for name in network.parameters if _off(network, name, traits)}
        cases.append(FlowCase(network, _schedule(group, experiment), {**traits, **fixed}, animals))
    found = solve_flows(cases, group.times, rtol=_RELATIVE, atol=_CELLS * SCALE)
    warn_of_flows(found)
    states = found.mean.reshape(len(cases), animals, group.times.size, -1)
    results: ExperimentResults = {}
    for name, case, one in zip(group.experiments, cases, states, strict=True):
        assert case.schedule is not None
        antibody = concentrations(case.network, case.schedule, group.times)["anti_il1a"]
        results[name] = courses(case.network, one, dict(case.parameters), antibody)
    return results, cases[-1].network


def _off(network: Network, name: str, traits: Mapping[str, np.ndarray]) -> bool:
    """Return whether a parameter in which animals differ belongs to a link that is turned off."""
    value = network.parameters[name]
    return name in traits and isinstance(value, float | int) and value == 0


def _schedule(group: Group, experiment: Experiment) -> Schedule:
    entries = {}
    for agent, hours in group.doses.items():
        amount = np.broadcast_to(np.asarray(experiment.given.get(agent, 0.0), np.float64), (len(hours),))
        entries[agent] = Dose(amount.copy(), UNITS[agent], at=np.array(hours))
    return Schedule(**entries)


EXPERIMENTS: dict[str, Callable[[], Group]] = {"arms": tumours, "injections": injections}
