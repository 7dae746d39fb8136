"""Design: every combination of the given values."""

from itertools import product
from math import prod
from pathlib import Path

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.network import Network
from jaxsim.study.designs.points import MOST_POINTS, DesignPoints, check_scale, refuse_keys, spread_axis
from jaxsim.study.schema import Axis, Design


def grid(design: Design, network: Network, folder: Path) -> DesignPoints:
    """Return all combinations; the last parameter varies fastest."""
    refuse_keys(design, "points", "seed", "file")
    if not design.parameters:
        raise StudyError("the design 'grid' varies nothing; add a section [design.parameters.NAME]")
    axes = {name: _values(name, axis) for name, axis in design.parameters.items()}
    if prod(len(axis) for axis in axes.values()) > MOST_POINTS:
        raise StudyError(f"the grid has more than {MOST_POINTS} points; give fewer values or a 'latin hypercube'")
    return DesignPoints(tuple(axes), np.array(list(product(*axes.values())), np.float64))


def _values(name: str, axis: Axis) -> list[float]:
    if (axis.values is None) == (axis.low is None):
        raise StudyError(f"the parameter '{name}' needs either 'values' or 'low', 'high' and 'points'")
    if axis.values is not None:
        if not axis.values or axis.high is not None or axis.points is not None:
            raise StudyError(f"the parameter '{name}' needs a list of 'values' that is not empty, and nothing else")
        return axis.values
    if axis.high is None or axis.points is None:
        raise StudyError(f"the parameter '{name}' has the key 'low' but not both 'high' and 'points'; give all three")
    check_scale(name, axis)
    if axis.points > MOST_POINTS:
        raise StudyError(f"the parameter '{name}' takes {axis.points} values; give at most {MOST_POINTS}")
    return [float(value) for value in spread_axis(axis, np.linspace(0.0, 1.0, axis.points))]
