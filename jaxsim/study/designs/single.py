"""No design: the model as it is."""

import numpy as np

from jaxsim.study.designs.points import Points


def single() -> Points:
    """Return one point at which nothing varies."""
    return Points((), np.zeros((1, 0)))
