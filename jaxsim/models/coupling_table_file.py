"""Tables on disk: found again by all that they depend on."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsim._files import private_cache_folder, replace_file
from jaxsim._version import __version__
from jaxsim.errors import SimulationError
from jaxsim.models.coupling_cell import cell_in_tumour
from jaxsim.models.coupling_organism import around_tumour
from jaxsim.models.coupling_table import BATCHES, EVERY, Grid, build_table
from jaxsim.models.organism import organism
from jaxsim.network.fingerprint import fingerprint

if TYPE_CHECKING:
    import xarray

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
        As for :func:`jaxsim.models.coupling_table.build_table`, which makes the table.
    folder
        Where tables are kept; ``$XDG_CACHE_HOME/jaxsim/<version>/tables`` if not given.

    Returns
    -------
    xarray.Dataset
        See :func:`jaxsim.models.coupling_table.build_table`; its attributes say where and with what it was computed.

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
        (cells, seed, BATCHES, EVERY),
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
