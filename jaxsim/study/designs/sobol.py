"""Design: a scrambled Sobol sequence, which fills the box more evenly than random points."""

from pathlib import Path

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.network import Network
from jaxsim.study.designs.points import DesignPoints, number_of, ranges, refuse_keys, spread_axis
from jaxsim.study.schema import Design


def sobol(design: Design, network: Network, folder: Path) -> DesignPoints:
    """Return points scrambled with ``design.seed`` (Owen, J. Complexity 14 (1998) 466)."""
    from scipy.stats import qmc

    refuse_keys(design, "file")
    axes, number = ranges(design), number_of(design)
    if number & (number - 1):
        raise StudyError(f"a Sobol design of {number} points is not balanced; give a power of two for 'design.points'")
    unit = qmc.Sobol(d=len(axes), rng=np.random.default_rng(design.seed)).random(number)
    columns = [spread_axis(axis, unit[:, k]) for k, (_, axis) in enumerate(axes)]
    return DesignPoints(tuple(name for name, _ in axes), np.stack(columns, axis=1))
