"""Cases of the stochastic suite: a model, what to simulate, and the exact means and standard deviations."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from jaxsim.errors import FormatError, closest

# Exact values of cases of which the suite's table is not exact.
#
# The tables of six truncated laws hold simulated values, up to 0.0047 standard deviations from the law; in three of
# truncated normals the column of standard deviations holds the variance, 0.24 % less. At ten thousand runs that is lost
# in the noise, at a million right results would be out of range. The values here are moments of the truncated density
# by quadrature (binomial: by summation), which a test computes again.

Table = dict[str, Float64[np.ndarray, " time"]]

EXACT: dict[str, dict[str, float]] = {
    "00058": {"X-mean": 20.60485849, "X-sd": 3.473866636},  # binomial(100, 0.2) from 15 to 32
    "00059": {"X-mean": 3.345210222, "X-sd": 2.041932865},  # Cauchy(1, 2) from 1.1 to 10; the table has no sd
    "00060": {"X-mean": 3.685625821, "X-sd": 1.419480117},  # chi-square(2) from 2 to 8
    "00062": {"X-mean": 4.13834925, "X-sd": 0.8201254375},  # gamma(1, 2) from 3 to 6
    "00064": {"ln(X)-mean": 1.679710927, "ln(X)-sd": 0.3450855781},  # lognormal(1, 2) from 3 to 10
    "00066": {"X-mean": 3.769167006, "X-sd": 0.5376781519},  # Rayleigh(2) from 3 to 5
    "00070": {"X-mean": -0.8977354172, "X-sd": 0.9975988232},  # normal(0, 1.5) up to 0.5
    "00096": {"X-mean": 0.8977354172, "X-sd": 0.9975988232},  # normal(0, 1.5) from -0.5
    "00098": {"X-mean": -0.8977354172, "X-sd": 0.9975988232},  # as 00070
}


def corrected(case: str, table: Table) -> tuple[Table, str]:
    """Return the expected values of a case, and a clause on how far the suite's own are from them, if they are not.

    Examples
    --------
    >>> table = {"X-mean": np.array([0.0, 3.6835]), "X-sd": np.array([0.0, 1.419375])}
    >>> found, remark = corrected("00060", table)
    >>> found["X-mean"].tolist(), remark
    ([0.0, 3.685625821], "judged by the exact law: the table's mean is 0.0015 sd off, its sd 0.01 %")
    """
    exact = EXACT.get(case)
    if exact is None:
        return table, ""
    mean, deviation = exact
    drawn = table[mean] != 0
    off = abs(table[mean][-1] - exact[mean]) / exact[deviation]
    wide = f", its sd {abs(table[deviation][-1] / exact[deviation] - 1):.2%}" if deviation in table else ""
    remark = f"judged by the exact law: the table's mean is {off:.4f} sd off{wide}".replace("%", " %")
    return {column: np.where(drawn, value, 0.0) for column, value in exact.items()}, remark


NUMBER = re.compile(r"\d{5}")


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes
    ----------
    name
        Five digits.
    model
        The SBML file, of the latest level and version that the folder holds.
    start, duration, steps
        Of the time grid.
    concentrations
        Outputs that are concentrations; the others are amounts.
    expected
        For each output such as ``X-mean`` its exact values, [time].
    mean_range, deviation_range
        Open intervals for Z and Y.
    """

    name: str
    model: Path
    start: float
    duration: float
    steps: int
    concentrations: frozenset[str]
    times: Float64[np.ndarray, " time"]
    expected: dict[str, Float64[np.ndarray, " time"]]
    mean_range: tuple[float, float]
    deviation_range: tuple[float, float]
    medians: frozenset[str] = frozenset()
    """Outputs whose law has neither mean nor standard deviation (the Cauchy law): of these the median is judged.

    By symmetry it is what the case gives as the mean. The part of trajectories above it, those at it counted half, is
    1/2 with a standard deviation of 1/2 each.
    """
    remark: str = ""
    """Where the expected values are not those of the suite's table, how they differ."""

    @property
    def outputs(self) -> list[str]:
        """What is judged, in order: names of the file, or expressions such as ``ln(X)``."""
        return list(dict.fromkeys(column.rsplit("-", 1)[0] for column in self.expected))

    @property
    def without_deviation(self) -> frozenset[str]:
        """Outputs of which the case gives the mean alone."""
        return frozenset(output for output in self.outputs if f"{output}-sd" not in self.expected)


def cases_in(folder: Path, wanted: Sequence[str] = ()) -> list[str]:
    """Return the names of the cases in a folder, all or those that names and ranges such as ``00001-00039`` choose.

    Raises
    ------
    FormatError
        If there are none, or one that is named is not there.
    """
    known = sorted(path.name for path in folder.iterdir() if NUMBER.fullmatch(path.name)) if folder.is_dir() else []
    if not known:
        raise FormatError(str(folder), ["holds no cases; give a folder with subfolders such as 00001"])
    chosen: list[str] = []
    for text in wanted:
        low, _, high = text.partition("-")
        first, last = low.zfill(5), (high or low).zfill(5)
        found = [name for name in known if first <= name <= last]
        if not found:
            raise FormatError(str(folder), [f"holds no case {text}{closest(first, known)}"])
        chosen += [name for name in found if name not in chosen]
    return chosen or known


def load_case(folder: Path, name: str) -> Case:
    """Read the settings and the expected results of a case.

    Raises
    ------
    FormatError
        If a file of the case is missing or cannot be understood.
    """
    place = folder / name
    model = latest_model(place, name)
    try:
        settings = read_settings(place / f"{name}-settings.txt")
        head, table = read_results(place / f"{name}-results.csv")
        expected, remark = corrected(
            name, {column: table[:, head.index(column)] for column in words(settings["output"])}
        )
        return Case(
            name,
            model,
            float(settings["start"]),
            float(settings["duration"]),
            int(settings["steps"]),
            frozenset(words(settings.get("concentration", ""))),
            table[:, 0],
            expected,
            _range(settings["meanRange"]),
            _range(settings["sdRange"]),
            remark=remark,
        )
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise FormatError(str(place), [f"cannot be understood as a case ({error})"]) from error


def latest_model(place: Path, name: str) -> Path:
    """Return the SBML file of a case, of the latest level and version that its folder holds.

    Raises
    ------
    FormatError
        If there is none.
    """
    models = sorted(place.glob(f"{name}-sbml-l*v*.xml"))
    if not models:
        raise FormatError(str(place), ["holds no SBML model"])
    return models[-1]


def read_settings(path: Path) -> dict[str, str]:
    """Return the settings of a case by their names."""
    pairs = (line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def read_results(path: Path) -> tuple[list[str], Float64[np.ndarray, "time column"]]:
    """Return the names of the columns of a table, and its numbers."""
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    head = [text.strip() for text in rows[0]]
    return head, np.array([[float(value) for value in row] for row in rows[1:]], np.float64)


def words(text: str) -> list[str]:
    """Return the names in a list with commas.

    Examples
    --------
    >>> words("S1, S2,,")
    ['S1', 'S2']
    """
    return [word for word in (part.strip() for part in text.split(",")) if word]


def _range(text: str) -> tuple[float, float]:
    low, high = text.strip().strip("()").split(",")
    return float(low), float(high)
