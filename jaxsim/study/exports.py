"""Results in other formats: NetCDF, and CSV with a line for each point, time and species."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jaxsim._files import replace_file
from jaxsim.errors import StudyError

if TYPE_CHECKING:
    import xarray

COLUMNS = ("mean", "variance", "standard_error")


def write_netcdf(data: "xarray.Dataset", path: Path) -> Path:
    """Write a Dataset as NetCDF; a file of that name is replaced when the new one is complete."""
    return _replace(path, lambda temporary: data.to_netcdf(temporary, engine="h5netcdf"))


def write_csv(data: "xarray.Dataset", path: Path) -> Path:
    """Write mean, variance and standard error as CSV, point by point, so that large results fit into memory.

    Examples
    --------
    >>> import tempfile, xarray
    >>> data = xarray.Dataset({name: (("point", "time", "species"), [[[1.5]]]) for name in COLUMNS},
    ...                       {"time": [2.0], "species": ["X"], "k": ("point", [0.5])})
    >>> write_csv(data, Path(tempfile.mkdtemp()) / "results.csv").read_text().splitlines()
    ['point,k,time,species,mean,variance,standard_error', '0,0.5,2.0,X,1.5,1.5,1.5']
    """
    return _replace(path, lambda temporary: _write(data, temporary))


def _replace(path: Path, write: Callable[[Path], object]) -> Path:
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be written: there is no folder '{path.parent}'"
        raise StudyError(f"'{path}' {what}; give the name of a file in a folder that is there")
    return replace_file(path, write)


def _write(data: "xarray.Dataset", path: Path) -> None:
    varied = [str(name) for name in data.coords if data[name].dims == ("point",)]
    times, species = data["time"].values.tolist(), data["species"].values.tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["point", *varied, "time", "species", *COLUMNS])
        for point in range(data.sizes["point"]):
            one = data.isel(point=point)
            given = [float(one[name]) for name in varied]
            columns = [one[name].values for name in COLUMNS]
            for k, time in enumerate(times):
                for s, name in enumerate(species):
                    writer.writerow([point, *given, time, name, *(float(column[k, s]) for column in columns)])
