"""Second scout: the Langevin equation with smooth objective and common random numbers, by L-BFGS.

With the same noise in every evaluation the sample mean is a smooth function of the coordinates, whose slope the path
derivative is exactly; so a method that searches lines may be used ("sample average approximation"; Shapiro, Dentcheva &
Ruszczynski, Lectures on Stochastic Programming (2009), ch. 5). It would be wrong for counts and scores.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators import ESTIMATORS
from jaxsim.gradient.estimators.langevin import langevin_gradient
from jaxsim.gradient.estimators.surrogate import drive_from, levels_of
from jaxsim.gradient.influence import anchors, values
from jaxsim.gradient.objective import Objective
from jaxsim.gradient.problem import Problem, batches, chain_of, drive_of, refuse_faults
from jaxsim.gradient.tables import chained
from jaxsim.optimise.criterion import smoothed
from jaxsim.optimise.limits import Penalty
from jaxsim.optimise.polish import LANES
from jaxsim.optimise.search import Search
from jaxsim.runtime.workers import run_batches

UNSEEN = 0.02  # of the final trial's error: an evaluation that gains less is the last
_FARTHEST = 14.0  # of a coordinate: a share of 1e-6


class Refined(NamedTuple):
    """Where one start ended."""

    z: np.ndarray
    path: np.ndarray
    """[steps, Z]."""


class _Enough(Exception):
    """Raised within a line search, which may ask for more evaluations than it is allowed."""


def affordable_evaluations(search: Search, trajectories: int, most: float) -> int:
    """Return how many evaluations bring the search to so many trajectories at most."""
    each = ESTIMATORS["langevin"].cost * LANES * -(-min(trajectories, search.final) // LANES)
    return max(0, int((most - search.forward_equivalents) // (each * (1 + bool(search.criterion.limits)))))


def refine(search: Search, z: np.ndarray, penalty: Penalty, trajectories: int, evaluations: int) -> Refined:
    """Descend from z; where the Langevin equation cannot be followed, say so and stay."""
    terms = smoothed(search.criterion.terms, heavy=False)
    problem = search.problem._replace(objective=terms, lanes=LANES, trajectories=trajectories, seed=search.seed)
    first = search.take(trajectories)
    path, done = [z], 0

    def merit_and_slope(at: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal done
        if done == evaluations:
            raise _Enough
        done += 1
        return _merit_and_slope(search, search.at(at)._replace(**_shared(problem)), penalty, first)

    unseen = UNSEEN * search.resolution / penalty.scale[0]
    try:
        found = optimize.minimize(
            merit_and_slope, z, jac=True, method="L-BFGS-B", bounds=[(-_FARTHEST, _FARTHEST)] * z.size,
            callback=lambda at: path.append(np.array(at)),
            options={"maxfun": evaluations, "maxiter": evaluations, "ftol": unseen},
        )  # fmt: skip
    except _Enough:
        return Refined(path[-1], np.stack(path))
    except SimulationError as error:
        search.notes.append(f"a start was not refined by the Langevin equation: {error}")
        return Refined(z, np.stack(path))
    return Refined(np.asarray(found.x), np.stack(path))


def _shared(problem: Problem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("objective", "lanes", "trajectories", "seed")}


def _merit_and_slope(search: Search, problem: Problem, penalty: Penalty, first: int) -> tuple[float, np.ndarray]:
    """Return the augmented Lagrangian of the sample and its slope."""
    alone = np.zeros(len(search.criterion.counts))
    alone[0] = penalty.sign / penalty.scale[0]
    found, slope = _sample(search, problem, alone, first)
    if search.criterion.limits:  # their pull depends on what was found
        found, slope = _sample(search, problem, penalty.weights(found), first)
    return penalty.merit(found), slope


def _sample(search: Search, problem: Problem, weights: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the functionals of the sample [1 + limits], and the slope of their weighted sum [Z]."""
    chain, drive = chain_of(problem, LANES), drive_of(problem)
    each = np.repeat(weights, search.criterion.counts)
    given = batches(first, problem.trajectories, LANES)
    anchor = anchors(problem.objective, lambda: _numbers(chain, drive, problem, given))
    levels = levels_of(problem.objective, anchor)
    levels = levels._replace(weight=(levels.weight * each).astype(np.float32))
    slopes, functionals = [], []
    for cotangent, ends in run_batches(lambda n: langevin_gradient(chain, drive_from(drive, n), levels), given):
        refuse_faults(ends.faulty, "step")
        slopes.append(chained(cotangent, problem.slopes))
        functionals.append(_functionals(search, problem.objective, anchor, ends.numbers))
    search.forward_equivalents += ESTIMATORS["langevin"].cost * LANES * len(given)
    return np.mean(functionals, axis=0), np.mean(slopes, axis=0)


def _functionals(search: Search, objective: Objective, anchor: list[Any], numbers: np.ndarray) -> np.ndarray:
    found = []
    for index in range(len(search.criterion.counts)):
        part, _ = search.criterion.functional(index)
        found.append(values(Objective(objective.terms[part]), anchor[part], numbers[part]).mean())
    return np.array(found)


def _numbers(chain: Any, drive: Any, problem: Problem, given: list[int]) -> np.ndarray:
    """Return F of the sample, for quantiles, [J, trajectories]."""
    ones = levels_of(problem.objective, [None] * len(problem.objective.terms))
    found = run_batches(lambda n: langevin_gradient(chain, drive_from(drive, n), ones), given)
    return np.concatenate([ends.numbers for _, ends in found], axis=1)
