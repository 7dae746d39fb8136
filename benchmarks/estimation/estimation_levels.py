"""What single levels of ``estimation.py`` give and cost: variances with the control and without, and Sobol points."""

import jax
import numpy as np

from jaxsim.estimation.estimate import _chain
from jaxsim.estimation.ladder import Ladder
from jaxsim.estimation.levels import Level
from jaxsim.estimation.mesh import relaxation_course
from jaxsim.estimation.quasi_monte_carlo import PointSets
from jaxsim.estimation.question import ask


def ladder_of(case: dict):
    device = jax.local_devices()[0]
    question = ask(case["network"], case["quantity"], case["at"], case.get("schedule"), 0.0, 0, device.platform)
    return Ladder(question, relaxation_course(question, device)[0], _chain(question, None), device)


def levels(case: dict, number: int = 256, highest: int = 4, exact: float = 1e6) -> list[dict]:
    """Variance and cost of a trajectory of each level, with the control and without."""
    ladder = ladder_of(case)
    small = ladder.steps(0) < 200
    kinds = [("path", 0), *(("pair", level) for level in range(1, highest + 1 if small else 3))]
    if ladder.rung(0).events < exact:
        kinds += [("exact", level) for level in range(highest if small else 2)]
    rows = []
    for kind, level in kinds:
        found = Level(ladder, kind, level, 5)
        found.run(number if small else 64)
        sums, spent = found.sums, found.seconds / found.sums.number
        rows.append(
            {"kind": kind, "leaps": found.steps, "trajectories": sums.number, "mean": sums.mean(True),
             "variance": sums.variance(False), "controlled": sums.variance(True), "seconds": spent}
        )  # fmt: skip
    return rows


def points(case: dict, seeds: int = 8) -> list[dict]:
    """Standard error of the lowest level over the number of its trajectories: Sobol points and independent ones."""
    ladder = ladder_of(case)
    given = [PointSets(ladder, seed) for seed in range(seeds)]
    alone = Level(ladder, "path", 0, 5)
    alone.run(1 << 14)
    rows = []
    for exponent in range(10, 18):
        for one in given:
            one.run(1 << exponent)
        errors = [one.variance / one.sums.number for one in given]
        rows.append({"points": 1 << exponent, "error": float(np.sqrt(np.mean(errors))),
                     "independent": float(np.sqrt(alone.variance / (1 << exponent)))})  # fmt: skip
    return rows
