"""One arm by tables: read the treatment off the schedule, interpolate, integrate, with the table's noise by batches."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble.double import double_precision
from jaxsim.errors import ScheduleError, SimulationError
from jaxsim.models.coupling_cell import CellLaw, cell_in_tumour
from jaxsim.models.coupling_inputs import on_substeps
from jaxsim.models.coupling_interpolation import Rates, check_range, grids, rates_at
from jaxsim.models.coupling_lumped import Lumped, constants_of, run_lumped
from jaxsim.models.coupling_organism import SUBSTEP, around_tumour, counts_per_unit
from jaxsim.models.coupling_table import DOSES_OF_INHIBITOR, INTERVAL, Grid
from jaxsim.models.coupling_table_file import coupling_table
from jaxsim.models.organism import organism
from jaxsim.network import Network

if TYPE_CHECKING:
    import xarray


class Tabulated(NamedTuple):
    """Courses from the whole table, first, then from all but one of its batches, B."""

    times: np.ndarray
    states: np.ndarray
    """Of the organism, [1 + B, time, species]."""
    tolerant: np.ndarray
    """Share of living cells, [1 + B, time]."""


def run_tables(
    law: CellLaw, around: Network, schedule: Schedule, tumour: Any, hours: float, every: float,
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
    dose: Any,
    inhibitor: Any = 0.0,
    start: Any = 0.0,
    *,
    tumour: Any = 100_000,
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


def _any_schedule(at: tuple[float, ...], hours: float, dose: Any, inhibitor: Any, start: Any) -> Schedule:
    """Return the doses of a treatment whose numbers may be traced; a dose after the end does nothing."""
    given = [time for time in at if time < hours]
    later = np.array([time + INTERVAL * n for time in given for n in range(DOSES_OF_INHIBITOR)])
    blocker = Dose(jnp.full(later.shape, 1.0) * inhibitor, "mg/kg", at=jnp.sort(jnp.asarray(later)) + start)
    drug = Dose(jnp.full((len(given),), 1.0) * dose, "mg/kg", at=np.array(given))
    return Schedule(gemcitabine=drug, caspase1_inhibitor=blocker)


def integrate(
    law: CellLaw, around: Network, table: "xarray.Dataset", schedule: Schedule, treatment: Mapping[str, Any],
    tumour: Any, hours: float, batches: bool = True,
) -> tuple[Lumped, Rates]:  # fmt: skip
    """Return states and rates at the ends of the table's intervals up to `hours`; differentiable in the treatment.

    They are [1 + B, time]: from the whole table, and with `batches` from all but each of its B batches.
    """
    length = float(table["time"].values[0])
    number = round(hours / length)
    substeps = 2 * int(np.ceil(length / (2 * SUBSTEP) - 1e-9))
    leave = [None, *(range(table.sizes["batch"]) if batches else ())]
    with double_precision():
        found = [rates_at(grids(table, around, law.network, one), around, law.network, **treatment) for one in leave]
        rates: Rates = jax.tree.map(lambda *parts: jnp.stack([part[:number] for part in parts]), *found)
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
