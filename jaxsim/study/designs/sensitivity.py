"""Design: the points from which Sobol indices are estimated, in the ranges of the parameters."""

from pathlib import Path

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.estimation import sobol_design
from jaxsim.network import Network
from jaxsim.study.designs.points import MOST_POINTS, DesignPoints, number_of, ranges, refuse_keys, spread_axis
from jaxsim.study.schema import Design


def sensitivity(design: Design, network: Network, folder: Path) -> DesignPoints:
    """Return ``design.points`` base points twice, and once more for each parameter, block after block.

    See :func:`jaxsim.estimation.sobol_design`; :func:`jaxsim.study.sobol_indices_of` reads the indices.
    """
    refuse_keys(design, "file")
    axes, number = ranges(design), number_of(design)
    if number & (number - 1) or number * (len(axes) + 2) > MOST_POINTS:
        raise StudyError(
            f"a sensitivity design of {number} base points is not balanced or too large; give a power of two"
        )
    unit = sobol_design(number, len(axes), design.seed).reshape(-1, len(axes))
    columns = [spread_axis(axis, unit[:, k]) for k, (_, axis) in enumerate(axes)]
    return DesignPoints(tuple(name for name, _ in axes), np.stack(columns, axis=1))
