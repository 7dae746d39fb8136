"""organism_study: the same animals under several treatments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble import FlowCase, simulate, solve_flows, warn_of_flows
from jaxsim.errors import SimulationError
from jaxsim.models.coupled.organism import concentrations
from jaxsim.models.organism.animals import virtual_animals
from jaxsim.models.organism.network import organism
from jaxsim.models.organism.reactions import FREE
from jaxsim.models.organism.scenarios import DAYS, OrganismArm, organism_schedules, scenarios, standard_regimen
from jaxsim.network import Network, evaluate, parse
from jaxsim.runtime.double import double_precision

if TYPE_CHECKING:
    import xarray


# What simulated organisms show: courses of what is measured, and one number per animal for what is decided.

_QUANTITIES = {  # observables of the network: long name and unit
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
_Courses = Mapping[str, Float[np.ndarray, "animal time"]]


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
        measured = [pair for pair in network.structure.observables if pair[0] in _QUANTITIES] + list(FREE_LAWS.items())
        found = {name: np.broadcast_to(np.asarray(evaluate(law, env)), shape) for name, law in measured}
    return {**found, "tumour_neutrophils": env["TN"], "pore_positive": env["Y"], "dying": env["A"]}


def outcomes(
    courses: _Courses, times: Float[np.ndarray, " time"]
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


def arm_dataset(found: _Courses, times: np.ndarray) -> "xarray.Dataset":
    """Return the courses and outcomes of the animals of one arm."""
    import xarray

    fields: dict[str, Any] = {}
    for name, value in found.items():
        long, unit = _QUANTITIES[name]
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


_Real = float | int
DETERMINISTIC = "mean_field"
_RELATIVE, _CELLS = 1e-5, 0.1  # tolerances of a step: all courses are then right to about 1e-4
COSTS = ("wall_seconds", "compile_seconds")


def organism_study(
    arms: Sequence[OrganismArm] | None = None,
    *,
    animal: str = "mouse",
    animals: int = 1,
    regimen: Mapping[str, Dose] | None = None,
    days: _Real | None = None,
    every: _Real = 6.0,
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
    found = solve_flows(cases, times, **{"rtol": _RELATIVE, "atol": max(_CELLS * scale, 1e-9), **options})
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


def _save_times(days: _Real, every: _Real) -> np.ndarray:
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
