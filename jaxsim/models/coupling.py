"""coupled_study: an organism whose tumour is of single cells, by tables of what cells do or cell by cell."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import NetworkError, SimulationError, closest
from jaxsim.models.coupling_cell import cell_in_tumour
from jaxsim.models.coupling_feedback import check_growth
from jaxsim.models.coupling_inputs import check_schedule
from jaxsim.models.coupling_organism import around_tumour
from jaxsim.models.coupling_outputs import online_dataset, tables_dataset
from jaxsim.models.organism import organism
from jaxsim.models.organism_scenarios import OrganismArm, organism_schedules, scenarios, standard_regimen

if TYPE_CHECKING:
    import xarray

Real = float | int
MODES = ("tables", "online")
ARMS = ("vehicle", "chemo", "chemo+antibody", "chemo+inhibitor")
CAPACITY = 4_000_000  # cells; about 130 bytes each


def coupled_study(
    coupling: str = "online",
    arms: Sequence[OrganismArm] | None = None,
    *,
    tumour: int = 100_000,
    animals: int = 1,
    days: Real = 7.0,
    regimen: Mapping[str, Dose] | None = None,
    step: Real = 0.5,
    every: Real = 6.0,
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
        check_schedule(around, schedule, hours)
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


def _checked_numbers(tumour: int, animals: int, days: Real, step: Real, every: Real) -> tuple[int, int]:
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
