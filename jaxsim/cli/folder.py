"""The folder for results: checked before anything is computed, files complete or absent."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jaxsim._files import replace_file
from jaxsim.errors import JaxsimError

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


FORMATS = ("png", "pdf")


def ready_folder(path: str) -> Path:
    """Make the folder if need be and return it.

    Raises
    ------
    JaxsimError
        If there is something else of that name, or nothing can be written in it.

    Examples
    --------
    >>> ready_folder("pyproject.toml")
    Traceback (most recent call last):
    jaxsim.errors.JaxsimError: the output 'pyproject.toml' is there and is no folder; give another --out
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise JaxsimError(f"the output '{path}' is there and is no folder; give another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise JaxsimError(f"the output '{path}' cannot be written ({error.strerror}); give another --out") from error
    return folder


def write_dataset(data: "xarray.Dataset", path: Path) -> Path:
    """Write a Dataset as NetCDF; a file of that name is replaced when the new one is complete."""
    return _replace(path, lambda temporary: data.to_netcdf(temporary, engine="h5netcdf"))


def write_figure(figure: "Figure", path: Path) -> list[Path]:
    """Write a figure as PNG and as PDF, with the suffix of each; old files are replaced when the new are complete."""

    def write(kind: str) -> Path:
        metadata = {"CreationDate": None} if kind == "pdf" else {}  # the same figure gives the same bytes
        return _replace(
            path.with_suffix(f".{kind}"), lambda temporary: figure.savefig(temporary, format=kind, metadata=metadata)
        )

    return [write(kind) for kind in FORMATS]


def _replace(path: Path, write: Callable[[Path], object]) -> Path:
    if path.is_dir():
        raise JaxsimError(f"'{path}' is a folder where a file should be written; move it or give another --out")
    return replace_file(path, write)
