"""coupled_study: an organism whose tumour is of single cells, by tables of what cells do or cell by cell."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import NetworkError, SimulationError, SimulationWarning, closest
from jaxsim.kernels.state import Status
from jaxsim.models.coupled.cell import CellLaw, cell_in_tumour
from jaxsim.models.coupled.lanes import released
from jaxsim.models.coupled.online import OnlineRun, plan_run, run_online
from jaxsim.models.coupled.organism import around_tumour, check_cell_schedule, check_growth, concentrations
from jaxsim.models.coupled.tabulated import run_tables
from jaxsim.models.organism.network import organism
from jaxsim.models.organism.scenarios import OrganismArm, organism_schedules, scenarios, standard_regimen
from jaxsim.models.organism.study import arm_dataset, courses
from jaxsim.network import Network
from jaxsim.runtime.provenance import provenance
from jaxsim.runtime.workers import worker_count

if TYPE_CHECKING:
    import xarray


# What coupled runs show: courses and outcomes as those of organisms, and what only cells can tell.

_STANDING = {
    "pored": "living tumour cells with pores",
    "tolerant": "tolerant tumour cells",
    "dead": "apoptotic tumour cells, not cleared",
}
SUMMED = {
    "divisions": ("N", "divisions since the start"),
    "apoptoses": ("NA", "cells that became apoptotic since the start"),
    "lyses": ("PY", "cells that lysed since the start"),
    "kills": ("NK", "cells killed by effectors since the start"),
}


def online_dataset(
    law: CellLaw, around: Network, schedule: Schedule, tumour: int, animals: int, hours: float, step: float,
    between: int, seed: int, capacity: int,
) -> "xarray.Dataset":  # fmt: skip
    """Run one arm cell by cell, and return its courses at every `between` steps."""
    plan = plan_run(law, around, schedule, hours, step, capacity)
    devices = tuple(jax.devices()[:1])
    runs = [run_online(plan, tumour, seed, animal, worker_count(devices)) for animal in range(animals)]
    _warn(runs, capacity)
    times = plan.edges[::between]
    states = np.stack([_padded(run.states, plan.edges.size)[::between] for run in runs])
    shown = courses(around, states, {}, concentrations(around, schedule, times)["anti_il1a"])
    data = arm_dataset(_with_tolerant(shown, runs, plan.edges.size, between), times)
    fields: dict[str, Any] = {}
    for name, text in _STANDING.items():
        fields[name] = _course(runs, plan.edges.size, between, name, text, summed=False)
    for name, (entry, text) in SUMMED.items():
        fields[name] = _course(runs, plan.edges.size, between, entry, text, summed=True)
    fields["released"] = _released(runs, plan.edges.size, between)
    numbers = {
        "imbalance": [max((abs(ledger["imbalance"]) for ledger in run.ledgers), default=0) for run in runs],
        "imbalance_outside": [run.imbalance_outside for run in runs],
        "status": [run.status.label for run in runs],
        "events": [sum(ledger["events"] for ledger in run.ledgers) for run in runs],
        "lanes": [run.lanes for run in runs],
        "run_seconds": [run.seconds for run in runs],
    }
    fields |= {name: (("animal",), np.array(value)) for name, value in numbers.items()}
    return data.assign(fields).assign_attrs(step=step, **provenance(devices))


def tables_dataset(
    law: CellLaw, around: Network, schedule: Schedule, tumour: int, hours: float, every: float,
    table: "xarray.Dataset | None", settings: Mapping[str, Any], cell_settings: Mapping[str, Any],
    announce: Callable[[str], None] | None,
) -> "xarray.Dataset":  # fmt: skip
    """Run one arm by tables, and return its courses and their standard errors."""
    found = run_tables(law, around, schedule, tumour, hours, every, table, settings, cell_settings, announce)
    antibody = concentrations(around, schedule, found.times)["anti_il1a"]
    whole = courses(around, found.states[:1], {}, antibody)
    whole["tolerant_share"] = found.tolerant[:1]
    data = arm_dataset(whole, found.times)
    batches = courses(around, found.states[1:], {}, antibody)
    fields = {}
    for name in ("tumour", "il1a_plasma"):
        left = batches[name]
        spread = np.sqrt((len(left) - 1) / len(left) * np.sum((left - left.mean(axis=0)) ** 2, axis=0))
        fields[f"{name}_standard_error"] = (("animal", "time"), spread[None], {"long_name": "from the table's batches"})
    return data.assign(fields).assign_attrs(provenance(tuple(jax.devices()[:1])))


def _warn(runs: list[OnlineRun], capacity: int) -> None:
    """Say which runs stopped before the end, and why."""
    for status in sorted({run.status for run in runs if not run.status.fine}):
        number = sum(run.status is status for run in runs)
        reason = (
            f"had more than {capacity} cells; raise the capacity"
            if status is Status.OVERFLOW
            else "had a rate of the cell model that is not finite or negative; check cell_settings"
        )
        text = (
            f"{number} of {len(runs)} runs ended early with status '{status.label}': they {reason}. From then on NaN."
        )
        warnings.warn(text, SimulationWarning, stacklevel=4)


def _with_tolerant(
    found: dict[str, np.ndarray], runs: list[OnlineRun], rows: int, between: int
) -> dict[str, np.ndarray]:
    """Put the share of tolerant cells where the organism alone would have that of its own tolerant cells."""
    tolerant = np.stack([_row(run, rows, "tolerant", summed=False)[::between] for run in runs])
    return {**found, "tolerant_share": tolerant / np.maximum(found["tumour"], 1.0)}


def _course(runs: list[OnlineRun], rows: int, between: int, entry: str, text: str, *, summed: bool) -> Any:
    values = np.stack([_row(run, rows, entry, summed=summed)[::between] for run in runs])
    return (("animal", "time"), values, {"long_name": text, "units": "cells"})


def _released(runs: list[OnlineRun], rows: int, between: int) -> Any:
    values = [
        _padded(np.concatenate([[0.0], np.cumsum([released(ledger) for ledger in run.ledgers])])[:, None], rows)[:, 0]
        for run in runs
    ]
    text = {"long_name": "IL-1alpha set free since the start", "units": "units of the cell model"}
    return (("animal", "time"), np.stack(values)[:, ::between], text)


def _row(run: OnlineRun, rows: int, entry: str, *, summed: bool) -> np.ndarray:
    """Return an entry of the ledgers at the ends of steps; at the start there is nothing, and NaN from a stop on."""
    values = np.array([0.0, *(ledger[entry] for ledger in run.ledgers)])
    return _padded((np.cumsum(values) if summed else values)[:, None], rows)[:, 0]


def _padded(values: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate([values, np.full((rows - len(values), values.shape[1]), np.nan)])


_Real = float | int
MODES = ("tables", "online")
ARMS = ("vehicle", "chemo", "chemo+antibody", "chemo+inhibitor")
CAPACITY = 4_000_000  # cells; about 130 bytes each


def coupled_study(
    coupling: str = "online",
    arms: Sequence[OrganismArm] | None = None,
    *,
    tumour: int = 100_000,
    animals: int = 1,
    days: _Real = 7.0,
    regimen: Mapping[str, Dose] | None = None,
    step: _Real = 0.5,
    every: _Real = 6.0,
    seed: int = 0,
    table: "xarray.Dataset | None" = None,
    capacity: int = CAPACITY,
    settings: Mapping[str, Any] | None = None,
    cell_settings: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] | None = None,
) -> "xarray.Dataset":
    """Follow a mouse whose tumour cells follow the single-cell model.

    ``online``: every tumour cell is a lane of its own, with its fate, its damage and its IL-1alpha. All step with the
    organism, divide into free lanes and die out of them. ``tables``: the tumour is a number, with rates from a table
    of what treated cells do; quick, differentiable, exact for large tumours and treatments of the table's grid.

    The organism lends cells its gemcitabine and inhibitor, the hazard of being killed by effectors, and how fast an
    untreated tumour of its size grows; cells give it their number, those with pores and those that are apoptotic, and
    the IL-1alpha that they set free. The organism itself follows rate equations.

    Parameters
    ----------
    coupling
        ``online`` or ``tables``.
    arms
        Treatments, see :func:`jaxsim.models.scenarios`; vehicle, chemo, and that with antibody or inhibitor if not
        given. The cell model knows no cisplatin.
    tumour
        Living cells at the start.
    animals
        Runs with other random cells; online only.
    days
        How long.
    regimen
        Doses of agents that replace those of :func:`jaxsim.models.standard_regimen`.
    step
        Hours of a coupling step, online; its error is of second order.
    every
        Hours between saved times.
    seed
        From 0 to 2**64 - 1.
    table
        From :func:`jaxsim.models.coupling_table`, with the same settings; made or found on disk if not given.
    capacity
        Cells, living or apoptotic, beyond which a run stops; its status is then ``overflow``.
    settings, cell_settings
        Further arguments of :func:`jaxsim.models.organism` and :func:`jaxsim.models.cell`.
    announce
        Called with the name of each arm before it is run, and with what is tabulated.

    Returns
    -------
    xarray.Dataset
        As :func:`jaxsim.models.organism_study` returns it, over ``arm``, ``animal`` and ``time`` (h). Of the cells also
        ``pored``, ``tolerant`` and ``dead``, and online, since the start, ``divisions``, ``apoptoses``, ``lyses``,
        ``kills``, ``released`` (IL-1alpha, units of the cell model) and ``imbalance`` of IL-1alpha in cells (units; 0)
        and outside (relative), ``status``, ``events``, ``lanes`` and ``run_seconds``. With tables, ``_standard_error``
        of ``tumour`` and ``il1a_plasma``, from the noise of the table.

    Raises
    ------
    JaxsimError
        In one sentence, if the study cannot be run as asked.

    Examples
    --------
    >>> from jaxsim.models import scenarios
    >>> study = coupled_study("online", scenarios(["chemo"]), tumour=300, days=1, seed=1)
    >>> int(abs(study["imbalance"]).max()), study["status"].values.tolist()
    (0, [['ok']])
    """
    import xarray

    arms = scenarios(ARMS) if arms is None else tuple(arms)
    given, hours, count = dict(settings or {}), 24.0 * float(days), _checked_numbers(tumour, animals, days, step, every)
    _check_choice(coupling, arms, given, animals)
    law = cell_in_tumour(**dict(cell_settings or {}))
    around = around_tumour(organism(**{**given, "tumour": tumour}))
    check_growth(law, around)
    schedules = organism_schedules(arms, standard_regimen() | dict(regimen or {}), hours)
    schedules = tuple(_only_given(schedule) for schedule in schedules)
    for schedule in schedules:
        check_cell_schedule(around, schedule, hours)
    run = {
        "online": lambda plan: online_dataset(
            law, around, plan, tumour, animals, hours, hours / count[0], count[1], seed, capacity
        ),
        "tables": lambda plan: tables_dataset(
            law, around, plan, tumour, hours, float(every), table, given, dict(cell_settings or {}), announce
        ),
    }[coupling]
    results = []
    for arm, schedule in zip(arms, schedules, strict=True):
        if announce is not None:
            announce(arm.name)
        results.append(run(schedule))
    joined = xarray.concat(results, dim="arm", combine_attrs="drop_conflicts", data_vars="all")
    return joined.assign_coords(arm=[arm.name for arm in arms]).assign_attrs(
        animal="mouse", animals=animals, method=coupling, seed=str(seed), scale=1.0, tumour=tumour
    )


def _only_given(schedule: Schedule) -> Schedule:
    """Return the schedule without agents of which nothing is given."""
    return Schedule(**{name: entries for name, entries in schedule.items()
                       if any(np.any(entry.amounts(np) > 0) for entry in entries)})  # fmt: skip


def _check_choice(coupling: str, arms: Sequence[OrganismArm], settings: Mapping[str, Any], animals: int) -> None:
    if coupling not in MODES:
        raise SimulationError(f"there is no coupling '{coupling}'{closest(coupling, MODES)}; choose tables or online")
    if not arms:
        raise SimulationError("the study has no arms; give at least one OrganismArm")
    for arm in arms:
        if not arm.tumour:
            raise SimulationError(f"arm '{arm.name}' has no tumour to couple; run it with organism_study")
    if coupling == "tables" and animals != 1:
        raise SimulationError(f"tables give the mean of all tumours, not {animals} animals; couple online")
    if settings.get("animal", "mouse") != "mouse" or float(settings.get("scale", 1.0)) != 1.0:
        raise NetworkError("cells are coupled to a mouse at scale 1; leave animal and scale as they are")
    for name in ("virtual", "tumour"):
        if settings.get(name):
            raise NetworkError(f"a coupled tumour takes no setting '{name}'; leave it out")


def _checked_numbers(tumour: int, animals: int, days: _Real, step: _Real, every: _Real) -> tuple[int, int]:
    """Return the number of coupling steps, and of those between saved times."""
    if not (0 < tumour < 1 << 31) or animals < 1:
        raise SimulationError(
            f"{animals} tumours of {tumour} cells make no sense; give at least one, of 1 to 2**31 - 1 cells"
        )
    hours = 24.0 * float(days)
    if not (np.isfinite(hours) and hours > 0 and 0 < step <= every <= hours):
        raise SimulationError(
            f"steps of {step:g} h, saved every {every:g} h of {hours:g} h, make no sense; give them in ascending order"
        )
    between, times = every / step, hours / every
    if abs(between - round(between)) > 1e-9 or abs(times - round(times)) > 1e-9:
        raise SimulationError(
            f"{hours:g} h cannot be saved every {every:g} h in steps of {step:g} h; give numbers that divide each other"
        )
    return round(hours / step), round(between)


# Tables against cell by cell: the difference in standard errors, at every time.

_QUANTITIES = ("tumour", "il1a_plasma")
_LIMIT = 4.0  # standard errors


def compare_couplings(online: "xarray.Dataset", tables: "xarray.Dataset") -> "xarray.Dataset":
    """Compare the mean of tumours run cell by cell with the tumour from tables.

    The standard error joins that of the mean over animals and that of the table, by its batches.

    Parameters
    ----------
    online, tables
        From :func:`jaxsim.models.coupled_study`, of the same arms and times; online with two animals or more.

    Returns
    -------
    xarray.Dataset
        Over ``arm``, ``quantity`` (tumour, il1a_plasma) and ``time``: ``online``, ``tables``, their standard errors,
        ``deviation`` in joint standard errors and, over ``arm`` and ``quantity``, whether all are within 4: ``agree``.

    Raises
    ------
    SimulationError
        If the two cannot be compared.

    Examples
    --------
    >>> import xarray
    >>> def study(values, **more):
    ...     found = {name: (("arm", "animal", "time"), values) for name in _QUANTITIES}
    ...     return xarray.Dataset(found | more, {"arm": ["chemo"], "time": [0.0, 6.0]})
    >>> several, one = np.array([[[9.0, 8.0], [9.0, 8.4]]]), np.array([[[9.0, 8.3]]])
    >>> errors = {f"{name}_standard_error": (("arm", "animal", "time"), 0.0 * one) for name in _QUANTITIES}
    >>> found = compare_couplings(study(several), study(one, **errors))
    >>> found["deviation"].sel(quantity="tumour").values.round(2).tolist(), bool(found["agree"].all())
    ([[0.0, -0.5]], True)
    """
    import xarray

    if online.sizes["animal"] < 2:
        raise SimulationError("one animal has no standard error; run the cells with animals=2 or more")
    if not (online["arm"].equals(tables["arm"]) and np.allclose(online["time"], tables["time"])):
        raise SimulationError("the two studies are of different arms or times; run both with the same")
    dims = ("arm", "quantity", "time")
    number = online.sizes["animal"]
    fields: dict[str, Any] = {
        "online": _stacked(online, "", lambda a: a.mean("animal")),
        "online_standard_error": _stacked(online, "", lambda a: a.std("animal", ddof=1) / np.sqrt(number)),
        "tables": _stacked(tables, "", lambda a: a.isel(animal=0)),
        "tables_standard_error": _stacked(tables, "_standard_error", lambda a: a.isel(animal=0)),
    }
    error = np.hypot(fields["online_standard_error"], fields["tables_standard_error"])
    gap = fields["online"] - fields["tables"]
    rounding = 1e-9 * np.abs(fields["tables"])  # at the start all are the same
    deviation = np.where(np.abs(gap) <= rounding, 0.0, gap / np.where(error > 0, error, 1e-300))
    coordinates = {"arm": online["arm"].values, "quantity": list(_QUANTITIES), "time": online["time"].values}
    data = xarray.Dataset({name: (dims, value) for name, value in fields.items()}, coordinates)
    agree = (("arm", "quantity"), np.max(np.abs(deviation), axis=2) <= _LIMIT)
    found = data.assign(deviation=(dims, deviation), agree=agree)
    return found.assign_attrs(animals=number, limit=_LIMIT)


def _stacked(study: "xarray.Dataset", suffix: str, function: Any) -> np.ndarray:
    return np.stack([function(study[name + suffix]).transpose("arm", "time").values for name in _QUANTITIES], axis=1)
