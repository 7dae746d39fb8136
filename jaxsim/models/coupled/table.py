"""Tables of what treated cells do, for the organism: rates per living cell over time, on a grid of treatments.

All that the organism does to cells is the same for every living cell: killing by effectors, and cell loss at division.
The rates per living cell of dividing, dying and releasing IL-1alpha are then those of cells on their own, whatever the
organism does, and a table of them is exact in the limit of many cells (but for the little by which cell loss, when it
varies, shifts cells between cycle and quiescence). What remains is the noise of the simulated cells, which is kept by
batches, and interpolation.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxsim._files import private_cache_folder, replace_file
from jaxsim._version import __version__
from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import SimulationError
from jaxsim.models.coupled.cell import CellLaw, cell_in_tumour
from jaxsim.models.coupled.organism import (
    around_tumour,
    check_growth,
    effective_concentrations,
    second_daughter_lives,
    typical_growth,
)
from jaxsim.models.coupled.population import founders, step_population
from jaxsim.models.organism.network import organism
from jaxsim.network.fingerprint import fingerprint
from jaxsim.runtime.provenance import provenance
from jaxsim.runtime.workers import worker_count

if TYPE_CHECKING:
    import xarray


# What a table says in a few numbers for each treatment, with standard errors from its batches.

_QUANTILES = (0.1, 0.5, 0.9)
_Sums = dict[str, np.ndarray]


def with_summary(table: "xarray.Dataset") -> "xarray.Dataset":
    """Add fates, delays and IL-1alpha of each treatment, each with a standard error.

    Cells are weighted as if none were killed by effectors.
    """
    weight = np.exp(float(table.attrs["kill_hazard"]) * table["time"].values)
    sums = {str(name): np.asarray(table[name].values, np.float64) for name in table.data_vars}
    fields: dict[str, Any] = {}
    for name, (function, text, unit) in SUMMARIES.items():
        value, error = jackknife(partial(function, weight=weight, table=table), sums)
        dims = ("dose", "inhibitor", "start") + (("quantile",) if name == "lysis_time" else ())
        fields[name] = (dims, value, {"long_name": text, "units": unit})
        fields[f"{name}_standard_error"] = (dims, error, {"units": unit})
    return table.assign(fields).assign_coords(quantile=list(_QUANTILES))


def jackknife(function: Callable[[_Sums], np.ndarray], sums: _Sums) -> tuple[np.ndarray, np.ndarray]:
    """Return a function of the sums over batches, and its standard error by leaving out one batch at a time.

    Parameters
    ----------
    function
        Of arrays [dose, inhibitor, start, time].
    sums
        Arrays [dose, inhibitor, start, batch, time].

    References
    ----------
    Efron & Stein, Ann. Stat. 9 (1981) 586.

    Examples
    --------
    >>> sums = {"a": np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3, 1)}
    >>> [float(value.item()) for value in jackknife(lambda part: part["a"] / 3, sums)]  # of the mean: sd/sqrt(3)
    [2.0, 0.5773502691896257]
    """
    batches = next(iter(sums.values())).shape[3]
    whole = {name: value.sum(axis=3) for name, value in sums.items()}
    scale = batches / (batches - 1)  # a sum over all but one stands for all
    left = np.stack([
        function({name: scale * (whole[name] - value[:, :, :, b]) for name, value in sums.items()})
        for b in range(batches)
    ])  # fmt: skip
    error = np.sqrt((batches - 1) / batches * np.sum((left - left.mean(axis=0)) ** 2, axis=0))
    return np.asarray(function(whole)), error


def _kill(part: _Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    left = part["living"][..., -1]
    return 1.0 - left / left[:1]


def _pyroptotic(part: _Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    lysed, apoptotic = (np.sum(part[name] * weight, axis=-1) for name in ("lyses", "apoptoses"))
    return _ratio(lysed, lysed + apoptotic)


def _leaked(part: _Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    leaked, burst = (np.sum(part[name] * weight, axis=-1) for name in ("leaked", "lysis_released"))
    return _ratio(leaked, leaked + burst)


def _tolerant(part: _Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    return _ratio(part["tolerant"][..., -1], part["living"][..., -1])


def _per_lysed(part: _Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    burst, lysed = (np.sum(part[name] * weight, axis=-1) for name in ("lysis_released", "lyses"))
    return _ratio(burst, lysed) / float(table.attrs["pool"])


def _lysis_time(part: _Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    grown = np.cumsum(part["lyses"] * weight, axis=-1)
    times = np.concatenate([[0.0], table["time"].values])

    def quantiles(course: np.ndarray) -> np.ndarray:
        if not course[-1] > 0:
            return np.full(len(_QUANTILES), np.nan)
        return np.interp(_QUANTILES, np.concatenate([[0.0], course]) / course[-1], times)

    return np.apply_along_axis(quantiles, -1, grown)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


SUMMARIES: dict[str, tuple[Any, str, str]] = {
    "kill_fraction": (_kill, "living cells fewer than untreated, at the end", "1"),
    "pyroptotic_fraction": (_pyroptotic, "lysed of cells that died by themselves", "1"),
    "leaked_fraction": (_leaked, "IL-1alpha leaked, of that leaked and set free by lysis", "1"),
    "tolerant_fraction": (_tolerant, "tolerant of living cells, at the end", "1"),
    "il1a_per_lysed_cell": (_per_lysed, "IL-1alpha set free by a lysing cell, relative to the mean pool", "1"),
    "lysis_time": (_lysis_time, "time to lysis of those that lyse", "h"),
}


_Real = float | int

_COUNTED = {  # in each interval of the table: ledger entry, and what it is
    "divisions": ("N", "divisions"),
    "apoptoses": ("NA", "cells that became apoptotic"),
    "lyses": ("PY", "cells that lysed"),
    "leaked": ("LK", "IL-1alpha leaked through pores, units"),
    "lysis_released": ("LY", "IL-1alpha set free by lysis, units"),
    "apoptotic_content": ("IA", "IL-1alpha in cells when they became apoptotic, units"),
}
_STANDING = {  # at the end of each interval
    "living": ("living", "living cells"),
    "pored": ("pored", "living cells with pores"),
    "tolerant": ("tolerant", "living cells that are quiescent and tolerant"),
    "held": ("held", "IL-1alpha in living cells, units"),
}
INTERVAL, DOSES_OF_INHIBITOR = 6.0, 16  # h; as the standard regimen gives it: every 6 h for 4 days
_EVERY = 1.0  # h; intervals of the table, and steps of the cells
BATCHES = 16


class Grid(NamedTuple):
    """The treatments of a table."""

    dose: tuple[_Real, ...] = (0.0, 30.0, 60.0, 120.0)
    """Gemcitabine, mg/kg, each time."""
    inhibitor: tuple[_Real, ...] = (0.0, 10.0, 50.0)
    """Caspase-1 inhibitor, mg/kg each time, 16 times every 6 h after each dose of gemcitabine."""
    start: tuple[_Real, ...] = (0.0, 12.0, 36.0)
    """Hours from gemcitabine to the first dose of the inhibitor."""
    at: tuple[_Real, ...] = (0.0,)
    """Hours at which gemcitabine is given."""
    hours: _Real = 168.0
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
    edges = np.linspace(0.0, float(grid.hours), round(grid.hours / _EVERY) + 1)
    shape = (len(grid.dose), len(grid.inhibitor), len(grid.start), BATCHES, edges.size - 1)
    values = {name: np.zeros(shape, np.float32) for name in (*_COUNTED, *_STANDING, "living_hours")}
    known: dict[tuple[_Real, ...], dict[str, np.ndarray]] = {}
    for place in product(*(range(size) for size in shape[:3])):
        node = treatment(*(axis[i] for axis, i in zip(grid[:3], place, strict=True)))
        if node not in known:
            if announce is not None:
                announce(f"gemcitabine {node[0]:g} mg/kg, inhibitor {node[1]:g} mg/kg from {node[2]:g} h")
            seen = effective_concentrations(around, schedule_of(grid, *node), law.network.parameters, edges)
            known[node] = _run_node(law, around, seen, edges, cells, seed)
        for name, value in known[node].items():
            values[name][place] = value
    dims = ("dose", "inhibitor", "start", "batch", "time")
    texts = {name: text for name, (_, text) in (_COUNTED | _STANDING).items()} | {"living_hours": "living cells, hours"}
    table = xarray.Dataset(
        {name: (dims, value, {"long_name": texts[name]}) for name, value in values.items()},
        {name: (name, np.asarray(axis, float)) for name, axis in zip(dims[:3], grid[:3], strict=True)}
        | {"time": ("time", edges[1:], {"units": "h"})},
        {**_attributes(law, around, grid, cells, seed)},
    )
    return with_summary(table)


def treatment(dose: _Real, inhibitor: _Real, start: _Real) -> tuple[_Real, _Real, _Real]:
    """Return the treatment without what makes no difference: an undamaged cell forms no speck to inhibit.

    Examples
    --------
    >>> treatment(60.0, 0.0, 12.0), treatment(0.0, 10.0, 12.0)
    ((60.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    """
    if dose == 0:
        return 0.0, 0.0, 0.0
    return (dose, inhibitor, start) if inhibitor else (dose, 0.0, 0.0)


def schedule_of(grid: Grid, dose: _Real, inhibitor: _Real, start: _Real) -> Schedule:
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
            found = [float(ledger.get(entry, 0)) for entry, _ in (_COUNTED | _STANDING).values()]
            rows.append([*found, 0.5 * float(length) * (before + ledger.get("living", 0))])
            before = ledger.get("living", 0)
        return rows

    with ThreadPoolExecutor(worker_count(tuple(jax.devices()[:1]))) as pool:
        counts = np.array(list(pool.map(batch, range(BATCHES))), np.float32)
    return dict(zip((*_COUNTED, *_STANDING, "living_hours"), np.moveaxis(counts, 2, 0), strict=True))


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
    if not (np.isfinite(grid.hours) and grid.hours >= _EVERY and grid.at[-1] < grid.hours):
        raise SimulationError(f"the table ends at {grid.hours:g} h; end it after the last dose, at whole hours")
    if cells < 20 * BATCHES:
        raise SimulationError(f"the table is to have {cells} cells for a treatment; give at least {20 * BATCHES}")


# Tables on disk: found again by all that they depend on.

READ = ("growth_rate", "plateau", "clearance_rate")  # of the organism, beside its inputs
LAYOUT = 2  # of the file; raise it when what is in a table changes


def coupling_table(
    grid: Grid | None = None,
    *,
    cells: int = 20_000,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    cell_settings: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    announce: Callable[[str], None] | None = None,
) -> "xarray.Dataset":
    """Return a table of what treated cells do, from disk if it has been made before, else made and kept.

    Parameters
    ----------
    grid, cells, seed, settings, cell_settings, announce
        As for :func:`jaxsim.models.coupled.table.build_table`, which makes the table.
    folder
        Where tables are kept; ``$XDG_CACHE_HOME/jaxsim/<version>/tables`` if not given.

    Returns
    -------
    xarray.Dataset
        See :func:`jaxsim.models.coupled.table.build_table`; its attributes say where and with what it was computed.

    Raises
    ------
    SimulationError
        If there is a file of its name that is no such table.

    Examples
    --------
    >>> coupling_table(Grid(dose=(0.0, 120.0), hours=0.5))
    Traceback (most recent call last):
    jaxsim.errors.SimulationError: the table ends at 0.5 h; end it after the last dose, at whole hours
    """
    grid = grid or Grid()
    key = table_key(grid, cells, seed, settings, cell_settings)
    base = private_cache_folder("tables") if folder is None else Path(folder)
    path = base / f"{key}.nc"
    if path.exists():
        return _read(path, key)
    table = build_table(
        grid, cells=cells, seed=seed, settings=settings, cell_settings=cell_settings, announce=announce
    ).assign_attrs(key=key)
    _write(table, path)
    return table


def table_key(
    grid: Grid, cells: int, seed: int, settings: Mapping[str, Any] | None, cell_settings: Mapping[str, Any] | None
) -> str:
    """Return a name for all that a table depends on: the cell, what it reads of the organism, treatments and seed.

    Examples
    --------
    >>> table_key(Grid(), 1000, 0, None, None) == table_key(Grid(), 1000, 1, None, None)
    False
    """
    law, around = cell_in_tumour(**dict(cell_settings or {})), around_tumour(organism(**dict(settings or {})))
    return fingerprint(
        (LAYOUT, __version__),
        tuple(law),
        {name: around.parameters[name] for name in READ},
        around.inputs,
        [tuple(map(float, axis)) for axis in grid[:4]],
        float(grid.hours),
        (cells, seed, BATCHES, _EVERY),
    )


def _read(path: Path, key: str) -> "xarray.Dataset":
    import xarray

    remedy = f"'{path}' is not the table it is named for; delete it and it will be made again"
    try:
        table = xarray.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError) as error:
        raise SimulationError(remedy) from error
    if table.attrs.get("key") != key:
        raise SimulationError(remedy)
    return table


def _write(table: "xarray.Dataset", path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda temporary: table.to_netcdf(temporary, engine="h5netcdf"))
    except OSError as error:
        raise SimulationError(f"the table cannot be kept in '{path.parent}' ({error.strerror}); give another folder") \
            from error  # fmt: skip
