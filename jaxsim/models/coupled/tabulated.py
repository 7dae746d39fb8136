"""One arm by tables: read the treatment off the schedule, interpolate, integrate, with the table's noise by batches."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float64

from jaxsim.dosing import Disposition, Dose, Schedule, concentration
from jaxsim.errors import ScheduleError, SimulationError
from jaxsim.models.coupled.cell import CellLaw, cell_in_tumour
from jaxsim.models.coupled.organism import (
    SATURATING,
    SUBSTEP,
    Surroundings,
    Tumour,
    around_tumour,
    counts_per_unit,
    feedback,
    on_substeps,
    runge_kutta,
    second_daughter_lives,
    slopes,
    with_tumour,
)
from jaxsim.models.coupled.table import DOSES_OF_INHIBITOR, INTERVAL, Grid, coupling_table
from jaxsim.models.organism.network import organism
from jaxsim.network import Network, Structure
from jaxsim.runtime.double import double_precision

if TYPE_CHECKING:
    import xarray


# Rates of a table between its treatments: multilinear, and differentiable in dose, inhibitor and start.
#
# Dose and inhibitor are interpolated by what they do: hours of saturated uptake of gemcitabine for a dose, and hours of
# full inhibition of caspase-1 for a dose of the inhibitor, in which the cells' response is nearly linear.

AXES = ("dose", "inhibitor", "start")
_TAIL, _POINTS = 48.0, 4801  # h and points of the integral over a dose; both agents are gone by then
PER_HOUR = {  # rate: what is counted
    "division": "divisions",
    "apoptosis": "apoptoses",
    "lysis": "lyses",
    "leak": "leaked",
    "burst": "lysis_released",
    "content": "apoptotic_content",
}
_PER_CELL = ("pored", "tolerant", "held")


class _Rates(NamedTuple):
    """What living cells do under one treatment, in each interval: per living cell and hour, or per living cell."""

    division: Float64[Array, " time"]
    apoptosis: Float64[Array, " time"]
    lysis: Float64[Array, " time"]
    leak: Float64[Array, " time"]
    burst: Float64[Array, " time"]
    content: Float64[Array, " time"]
    pored: Float64[Array, " time"]
    tolerant: Float64[Array, " time"]
    held: Float64[Array, " time"]


class Grids(NamedTuple):
    """A table made ready for interpolation."""

    axes: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Hours of uptake, hours of inhibition, start."""
    rates: _Rates
    """Each [dose, inhibitor, start, time]."""


def grids(table: "xarray.Dataset", organism: Network, cell: Network, without: int | None = None) -> Grids:
    """Return the rates on the grid, from all batches or all but one.

    Parameters
    ----------
    organism, cell
        For the disposition of the agents, and the concentrations at which they saturate.
    without
        Batch to leave out.
    """
    kept = np.arange(table.sizes["batch"]) != (-1 if without is None else without)
    sums = {str(name): value.values.astype(np.float64)[:, :, :, kept].sum(axis=3)
            for name, value in table.items() if "batch" in value.dims}  # fmt: skip
    hours, living = np.maximum(sums["living_hours"], 0.5), np.maximum(sums["living"], 1.0)
    rates = {name: sums[counted] / hours for name, counted in PER_HOUR.items()}
    rates |= {name: sums[name] / living for name in _PER_CELL}
    axes = tuple(
        np.array([float(acting_hours(organism, cell, agent, amount)) for amount in table[axis].values])
        for axis, agent in zip(AXES[:2], SATURATING, strict=True)
    )
    return Grids((axes[0], axes[1], table["start"].values), _Rates(**rates))


def acting_hours(organism: Network, cell: Network, agent: str, amount: Array | float) -> Any:
    """Return the integral over time of c/(K + c) after one dose, h.

    Examples
    --------
    >>> from jaxsim.models import cell, organism
    >>> [round(float(acting_hours(organism(), cell(), "gemcitabine", dose)), 2) for dose in (30.0, 60.0, 120.0)]
    [1.03, 1.37, 1.72]
    """
    half, driven = float(cell.parameters[SATURATING[agent]]), organism.inputs[agent]
    if not isinstance(driven, Disposition):
        raise ScheduleError(f"'{agent}' of the organism is constant, and tables are of doses; leave it a disposition")
    times = np.linspace(0.0, _TAIL, _POINTS)
    course = concentration(driven, Dose(amount, "mg/kg", at=[0.0]), times)
    acting = course / (half + course)
    return (acting.sum() - 0.5 * (acting[0] + acting[-1])) * (_TAIL / (_POINTS - 1))


def check_range(table: "xarray.Dataset", **values: float) -> None:
    """Refuse a treatment outside of the table.

    Raises
    ------
    ScheduleError
        Naming what is out of range, and the range.
    """
    for name, value in values.items():
        axis = table[name].values
        if not axis[0] <= value <= axis[-1]:
            raise ScheduleError(
                f"the table has '{name}' from {axis[0]:g} to {axis[-1]:g}, not {value:g}; "
                "build one with a wider grid, or couple online"
            )


def rates_at(
    given: Grids, organism: Network, cell: Network, dose: Array | float, inhibitor: Array | float, start: Array | float
) -> _Rates:  # fmt: skip
    """Return the rates under a treatment, [time] each; differentiable in dose, inhibitor (mg/kg) and start (h)."""
    coordinates = (
        acting_hours(organism, cell, "gemcitabine", dose),
        acting_hours(organism, cell, "caspase1_inhibitor", inhibitor),
        start,
    )
    rates = given.rates
    for axis, value in zip(given.axes, coordinates, strict=True):
        index, share = _between(axis, value)
        rates = _Rates(*(_mixed(jnp.asarray(rate), index, share) for rate in rates))
    return rates


def _between(axis: np.ndarray, value: Any) -> tuple[Any, Any]:
    """Return the interval that holds the value and how far along it the value is; an axis of one point is all 0."""
    value = jnp.asarray(value).astype(jnp.float64)
    if axis.size == 1:
        return jnp.zeros((), jnp.int32), jnp.zeros((), jnp.float64)
    grid = jnp.asarray(axis)
    found = jnp.searchsorted(grid, value, side="right").astype(jnp.int32) - np.int32(1)
    index = jnp.clip(found, np.int32(0), np.int32(axis.size - 2))
    return index, (value - grid[index]) / (grid[index + np.int32(1)] - grid[index])


def _mixed(rate: Any, index: ArrayLike, share: Any) -> Any:
    """Return the rate between two points of its first axis."""
    if rate.shape[0] == 1:
        return rate[0]
    return (1.0 - share) * rate[index] + share * rate[index + np.int32(1)]


# The organism with a tumour from tables: living cells, apoptotic cells and their IL-1alpha, as rate equations.


class Constants(NamedTuple):
    """What a tumour from tables takes beside its rates."""

    birth_rates: tuple[Any, Any]
    il1a_loss: Any
    """Of IL-1alpha inside cells, per hour."""
    necrosis: Any
    """Secondary necrosis of apoptotic cells, per hour; each sets half of their IL-1alpha free."""
    counts_per_unit: Any


class Lumped(NamedTuple):
    """The state."""

    organism: Surroundings
    living: Float64[Array, ""]
    dead: Float64[Array, ""]
    content: Float64[Array, ""]
    """IL-1alpha in apoptotic cells, units."""


@partial(jax.jit, static_argnums=(0, 1))
def run_lumped(
    structure: Structure,
    substeps: int,
    parameters: Mapping[str, Any],
    constants: Constants,
    rates: _Rates,
    inputs: Mapping[str, Any],
    length: Array,
    initial: Array,
    tumour: Array,
) -> tuple[Lumped, Any]:
    """Integrate over all intervals of a table, for several estimates of the rates at once.

    Returns the states at the ends of intervals, [estimate, time], and the IL-1alpha set free in them, counts.

    Parameters
    ----------
    rates
        [estimate, time] each; constant over an interval.
    inputs
        Drugs at the ends and middles of substeps, [time, 2 substeps + 1] each.
    length
        Hours of an interval.
    initial
        State of the organism [species], without tumour.
    tumour
        Living cells at the start.
    """
    step = length / substeps

    def interval(y: Lumped, given: tuple[_Rates, Any]) -> tuple[Lumped, tuple[Lumped, Any]]:
        rate, drugs = given

        def substep(y: Lumped, index: ArrayLike) -> tuple[Lumped, Any]:
            def slope(z: Lumped, half: int) -> Lumped:
                timed = {name: value[2 * index + half] for name, value in drugs.items()}
                return _slopes(structure, parameters, constants, rate, timed, z)

            return runge_kutta(slope, step, y), constants.counts_per_unit * _release(constants, rate, y) * step

        y, released = lax.scan(substep, y, jnp.arange(substeps))
        y = y._replace(organism=y.organism._replace(x=with_tumour(structure, y.organism.x, _tumour(rate, y))))
        return y, (y, jnp.sum(released))

    zero = jnp.zeros((), jnp.float64)
    seen = Tumour(tumour, zero, zero)
    start = Lumped(Surroundings(with_tumour(structure, initial, seen), zero, zero), tumour, zero, zero)
    return jax.vmap(lambda estimate: lax.scan(interval, start, (estimate, inputs))[1])(rates)


def _slopes(
    structure: Structure, parameters: Mapping[str, Any], constants: Constants, rate: _Rates, timed: Any, y: Lumped
) -> Lumped:
    tumour, release = _tumour(rate, y), _release(constants, rate, y) * constants.counts_per_unit
    around = slopes(structure, parameters, timed, y.organism, tumour, release)
    found = feedback(structure, parameters, with_tumour(structure, y.organism.x, tumour))
    lives = second_daughter_lives(constants.birth_rates, found.growth)
    growth = lives * rate.division - rate.apoptosis - rate.lysis - found.kill_hazard
    cleared = parameters["clearance_rate"]
    return Lumped(
        around,
        living=growth * y.living,
        dead=(rate.apoptosis + found.kill_hazard) * y.living - cleared * y.dead,
        content=(rate.content + found.kill_hazard * rate.held) * y.living
        - (cleared + constants.il1a_loss + 0.5 * constants.necrosis) * y.content,
    )


def _tumour(rate: _Rates, y: Lumped) -> Tumour:
    return Tumour(y.living, rate.pored * y.living, y.dead)


def _release(constants: Constants, rate: _Rates, y: Lumped) -> Any:
    """Return the units per hour that leave cells."""
    return (rate.leak + rate.burst) * y.living + 0.5 * constants.necrosis * y.content


def constants_of(attributes: Mapping[str, Any], counts_per_unit: float) -> Constants:
    """Return the constants of a table's cells."""
    first, second = (np.float64(rate) for rate in attributes["birth_rates"])
    numbers = (attributes["il1a_loss"], attributes["necrosis"], counts_per_unit)
    return Constants((first, second), *(np.float64(number) for number in numbers))


class Tabulated(NamedTuple):
    """Courses from the whole table, first, then from all but one of its batches, B."""

    times: np.ndarray
    states: np.ndarray
    """Of the organism, [1 + B, time, species]."""
    tolerant: np.ndarray
    """Share of living cells, [1 + B, time]."""


def run_tables(
    law: CellLaw, around: Network, schedule: Schedule, tumour: ArrayLike, hours: float, every: float,
    table: "xarray.Dataset | None", settings: Mapping[str, Any], cell_settings: Mapping[str, Any],
    announce: Callable[[str], None] | None = None,
) -> Tabulated:  # fmt: skip
    """Run one arm by tables.

    Raises
    ------
    ScheduleError
        If the schedule is not one of the table's, or the treatment out of its range.
    SimulationError
        If the table is too short, or of other cells.
    """
    if table is None:
        table = coupling_table(
            Grid(at=gemcitabine_times(schedule), hours=float(np.ceil(hours))),
            settings=settings, cell_settings=cell_settings, announce=announce,
        )  # fmt: skip
    check_table(table, law, hours, every)
    treatment = read_treatment(schedule, tuple(np.atleast_1d(table.attrs["at"])), hours)
    check_range(table, **treatment)
    y, rates = integrate(law, around, table, schedule, treatment, tumour, hours)
    found, shares = np.asarray(y.organism.x), np.asarray(rates.tolerant)
    times = np.asarray(table["time"].values)
    kept = np.isclose(np.mod(times, every), 0.0) & (times <= hours + 1e-9)
    start = _start(around, tumour)
    kept = kept[: found.shape[1]]
    states = np.stack([np.concatenate([start[None], states[kept]]) for states in found])
    tolerant = np.stack([np.concatenate([[np.nan], share[kept]]) for share in shares])
    return Tabulated(np.concatenate([[0.0], times[: kept.size][kept]]), states, tolerant)


def tabulated_tumour(
    table: "xarray.Dataset",
    dose: Array | float,
    inhibitor: Array | float = 0.0,
    start: Array | float = 0.0,
    *,
    tumour: Array | float = 100_000,
    settings: Mapping[str, Any] | None = None,
    cell_settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the courses of tumour and IL-1alpha by a table, as a function of the treatment that JAX differentiates.

    Parameters
    ----------
    table
        From :func:`jaxsim.models.coupling_table`.
    dose, inhibitor
        Gemcitabine and caspase-1 inhibitor, mg/kg each time, as in the table's grid; traced or not.
    start
        Hours from gemcitabine to the first dose of the inhibitor.
    tumour
        Living cells at the start.
    settings, cell_settings
        Those with which the table was made.

    Returns
    -------
    dict
        ``tumour`` (cells), ``il1a_plasma`` (pg/mL) and ``neutrophils`` (counts) at the table's times, float64 [time].
        Linear between the grid's points in hours of uptake, hours of inhibition and start; its gradient jumps there.
        Forward mode (``jax.jacfwd``) compiles in a fraction of the time of reverse mode.

    Raises
    ------
    ScheduleError
        If the treatment is outside of the table; traced values are not checked.
    SimulationError
        If it is traced where 64-bit types do not exist.

    Examples
    --------
    >>> import xarray
    >>> table = xarray.Dataset(coords={"dose": [0.0, 120.0], "inhibitor": [0.0], "start": [0.0]})
    >>> tabulated_tumour(table, 150.0)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: the table has 'dose' from 0 to 120, not 150; ...online
    """
    values = {"dose": dose, "inhibitor": inhibitor, "start": start}
    traced = any(isinstance(value, jax.core.Tracer) for value in (*values.values(), tumour))
    if traced and not jax.config.read("jax_enable_x64"):
        raise SimulationError("a traced treatment needs 64-bit types; call the whole within jax.enable_x64(True)")
    check_range(table, **{n: float(v) for n, v in values.items() if not isinstance(v, jax.core.Tracer)})
    law = cell_in_tumour(**dict(cell_settings or {}))
    around = around_tumour(organism(**{**dict(settings or {}), "tumour": 1}))
    hours = float(table["time"].values[-1])
    check_table(table, law, hours, hours)
    schedule = _any_schedule(tuple(np.atleast_1d(table.attrs["at"])), hours, dose, inhibitor, start)
    y, _ = integrate(law, around, table, schedule, values, tumour, hours, batches=False)
    names = around.structure.species
    with double_precision():
        plasma = y.organism.x[0, :, names.index("IP")] * jnp.float64(_picograms(around))
        return {
            "tumour": y.living[0],
            "il1a_plasma": plasma,
            "neutrophils": y.organism.x[0, :, names.index("N")],
        }


def _picograms(around: Network) -> float:
    """Return pg/mL of plasma for one count of IP."""
    given = around.parameters
    return float(given["il1a_per_cell"]) / float(given["il1a_volume"])


def _any_schedule(
    at: tuple[float, ...], hours: float, dose: ArrayLike, inhibitor: ArrayLike, start: ArrayLike
) -> Schedule:
    """Return the doses of a treatment whose numbers may be traced; a dose after the end does nothing."""
    given = [time for time in at if time < hours]
    later = np.array([time + INTERVAL * n for time in given for n in range(DOSES_OF_INHIBITOR)])
    blocker = Dose(jnp.full(later.shape, 1.0) * inhibitor, "mg/kg", at=jnp.sort(jnp.asarray(later)) + start)
    drug = Dose(jnp.full((len(given),), 1.0) * dose, "mg/kg", at=np.array(given))
    return Schedule(gemcitabine=drug, caspase1_inhibitor=blocker)


def integrate(
    law: CellLaw, around: Network, table: "xarray.Dataset", schedule: Schedule, treatment: Mapping[str, Any],
    tumour: ArrayLike, hours: float, batches: bool = True,
) -> tuple[Lumped, _Rates]:  # fmt: skip
    """Return states and rates at the ends of the table's intervals up to `hours`; differentiable in the treatment.

    They are [1 + B, time]: from the whole table, and with `batches` from all but each of its B batches.
    """
    length = float(table["time"].values[0])
    number = round(hours / length)
    substeps = 2 * int(np.ceil(length / (2 * SUBSTEP) - 1e-9))
    leave = [None, *(range(table.sizes["batch"]) if batches else ())]
    with double_precision():
        found = [rates_at(grids(table, around, law.network, one), around, law.network, **treatment) for one in leave]
        rates: _Rates = jax.tree.map(lambda *parts: jnp.stack([part[:number] for part in parts]), *found)
        inputs = on_substeps(around, schedule, np.linspace(0.0, number * length, number + 1), substeps)
        y, _ = run_lumped(
            around.structure,
            substeps,
            {name: jnp.asarray(value).astype(jnp.float64) for name, value in around.parameters.items()},
            constants_of(table.attrs, counts_per_unit(float(table.attrs["pool"]))),
            rates,
            inputs,
            jnp.float64(length),
            jnp.asarray(_start(around, 0.0)),
            jnp.asarray(tumour).astype(jnp.float64),
        )
    return y, rates


def _start(around: Network, tumour: Any) -> np.ndarray:
    values = {**{name: float(value) for name, value in around.initial.items()}, "S": float(tumour)}
    return np.array(list(values.values()), np.float64)


def gemcitabine_times(schedule: Schedule) -> tuple[float, ...]:
    """Return when gemcitabine is given; at 0 if it is not."""
    doses = schedule["gemcitabine"] if "gemcitabine" in schedule.names else ()
    times = [float(time) for dose in doses for time in np.asarray(dose.starts(np))]
    return tuple(sorted(times)) or (0.0,)


def read_treatment(schedule: Schedule, at: tuple[float, ...], hours: float) -> dict[str, float]:
    """Return dose, inhibitor (mg/kg) and start (h) of a schedule that tables know.

    Raises
    ------
    ScheduleError
        If gemcitabine is given at other times than the table's, in unequal doses, or the inhibitor otherwise than
        16 times every 6 h from the same time after each dose.

    Examples
    --------
    >>> plan = Schedule(gemcitabine=Dose(90, "mg/kg", at=0), caspase1_inhibitor=Dose(50, "mg/kg", at=[6, 12, 18]))
    >>> read_treatment(plan, (0.0,), 24.0)
    {'dose': 90.0, 'inhibitor': 50.0, 'start': 6.0}
    """
    dose, given = _equal(schedule, "gemcitabine")
    wanted = [time for time in at if time < hours]
    if dose and given != wanted:
        raise ScheduleError(f"the table is of gemcitabine at {wanted} h, not at {given} h; build one with these times")
    amount, times = _equal(schedule, "caspase1_inhibitor")
    start = times[0] - at[0] if times else 0.0
    known = sorted(t + start + INTERVAL * n for t in at for n in range(DOSES_OF_INHIBITOR))
    if times and (start < 0 or not np.allclose(times, [t for t in known if t < hours][: len(times) or None])):
        raise ScheduleError(
            f"the table is of {DOSES_OF_INHIBITOR} doses of inhibitor every {INTERVAL:g} h after each gemcitabine, "
            "not of these times; couple online"
        )
    if times and len(times) != sum(t < hours for t in known):
        raise ScheduleError(f"the inhibitor is given {len(times)} times, and tables are of all before the end")
    return {"dose": dose, "inhibitor": amount, "start": start}


def _equal(schedule: Schedule, agent: str) -> tuple[float, list[float]]:
    given = schedule[agent] if agent in schedule.names else ()
    entries = [entry for entry in given if isinstance(entry, Dose)]
    amounts = np.array([float(amount) for entry in entries for amount in entry.amounts(np)])
    if amounts.size and np.ptp(amounts) > 0:
        raise ScheduleError(f"'{agent}' is given in doses that differ, which tables do not know; couple online")
    times = sorted(float(time) for entry in entries for time in np.asarray(entry.starts(np)))
    return (float(amounts[0]), times) if amounts.size and amounts[0] > 0 else (0.0, [])


def check_table(table: "xarray.Dataset", law: CellLaw, hours: float, every: float) -> None:
    """Refuse a table that is too short, of other cells, or of intervals that do not divide `every`."""
    end, length = float(table["time"].values[-1]), float(table["time"].values[0])
    if hours > end + 1e-9:
        raise SimulationError(f"the table ends at {end:g} h and the study at {hours:g} h; build a longer table")
    if abs(float(table.attrs["pool"]) - law.pool) > 1e-6 or tuple(table.attrs["birth_rates"]) != law.birth_rates:
        raise SimulationError("the table is of cells with other settings; build one with those of the study")
    if abs(every / length - round(every / length)) > 1e-9 or abs(hours / length - round(hours / length)) > 1e-9:
        raise SimulationError(f"the table has intervals of {length:g} h; save at multiples of it")
