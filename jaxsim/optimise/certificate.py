"""The certificate of an optimum: its gradient with intervals, the bounds it stands at, the check of the gradient.

Where limits are reached, the gradient of the objective need not vanish, but that of the Lagrangian: there must be
multipliers, none of them negative, with which the gradients of the limits balance it (Karush, Kuhn & Tucker). They are
those of the smallest chi-square, and each takes a degree of freedom from it.
"""

import time
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import optimize

from jaxsim.gradient.check import GradientCheck, compared
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import assembled, posed
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.result import Gradient
from jaxsim.gradient.unseen import unseen
from jaxsim.optimise.polish import LANES, stationary
from jaxsim.optimise.refine import UNSEEN
from jaxsim.optimise.search import FRESH, Search

ACTIVE = 0.01  # share of its room below which a component stands at a bound
WIDTH = 0.2  # of coordinates: half the step of the differences of a check
TWO_SIDED = 1.96


@dataclass(frozen=True)
class Certificate:
    """Say how close to an optimum a schedule is.

    Attributes
    ----------
    slopes
        The gradient of the objective (with the pull of its limits) in times, amounts and durations, with errors.
    chi_square, degrees, p
        Of the gradient along all directions that are allowed, slopes too small for the final trial to see counted as
        noise; a small p says that the search has not arrived.
    active
        Components that stand at a bound, in words, and whether the gradient presses them against it.
    unseen
        Components of which the gradient lacks events that (almost) never happen there, in words.
    weights
        Of the objective, 1, and of the excess of each limit in the slope: the multipliers, [1 + limits].
    reached
        The limits at which the optimum stands, with their multipliers.

    Examples
    --------
    >>> Certificate.__name__
    'Certificate'
    """

    slopes: Gradient
    chi_square: float
    degrees: int
    p: float
    active: tuple[tuple[str, bool], ...]
    unseen: tuple[str, ...] = ()
    weights: np.ndarray = field(default_factory=lambda: np.ones(1))
    reached: tuple[tuple[str, float], ...] = ()

    @property
    def blind(self) -> bool:
        """Whether no trajectory showed any slope at all, which is no slope of zero."""
        silent = self.slopes.bound is not None or not np.any(self.slopes.noise)
        return not np.any(self.slopes.vector) and silent

    @property
    def stationary(self) -> bool:
        """Whether the gradient is whole and does not differ from zero (5 %), and every active bound is pressed."""
        return self.p > 0.05 and all(pressed for _, pressed in self.active) and not self.unseen and not self.blind

    def __str__(self) -> str:
        rows = [
            f"  {name}: {slope:.4g} ({slope - TWO_SIDED * error:.4g} to {slope + TWO_SIDED * error:.4g})"
            for name, slope, error in zip(self.slopes.components, self.slopes.vector, self.slopes.error, strict=True)
        ]
        bounds = [
            f"  at a bound: {name}{'' if pressed else ', but the gradient leads away'}" for name, pressed in self.active
        ]
        verdict = "does not differ from zero" if self.p > 0.05 else "DIFFERS from zero"
        head = (
            f"gradient at the optimum {verdict}: chi-square {self.chi_square:.3g} for {self.degrees}, p = {self.p:.2g}"
        )
        if self.blind:
            head = f"gradient at the optimum UNKNOWN: no event seen in {self.slopes.trajectories} trajectories"
        bounds += [
            f"  at a limit: {name}, with the multiplier {size:.3g}"
            if size > 0.0
            else f"  at a limit: {name}, but the objective does not press against it"
            for name, size in self.reached
        ]
        return "\n".join([head, *rows, *bounds, *(f"  NOT SEEN by scores: {phrase}" for phrase in self.unseen)])


def certify(search: Search, z: np.ndarray, reached: tuple[int, ...], trajectories: int) -> Certificate:
    """Return the certificate at z, where some limits are reached, from trajectories of their own."""
    weights = _balanced(search, z, reached, trajectories)
    problem = _weighted(search, search.at(z), weights, trajectories)
    found = assembled(problem, search.method, time.perf_counter())
    degrees = search.regimen.degrees - int(np.count_nonzero(weights[1:]))
    known = found.covariance + np.outer(found.discretisation, found.discretisation)
    p, chi_square = (1.0, 0.0) if degrees <= 0 else stationary(found.vector, known, degrees, search.resolution)
    shares = search.regimen.shares(z)
    active = []
    for index in np.flatnonzero(shares < ACTIVE):
        slope = search.criterion.sign * found.vector[index] * _opening(search, z, int(index))
        active.append((search.regimen.labels[index], bool(slope >= -TWO_SIDED * found.error[index])))
    names = [place.name for place in search.regimen.places]
    _, schedule = search.regimen.free(z).model()
    natural = posed(
        free_numbers(search.problem.network, schedule, names, None), problem.objective, trajectories, problem.seed,
        (float(problem.grid.edges[0]), float(problem.grid.edges[-1])), None, None, problem.shifts, 0, problem.grid,
    )  # fmt: skip
    natural = natural._replace(scored=problem.scored, lanes=problem.lanes, reason=problem.reason)
    slopes = assembled(natural, search.method, time.perf_counter())
    limits = [(str(search.criterion.limits[i]), search.criterion.sign * float(weights[1 + i])) for i in reached]
    return Certificate(
        slopes, chi_square, degrees, p, tuple(active), tuple(unseen(natural, search.method)), weights, tuple(limits)
    )


def _balanced(search: Search, z: np.ndarray, reached: tuple[int, ...], trajectories: int) -> np.ndarray:
    """Return the weights of objective and excesses, [1 + limits], whose gradients cancel best.

    All gradients are of the same trajectories, which those of the certificate are too: what is left of their sum is
    then noise of directions that the multipliers do not reach.
    """
    weights, here = np.zeros(len(search.criterion.counts)), search.at(z)
    weights[0] = 1.0
    if not reached:
        return weights
    slopes = []
    for index in (0, *(1 + i for i in reached)):
        alone = np.zeros(weights.size)
        alone[index] = 1.0
        found = assembled(_weighted(search, here, alone, trajectories), search.method, time.perf_counter())
        slopes.append((found.vector, found.noise))
    sizes = np.sqrt(np.sum([error**2 for _, error in slopes], axis=0) + search.resolution**2)
    pushed = search.criterion.sign * slopes[0][0] / sizes
    pulls = np.stack([vector / sizes for vector, _ in slopes[1:]], axis=1)
    found, _ = optimize.nnls(pulls, -pushed)
    weights[[1 + i for i in reached]] = search.criterion.sign * found
    return weights


def checked(search: Search, z: np.ndarray, weights: np.ndarray, trajectories: int) -> GradientCheck:
    """Hold the gradient of the descent at z against coupled pairs."""
    began = time.perf_counter()
    problem = _weighted(search, search.at(z), weights, trajectories)
    found = assembled(problem, search.method, began)
    small = (UNSEEN * search.resolution) ** 2 * np.eye(z.size)  # two estimators may differ by what no trial could see
    found = replace(found, covariance=found.covariance + small)
    wide = problem._replace(steps=np.full(z.size, WIDTH), lanes=search.problem.lanes)
    return compared(wide, found, trajectories, began)


def _weighted(search: Search, problem: Problem, weights: np.ndarray, trajectories: int) -> Problem:
    return problem._replace(
        objective=search.criterion.weighted(weights), lanes=LANES, trajectories=trajectories,
        seed=(search.seed + FRESH) % (1 << 64), first=1 << 40,
    )  # fmt: skip


def _opening(search: Search, z: np.ndarray, index: int) -> float:
    """Return 1 if a larger coordinate leads away from the bound at which it stands, else -1."""
    for place in search.regimen.places:
        if place.first <= index < place.first + place.coordinate.size:
            return place.coordinate.opening(z[place.components])[index - place.first]
    raise IndexError(index)
