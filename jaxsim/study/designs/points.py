"""Design points: parameter names, and one row of values for each point."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from jaxsim.errors import StudyError
from jaxsim.study.schema import Axis, Design

MOST_POINTS = 1 << 24


@dataclass(frozen=True)
class DesignPoints:
    """Values of the varied parameters, float64 [point, parameter]."""

    names: tuple[str, ...]
    values: Float64[np.ndarray, "point parameter"]


def refuse_keys(design: Design, *unused: str) -> None:
    """Refuse keys of the section that this kind of design would ignore."""
    for key in unused:
        if getattr(design, key) not in (None, 0, {}):
            raise StudyError(f"the design '{design.kind}' does not take 'design.{key}'; leave it out")


def ranges(design: Design) -> list[tuple[str, Axis]]:
    """Return the parameters that vary, each with a range; refuse anything else."""
    if not design.parameters:
        raise StudyError(f"the design '{design.kind}' varies nothing; add a section [design.parameters.NAME]")
    for name, axis in design.parameters.items():
        if axis.values is not None or axis.points is not None or axis.low is None or axis.high is None:
            raise StudyError(f"the design '{design.kind}' needs 'low' and 'high' of the parameter '{name}', not values")
        check_scale(name, axis)
    return list(design.parameters.items())


def check_scale(name: str, axis: Axis) -> None:
    """Refuse a range that is empty, and a logarithmic one that reaches zero."""
    assert axis.low is not None
    assert axis.high is not None
    if axis.scale not in ("linear", "log"):
        raise StudyError(f"the scale of the parameter '{name}' is '{axis.scale}'; give 'linear' or 'log'")
    if not axis.low < axis.high:
        raise StudyError(f"the parameter '{name}' ranges from {axis.low:g} to {axis.high:g}; give low < high")
    if axis.scale == "log" and axis.low <= 0:
        raise StudyError(f"the parameter '{name}' has a log scale from {axis.low:g}; start above zero")


def spread_axis(axis: Axis, unit: np.ndarray) -> np.ndarray:
    """Map numbers from 0 to 1 onto the range of a parameter, evenly on its scale.

    Examples
    --------
    >>> spread_axis(Axis(low=1.0, high=100.0, scale="log"), np.array([0.0, 0.5, 1.0])).round(9).tolist()
    [1.0, 10.0, 100.0]
    """
    assert axis.low is not None
    assert axis.high is not None
    if axis.scale == "log":
        return np.exp(np.log(axis.low) + unit * (np.log(axis.high) - np.log(axis.low)))
    return axis.low + unit * (axis.high - axis.low)


def number_of(design: Design) -> int:
    """Return how many points are asked for."""
    if design.points is None:
        raise StudyError(f"the design '{design.kind}' needs 'design.points', the number of design points")
    if design.points > MOST_POINTS:
        raise StudyError(f"the design has {design.points} points; at most {MOST_POINTS} can be told apart")
    return int(design.points)
