"""organism_study: the same animals under several treatments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble import FlowCase, simulate, solve_flows, warn_of_flows
from jaxsim.errors import SimulationError
from jaxsim.models.coupling_inputs import concentrations
from jaxsim.models.organism import organism
from jaxsim.models.organism_animals import virtual_animals
from jaxsim.models.organism_outputs import arm_dataset, courses
from jaxsim.models.organism_scenarios import DAYS, OrganismArm, organism_schedules, scenarios, standard_regimen
from jaxsim.network import Network

if TYPE_CHECKING:
    import xarray

Real = float | int
DETERMINISTIC = "mean_field"
RELATIVE, CELLS = 1e-5, 0.1  # tolerances of a step: all courses are then right to about 1e-4
COSTS = ("wall_seconds", "compile_seconds")


def organism_study(
    arms: Sequence[OrganismArm] | None = None,
    *,
    animal: str = "mouse",
    animals: int = 1,
    regimen: Mapping[str, Dose] | None = None,
    days: Real | None = None,
    every: Real = 6.0,
    method: str = DETERMINISTIC,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] | None = None,
    **options: Any,
) -> "xarray.Dataset":
    """Simulate the same animals under several treatments, and return what is measured in them.

    Animal n has the same parameters in every arm and under every method.

    Parameters
    ----------
    arms
        Treatments; all named scenarios if not given.
    animal
        ``mouse`` or ``human``.
    animals
        How many; with one, the typical animal, else virtual animals whose parameters follow the laws of the
        parameter file.
    regimen
        Doses of agents that replace those of :func:`standard_regimen`.
    days
        How long; 21 for a mouse, 84 for a patient.
    every
        Hours between saved times.
    method
        Of :func:`jaxsim.simulate`: ``mean_field`` solves the rate equations of each animal; others draw one
        trajectory for each.
    seed
        From 0 to 2**64 - 1.
    settings
        Further arguments of :func:`organism`, such as ``without``, ``scale`` or a parameter.
    announce
        Called with the name of each arm before it is simulated; rate equations solve all arms at once.
    **options
        Further arguments of :func:`jaxsim.simulate`.

    Returns
    -------
    xarray.Dataset
        Over ``arm``, ``animal`` and ``time`` (h): the courses of ``tumour``, ``tolerant_share``, ``il1a_plasma``,
        ``gmp_relative`` and ``gmp_frequency``, ``neutrophils_relative``, ``nlr`` and others. Over ``arm`` and
        ``animal``: ``burden`` at the end, ``eradicated``, ``nadir``, ``nadir_day``, ``days_below_half`` and others.
        Over ``animal``: the parameters in which animals differ, as ``parameter_<name>``.

    Raises
    ------
    JaxsimError
        In one sentence, if the study cannot be run as asked.

    Examples
    --------
    >>> from jaxsim.models import scenarios
    >>> study = organism_study(scenarios(["vehicle", "chemo"]), days=4)
    >>> bool(study["tumour"].sel(arm="chemo").isel(time=-1) < study["tumour"].sel(arm="vehicle").isel(time=-1))
    True
    """
    import xarray

    arms = scenarios() if arms is None else tuple(arms)
    times = _save_times(DAYS.get(animal, 0.0) if days is None else days, every)
    _check(arms, animals)
    given = {"virtual": animals > 1, **dict(settings or {})}
    networks = [organism(animal, **(given if arm.tumour else {**given, "tumour": 0})) for arm in arms]
    doses = standard_regimen(animal) | dict(regimen or {})
    schedules = organism_schedules(arms, doses, float(times[-1]))
    traits = virtual_animals(networks[0], animals, seed) if animals > 1 else {}
    states: Iterable[np.ndarray]
    if method == DETERMINISTIC:
        states, cost = _solved(networks, schedules, traits, times, animals, options)
    else:
        states, cost = _drawn(arms, networks, schedules, times, animals, announce, method=method, seed=seed, **options)
    antibody = [concentrations(net, plan, times)["anti_il1a"] for net, plan in zip(networks, schedules, strict=True)]
    found = [courses(net, one, traits, nM) for net, one, nM in zip(networks, states, antibody, strict=True)]
    joined = xarray.concat([arm_dataset(one, times) for one in found], dim="arm", combine_attrs="drop_conflicts")
    return (
        joined.assign({f"parameter_{name}": ("animal", values) for name, values in traits.items()})
        .assign({name: ("arm", values) for name, values in cost.items()})
        .assign_coords(arm=[arm.name for arm in arms])
        .assign_attrs(
            animal=animal,
            animals=animals,
            method=method,
            seed=str(seed),
            scale=float(networks[0].parameters["scale"]),
            without=", ".join(given.get("without", ())),
        )
    )


def _solved(
    networks: Sequence[Network],
    schedules: Sequence[Schedule],
    traits: Mapping[str, np.ndarray],
    times: np.ndarray,
    animals: int,
    options: Mapping[str, Any],
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the counts [arm, animal, time, species] by rate equations, all in one call, and what they cost."""
    cases = [FlowCase(net, plan, traits, animals) for net, plan in zip(networks, schedules, strict=True)]
    scale = float(networks[0].parameters["scale"])
    found = solve_flows(cases, times, **{"rtol": RELATIVE, "atol": max(CELLS * scale, 1e-9), **options})
    warn_of_flows(found)
    shares = np.ones(len(networks)) / len(networks)
    cost = {"wall_seconds": found.wall_seconds * shares, "compile_seconds": found.compile_seconds * shares}
    return found.mean.reshape(len(networks), animals, times.size, -1), cost


def _drawn(
    arms: Sequence[OrganismArm],
    networks: Sequence[Network],
    schedules: Sequence[Schedule],
    times: np.ndarray,
    animals: int,
    announce: Callable[[str], None] | None,
    **options: Any,
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return the counts [arm][animal, time, species], one trajectory for each animal, and what they cost."""
    states, cost = [], []
    for arm, network, schedule in zip(arms, networks, schedules, strict=True):
        if announce is not None:
            announce(arm.name)
        out = simulate(network, times=times, schedule=schedule, trajectories=animals, keep="trajectories", **options)
        states.append(np.asarray(out["trajectories"].transpose("trajectory", "time", "species").values, np.float64))
        cost.append([out.attrs[name] for name in COSTS])
    return states, dict(zip(COSTS, np.transpose(cost), strict=True))


def _save_times(days: Real, every: Real) -> np.ndarray:
    if not (np.isfinite(days) and days > 0):
        raise SimulationError(f"the study lasts {days:g} days; give a positive number of days")
    if not (np.isfinite(every) and 0 < every <= 24 * days):
        raise SimulationError(f"states would be saved every {every:g} h of {days:g} days; give a shorter interval")
    steps = int(np.ceil(24 * days / every - 1e-9))
    return np.minimum(np.arange(steps + 1) * float(every), 24.0 * days)


def _check(arms: Sequence[OrganismArm], animals: int) -> None:
    names = [arm.name for arm in arms]
    if not names:
        raise SimulationError("the study has no arms; give at least one OrganismArm")
    for name in names:
        if names.count(name) > 1:
            raise SimulationError(f"two arms are called '{name}'; rename one of them")
    if animals < 1:
        raise SimulationError(f"the study has {animals} animals; give at least one")
