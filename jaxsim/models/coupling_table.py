"""Tables of what treated cells do, for the organism: rates per living cell over time, on a grid of treatments.

All that the organism does to cells is the same for every living cell: killing by effectors, and cell loss at division.
The rates per living cell of dividing, dying and releasing IL-1alpha are then those of cells on their own, whatever the
organism does, and a table of them is exact in the limit of many cells (but for the little by which cell loss, when it
varies, shifts cells between cycle and quiescence). What remains is the noise of the simulated cells, which is kept by
batches, and interpolation.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble.provenance import provenance
from jaxsim.ensemble.workers import worker_count
from jaxsim.errors import SimulationError
from jaxsim.models.coupling_cell import CellLaw, cell_in_tumour
from jaxsim.models.coupling_feedback import check_growth, second_daughter_lives, typical_growth
from jaxsim.models.coupling_inputs import effective
from jaxsim.models.coupling_organism import around_tumour
from jaxsim.models.coupling_population import founders, step_population
from jaxsim.models.coupling_table_summary import with_summary
from jaxsim.models.organism import organism

if TYPE_CHECKING:
    import xarray

Real = float | int

COUNTED = {  # in each interval of the table: ledger entry, and what it is
    "divisions": ("N", "divisions"),
    "apoptoses": ("NA", "cells that became apoptotic"),
    "lyses": ("PY", "cells that lysed"),
    "leaked": ("LK", "IL-1alpha leaked through pores, units"),
    "lysis_released": ("LY", "IL-1alpha set free by lysis, units"),
    "apoptotic_content": ("IA", "IL-1alpha in cells when they became apoptotic, units"),
}
STANDING = {  # at the end of each interval
    "living": ("living", "living cells"),
    "pored": ("pored", "living cells with pores"),
    "tolerant": ("tolerant", "living cells that are quiescent and tolerant"),
    "held": ("held", "IL-1alpha in living cells, units"),
}
INTERVAL, DOSES_OF_INHIBITOR = 6.0, 16  # h; as the standard regimen gives it: every 6 h for 4 days
EVERY = 1.0  # h; intervals of the table, and steps of the cells
BATCHES = 16


class Grid(NamedTuple):
    """The treatments of a table."""

    dose: tuple[Real, ...] = (0.0, 30.0, 60.0, 120.0)
    """Gemcitabine, mg/kg, each time."""
    inhibitor: tuple[Real, ...] = (0.0, 10.0, 50.0)
    """Caspase-1 inhibitor, mg/kg each time, 16 times every 6 h after each dose of gemcitabine."""
    start: tuple[Real, ...] = (0.0, 12.0, 36.0)
    """Hours from gemcitabine to the first dose of the inhibitor."""
    at: tuple[Real, ...] = (0.0,)
    """Hours at which gemcitabine is given."""
    hours: Real = 168.0
    """End of the table."""


def build_table(
    grid: Grid | None = None,
    *,
    cells: int = 20_000,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    cell_settings: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] | None = None,
) -> "xarray.Dataset":
    """Simulate cells under every treatment of a grid and count what they do.

    Founder n has the same traits under every treatment.

    Parameters
    ----------
    grid
        Treatments.
    cells
        Founders for each treatment; from 320 on.
    seed
        From 0 to 2**64 - 1.
    settings, cell_settings
        Further arguments of :func:`jaxsim.models.organism` (its drugs, growth and clearance of apoptotic cells) and
        :func:`jaxsim.models.cell`.
    announce
        Told each treatment before it is simulated.

    Returns
    -------
    xarray.Dataset
        Over ``dose``, ``inhibitor``, ``start``, ``batch`` and ``time`` (end of an interval): counts of events and of
        cells, and ``living_hours``. Over the treatments, with ``_standard_error`` from the batches: ``kill_fraction``,
        ``pyroptotic_fraction`` of deaths, ``leaked_fraction`` of released IL-1alpha, ``tolerant_fraction`` at the end,
        ``il1a_per_lysed_cell`` relative to the mean pool, and ``lysis_time`` over ``quantile``.

    Raises
    ------
    JaxsimError
        In one sentence, if the grid makes no sense.

    Examples
    --------
    >>> build_table(Grid((30.0, 120.0)))
    Traceback (most recent call last):
    jaxsim.errors.SimulationError: the table has no untreated cells, with which to compare; begin its doses with 0
    """
    import xarray

    grid = grid or Grid()
    _check(grid, cells)
    law, around = cell_in_tumour(**dict(cell_settings or {})), around_tumour(organism(**dict(settings or {})))
    check_growth(law, around)
    edges = np.linspace(0.0, float(grid.hours), round(grid.hours / EVERY) + 1)
    shape = (len(grid.dose), len(grid.inhibitor), len(grid.start), BATCHES, edges.size - 1)
    values = {name: np.zeros(shape, np.float32) for name in (*COUNTED, *STANDING, "living_hours")}
    known: dict[tuple[Real, ...], dict[str, np.ndarray]] = {}
    for place in product(*(range(size) for size in shape[:3])):
        node = treatment(*(axis[i] for axis, i in zip(grid[:3], place, strict=True)))
        if node not in known:
            if announce is not None:
                announce(f"gemcitabine {node[0]:g} mg/kg, inhibitor {node[1]:g} mg/kg from {node[2]:g} h")
            seen = effective(around, schedule_of(grid, *node), law.network.parameters, edges)
            known[node] = _run_node(law, around, seen, edges, cells, seed)
        for name, value in known[node].items():
            values[name][place] = value
    dims = ("dose", "inhibitor", "start", "batch", "time")
    texts = {name: text for name, (_, text) in (COUNTED | STANDING).items()} | {"living_hours": "living cells, hours"}
    table = xarray.Dataset(
        {name: (dims, value, {"long_name": texts[name]}) for name, value in values.items()},
        {name: (name, np.asarray(axis, float)) for name, axis in zip(dims[:3], grid[:3], strict=True)}
        | {"time": ("time", edges[1:], {"units": "h"})},
        {**_attributes(law, around, grid, cells, seed)},
    )
    return with_summary(table)


def treatment(dose: Real, inhibitor: Real, start: Real) -> tuple[Real, Real, Real]:
    """Return the treatment without what makes no difference: an undamaged cell forms no speck to inhibit.

    Examples
    --------
    >>> treatment(60.0, 0.0, 12.0), treatment(0.0, 10.0, 12.0)
    ((60.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    """
    if dose == 0:
        return 0.0, 0.0, 0.0
    return (dose, inhibitor, start) if inhibitor else (dose, 0.0, 0.0)


def schedule_of(grid: Grid, dose: Real, inhibitor: Real, start: Real) -> Schedule:
    """Return the doses of one treatment that begin before the end.

    Examples
    --------
    >>> schedule_of(Grid(hours=24), 120.0, 50.0, 6.0)["caspase1_inhibitor"]
    (Dose(50, 'mg/kg', at=[6, 12, 18]),)
    """
    times = [float(at + start + INTERVAL * n) for at in grid.at for n in range(DOSES_OF_INHIBITOR)]
    agents = {"gemcitabine": Dose(dose, "mg/kg", at=list(map(float, grid.at)))}
    given = sorted(time for time in times if time < grid.hours)
    if inhibitor and given:
        agents["caspase1_inhibitor"] = Dose(inhibitor, "mg/kg", at=given)
    return Schedule(**agents)


def _run_node(
    law: CellLaw, around: Any, seen: Mapping[str, np.ndarray], edges: np.ndarray, cells: int, seed: int
) -> dict[str, np.ndarray]:
    """Return the counts of one treatment, [batch, time] each."""
    import jax

    growth = typical_growth(around.parameters)
    lent = {
        **law.network.parameters,
        "kill_hazard": growth,  # keeps the number of untreated cells, and changes no rate per living cell
        "clearance_hazard": float(around.parameters["clearance_rate"]),
    }
    lives, share = second_daughter_lives(law.birth_rates, growth), cells // BATCHES

    def batch(number: int) -> list[list[float]]:
        population, before = founders(law.network, share, seed, first=number * share), share
        rows: list[list[float]] = []
        for k, length in enumerate(np.diff(edges)):
            given = {**lent, **{name: value[k] for name, value in seen.items()}}
            population, ledger = step_population(law.network, given, lives, float(length), population)
            if ledger.get("faults"):
                raise SimulationError("a rate of the cell model is not finite or negative; check cell_settings")
            found = [float(ledger.get(entry, 0)) for entry, _ in (COUNTED | STANDING).values()]
            rows.append([*found, 0.5 * float(length) * (before + ledger.get("living", 0))])
            before = ledger.get("living", 0)
        return rows

    with ThreadPoolExecutor(worker_count(tuple(jax.devices()[:1]))) as pool:
        counts = np.array(list(pool.map(batch, range(BATCHES))), np.float32)
    return dict(zip((*COUNTED, *STANDING, "living_hours"), np.moveaxis(counts, 2, 0), strict=True))


def _attributes(law: CellLaw, around: Any, grid: Grid, cells: int, seed: int) -> dict[str, Any]:
    import jax

    return {
        "at": [float(time) for time in grid.at],
        "cells": cells // BATCHES * BATCHES,
        "seed": str(seed),
        "pool": law.pool,
        "kill_hazard": typical_growth(around.parameters),
        "birth_rates": list(law.birth_rates),
        "il1a_loss": float(law.network.parameters["il1a_loss"]),
        "necrosis": float(law.network.parameters["secondary_necrosis_rate"])
        * float(law.network.parameters["secondary_necrosis_fraction"]),
        **provenance(tuple(jax.devices()[:1])),
    }


def _check(grid: Grid, cells: int) -> None:
    for name, axis in zip(Grid._fields[:4], grid[:4], strict=True):
        numbers = np.asarray(axis, np.float64)
        if not numbers.size or np.any(np.diff(numbers) <= 0) or numbers[0] < 0 or not np.all(np.isfinite(numbers)):
            raise SimulationError(f"the table's {name} is {axis}; give ascending numbers from 0 on")
    if grid.dose[0] != 0:
        raise SimulationError("the table has no untreated cells, with which to compare; begin its doses with 0")
    if not (np.isfinite(grid.hours) and grid.hours >= EVERY and grid.at[-1] < grid.hours):
        raise SimulationError(f"the table ends at {grid.hours:g} h; end it after the last dose, at whole hours")
    if cells < 20 * BATCHES:
        raise SimulationError(f"the table is to have {cells} cells for a treatment; give at least {20 * BATCHES}")
