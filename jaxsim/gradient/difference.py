"""Method difference: coupled central differences, the referee of every other estimator.

Both sides run with the same keys, so that a reaction's firings in a leap follow by inversion from one uniform, which is
monotone in the rate: the numbers of firings agree unless the uniform falls between two distribution functions that
are close together ("common random numbers"; Rathinam, Sheppard & Khammash, J. Chem. Phys. 132 (2010) 034103, for the
coupling by reaction channel). Unlike a pathwise derivative this is right for any objective; its cost is two
trajectories for each free number, its bias of the order of the square of the step.
"""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from jaxsim.ensemble.batches import run_batches
from jaxsim.errors import SimulationError
from jaxsim.gradient.batches import Average, batches, refuse_faults
from jaxsim.gradient.credit import Anchor, values
from jaxsim.gradient.leap_paths import leap_paths
from jaxsim.gradient.leap_score_estimator import leap_anchors
from jaxsim.gradient.problem import Estimate, Problem, chain_of, drive_of, first_words, lanes_of
from jaxsim.gradient.tables import table_values

SHARE = 0.1  # of the exposure or parameters that a difference changes to each side, where no step is given
BIAS = "of the order of the square of the steps {steps}, beyond that of leaping"


def estimate(problem: Problem) -> Estimate:
    """Average paired differences over trajectories."""
    widths = half_widths(problem)
    anchor = leap_anchors(problem, drive_of(problem))
    gradient, value = Average(problem.size), Average(1)
    for differences, base in paired(problem, widths, anchor):
        gradient.add(differences)
        value.add(base[None, :])
    error = float(np.sqrt(value.covariance[0, 0]))
    bias = BIAS.format(steps=", ".join(f"{width:.3g}" for width in widths))
    number = value.count
    return Estimate(float(value.mean[0]), error, gradient.mean, gradient.covariance, number, bias)


def paired(problem: Problem, widths: np.ndarray, anchor: list[Anchor | None]) -> Any:
    """Yield for each batch the difference quotients [P, L] and the values in the middle [L]."""
    for numbers in sides(problem, widths):
        found = np.stack([values(problem.objective, anchor, one) for one in numbers])
        yield (found[1::2] - found[2::2]) / (2.0 * widths[:, None]), found[0]


def slopes(problem: Problem, widths: np.ndarray, anchor: list[Anchor | None]) -> Iterator[np.ndarray]:
    """Yield for each batch the difference quotients [P, L] alone."""
    for numbers in sides(problem, widths, middle=False):
        found = np.stack([values(problem.objective, anchor, one) for one in numbers])
        yield (found[0::2] - found[1::2]) / (2.0 * widths[:, None])


def sides(problem: Problem, widths: np.ndarray, middle: bool = True) -> Iterator[np.ndarray]:
    """Yield for each batch F [1 + 2 P, J, L]: in the middle if asked for, and with each number moved up and down."""
    chain = chain_of(problem, lanes_of(problem))
    drives = [drive_of(problem)] if middle else []
    for direction in np.eye(problem.size) * widths[:, None]:
        drives += [_shifted(problem, direction), _shifted(problem, -direction)]

    def call(first: int) -> Any:
        found = []
        for drive in drives:
            paths = jax.tree.map(np.asarray, leap_paths(chain, drive._replace(first=first_words(first))))
            refuse_faults(paths.faulty, "leap")
            found.append(paths.numbers)
        return np.stack(found)

    yield from run_batches(call, batches(problem.first, problem.trajectories, chain.lanes))


def _shifted(problem: Problem, direction: np.ndarray) -> Any:
    theta = problem.free.theta + direction
    network, schedule = problem.free.model(theta)
    grid = problem.grid
    return drive_of(problem, table_values(network, schedule, grid.edges, problem.shifts, grid.pinned))


def half_widths(problem: Problem) -> np.ndarray:
    """Return the step to each side, [P]: as given, or such that it changes exposure or a parameter by a tenth.

    For a dose time that is about the time in which the curve passes a tenth of its height. An amount changes by no more
    than a tenth of itself, since saturation would hide how much that is.
    """
    if problem.steps is not None:
        return problem.steps
    change, size = np.zeros(problem.size), 0.0
    pairs = [(problem.tables.exposure, problem.slopes.tables.exposure)] if problem.tables.exposure.size else []
    slopes = problem.slopes.tables.parameters
    moving = zip(jax.tree.leaves(problem.tables.parameters), jax.tree.leaves(slopes), strict=True)
    for table, slope in [*pairs, *moving]:
        size = np.sqrt(np.mean(np.square(table)))
        part = np.sqrt(np.mean(np.square(slope), axis=tuple(range(slope.ndim - 1)))) / (size if size > 0 else 1.0)
        change = np.maximum(change, part)
    if np.any(change == 0.0):
        name = problem.free.components[int(np.argmin(change))]
        raise SimulationError(f"nothing that rates read depends on '{name}'; leave it out of what is free")
    size = np.abs(problem.free.theta)
    return np.minimum(SHARE / change, np.where(size > 0.0, SHARE * size, np.inf))
