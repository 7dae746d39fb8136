"""Design: a Latin hypercube, in which each parameter takes each of `points` strata once."""

from pathlib import Path

import numpy as np

from jaxsim.network import Network
from jaxsim.study.designs.points import DesignPoints, number_of, ranges, refuse_keys, spread_axis
from jaxsim.study.schema import Design


def latin_hypercube(design: Design, network: Network, folder: Path) -> DesignPoints:
    """Return points drawn with ``design.seed`` (McKay, Beckman & Conover, Technometrics 21 (1979) 239)."""
    from scipy.stats import qmc

    refuse_keys(design, "file")
    axes, number = ranges(design), number_of(design)
    unit = qmc.LatinHypercube(d=len(axes), rng=np.random.default_rng(design.seed)).random(number)
    columns = [spread_axis(axis, unit[:, k]) for k, (_, axis) in enumerate(axes)]
    return DesignPoints(tuple(name for name, _ in axes), np.stack(columns, axis=1))
