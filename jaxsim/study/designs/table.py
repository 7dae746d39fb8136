"""Design: a table of values, one row for each point."""

import csv
import io
import math
from pathlib import Path

import numpy as np

from jaxsim._files import read_regular
from jaxsim.errors import StudyError
from jaxsim.network import Network
from jaxsim.study.designs.points import MOST_POINTS, DesignPoints, refuse_keys
from jaxsim.study.schema import Design


def table_design(design: Design, network: Network, folder: Path) -> DesignPoints:
    """Return the rows of a CSV file whose first line names the parameters."""
    refuse_keys(design, "points", "seed", "parameters")
    if design.file is None:
        raise StudyError("the design 'table' needs 'design.file', a CSV file whose first line names the parameters")
    path = folder / design.file
    try:
        text = read_regular(path).decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise StudyError(f"the table '{path}' cannot be read ({error}); give a CSV file in UTF-8") from error
    if not 2 <= len(rows) <= MOST_POINTS:
        raise StudyError(
            f"the table '{path}' holds {max(len(rows) - 1, 0)} points; give at least one below its heading"
        )
    names = tuple(name.strip() for name in rows[0])
    if len(set(names)) != len(names):
        raise StudyError(f"the table '{path}' names a parameter twice in its first line {', '.join(names)}")
    return DesignPoints(names, np.array([_numbers(path, n + 2, row, len(names)) for n, row in enumerate(rows[1:])]))


def _numbers(path: Path, line: int, row: list[str], wanted: int) -> list[float]:
    if len(row) != wanted:
        raise StudyError(f"line {line} of the table '{path}' has {len(row)} values where its first line has {wanted}")
    try:
        values = [float(text) for text in row]
    except ValueError as error:
        raise StudyError(f"line {line} of the table '{path}' holds what is no number ({error})") from error
    if not all(math.isfinite(value) for value in values):
        raise StudyError(f"line {line} of the table '{path}' holds a value that is not finite")
    return values
