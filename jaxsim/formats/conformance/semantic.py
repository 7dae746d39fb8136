"""Cases of the semantic suite: a model, and its course in time as a differential equation, with tolerances."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from jaxsim.errors import FormatError
from jaxsim.formats.conformance.case import latest_model, read_results, read_settings, words

Courses = dict[str, Float64[np.ndarray, " grid"]]
WrongPoints = dict[str, Bool[np.ndarray, " time"]]


@dataclass(frozen=True)
class ReferenceCourse:
    """One case.

    Attributes
    ----------
    name
        Five digits.
    model
        The SBML file, of the latest level and version that the folder holds.
    times
        Of the grid on which the model is solved.
    rows
        Where the expected times stand on the grid.
    amounts, concentrations
        Outputs that are amounts, and that are concentrations, whatever formulas mean by them.
    expected
        For each output its values, [time].
    absolute, relative
        A value is right if it is off by no more than ``absolute + relative * |expected|``.
    """

    name: str
    model: Path
    times: Float64[np.ndarray, " grid"]
    rows: list[int]
    amounts: frozenset[str]
    concentrations: frozenset[str]
    expected: dict[str, Float64[np.ndarray, " time"]]
    absolute: float
    relative: float


def is_semantic(folder: Path, name: str) -> bool:
    """Return whether a case is of the semantic suite: its settings give tolerances instead of ranges of Z and Y."""
    try:
        return "meanRange" not in read_settings(folder / name / f"{name}-settings.txt")
    except OSError:
        return False


def load_course(folder: Path, name: str) -> ReferenceCourse:
    """Read the settings and the expected results of a case.

    Raises
    ------
    FormatError
        If a file of the case is missing or cannot be understood, or it is not about a course in time.
    """
    place = folder / name
    model = latest_model(place, name)
    try:
        settings = read_settings(place / f"{name}-settings.txt")
        if not settings["duration"]:
            raise FormatError(str(place), ["asks for a steady state of fluxes and not for a course in time"])
        head, table = read_results(place / f"{name}-results.csv")
        start, duration, steps = (float(settings[key]) for key in ("start", "duration", "steps"))
        grid = start + duration * np.arange(int(steps) + 1) / steps
        rows = [int(np.argmin(np.abs(grid - time))) for time in table[:, 0]]
        if np.max(np.abs(grid[rows] - table[:, 0])) > 1e-4 * duration:
            raise ValueError("it has expected times that are not on its grid")
        return ReferenceCourse(
            name,
            model,
            grid,
            rows,
            frozenset(words(settings.get("amount", ""))),
            frozenset(words(settings.get("concentration", ""))),
            {column: table[:, head.index(column, 1)] for column in words(settings["variables"])},
            float(settings["absolute"]),
            float(settings["relative"]),
        )
    except (OSError, KeyError, ValueError, IndexError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(str(place), [f"cannot be understood as a case ({error})"]) from error


def wrong_points(case: ReferenceCourse, found: Courses) -> WrongPoints:
    """Return where the values of each output are off by more than the tolerances of the case.

    Source: the suite's own criterion, ``|found - expected| <= absolute + relative * |expected|``; what is not a number
    or infinite must be so on both sides.
    """
    wrong = {}
    for output, expected in case.expected.items():
        values = found[output][case.rows]
        with np.errstate(invalid="ignore"):
            near = np.abs(values - expected) <= case.absolute + case.relative * np.abs(expected)
        wrong[output] = ~(near | (values == expected) | (np.isnan(values) & np.isnan(expected)))
    return wrong
