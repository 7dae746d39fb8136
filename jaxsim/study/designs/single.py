"""No design: the model as it is."""

import numpy as np

from jaxsim.study.designs.points import DesignPoints


def single() -> DesignPoints:
    """Return one point at which nothing varies."""
    return DesignPoints((), np.zeros((1, 0)))
