"""Output of commands: the folder for results, files complete or absent, tables in a terminal."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from jaxsim._files import replace_file
from jaxsim.errors import JaxsimError

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


_FORMATS = ("png", "pdf")


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

    return [write(kind) for kind in _FORMATS]


def _replace(path: Path, write: Callable[[Path], object]) -> Path:
    if path.is_dir():
        raise JaxsimError(f"'{path}' is a folder where a file should be written; move it or give another --out")
    return replace_file(path, write)


# Tables in a terminal.

_WIDTH = 27  # of a heading before it is broken into lines
FALLBACK = 120  # columns, where there is no terminal


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under headings; the first column is aligned left, the others right.

    Columns that do not fit beside each other in the terminal stand below, each time after the first one.

    Parameters
    ----------
    headings
        One per column; long ones take several lines.
    rows
        Texts.

    Examples
    --------
    >>> print(table(["arm", "dead, %"], [["untreated", "0.0"], ["treated", "39.1"]]))
    arm        dead, %
    ------------------
    untreated      0.0
    treated       39.1
    """
    blocks = _fitting(headings, rows)
    parts = (([headings[c] for c in (0, *block)], [[row[c] for c in (0, *block)] for row in rows]) for block in blocks)
    return "\n\n".join(_beside(*part) for part in parts)


def _beside(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return all columns beside each other."""
    broken = [wrap(heading, _WIDTH) or [""] for heading in headings]
    deepest = max(len(lines) for lines in broken)
    head = [[""] * (deepest - len(lines)) + lines for lines in broken]
    lines = [[column[n] for column in head] for n in range(deepest)] + [list(row) for row in rows]
    widths = [max(len(line[c]) for line in lines) for c in range(len(headings))]
    text = [_aligned(line, widths) for line in lines]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([*text[:deepest], rule, *text[deepest:]])


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    others = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *others]).rstrip()


def _fitting(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[int]]:
    """Return which columns, the first left out, fit beside each other after the first."""
    widths = [
        max([*map(len, wrap(heading, _WIDTH) or [""]), *(len(row[c]) for row in rows)])
        for c, heading in enumerate(headings)
    ]
    columns = shutil.get_terminal_size((FALLBACK, 24)).columns
    blocks: list[list[int]] = [[]]
    for c in range(1, len(headings)):
        if blocks[-1] and widths[0] + sum(2 + widths[other] for other in [*blocks[-1], c]) > columns:
            blocks.append([])
        blocks[-1].append(c)
    return blocks
