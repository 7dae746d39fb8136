"""Method difference: coupled differences on the leap chain, right for any objective.

Both sides run with the same keys, so that a reaction's firings in a leap follow by inversion from one uniform, which is
monotone in the rate: the numbers of firings agree unless the uniform falls between two distribution functions that
are close together ("common random numbers"; Rathinam, Sheppard & Khammash, J. Chem. Phys. 132 (2010) 034103, for the
coupling by reaction channel). Unlike a pathwise derivative this is right for any objective; its cost is two
trajectories for each free number, its bias of the order of the square of the step.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsim.gradient.estimators.leap_score import bias_of, leap_anchors
from jaxsim.gradient.influence import Doubt, values
from jaxsim.gradient.leap.paths import leap_paths
from jaxsim.gradient.problem import (
    Alike,
    Average,
    GradientEstimate,
    Problem,
    batches,
    chain_of,
    drive_of,
    first_words,
    lanes_of,
    refuse_faults,
)
from jaxsim.gradient.stencils import Stencil, stencils
from jaxsim.gradient.summaries import Anchor
from jaxsim.gradient.tables import table_values
from jaxsim.runtime.workers import run_batches

_BIAS = "of the order of the square of the steps {steps}, beyond that of leaping"


class Differences(NamedTuple):
    """What a batch of coupled paths gives."""

    quotients: np.ndarray
    """float64 [K, L], of each stencil."""
    values: np.ndarray
    """float64 [L]: of the objective where nothing is moved."""
    held: np.ndarray
    """bool [L]: whether a count of the path where nothing is moved was held at zero."""
    numbers: np.ndarray
    """float32 [J, L]: of the terms where nothing is moved."""
    quotients_for: Callable[[list[Anchor | None]], np.ndarray]
    """The quotients as a function of the quantiles that other trajectories gave."""


def estimate(problem: Problem) -> GradientEstimate:
    """Average paired differences over trajectories."""
    taken = stencils(problem)
    anchor = leap_anchors(problem, drive_of(problem))
    gradient, value, alike, held = Average(problem.size), Average(1), Alike(), 0.0
    doubt = Doubt(anchor, problem.size)
    for found in paired_chunks(problem, taken, anchor):
        gradient.add(found.quotients)
        doubt.add(found.quotients_for)
        value.add(found.values[None, :])
        alike.add(found.numbers)
        held += float(np.sum(found.held))
    error = float(np.sqrt(value.covariance[0, 0]))
    bias = _BIAS.format(steps=", ".join(f"{stencil.step:.3g}" for stencil in taken))
    number, covariance = value.count, doubt.covariance(gradient)
    mean, bias = float(value.mean[0]), bias_of(bias, anchor)
    return GradientEstimate(mean, error, gradient.mean, covariance, number, bias, held / number, alike=alike.terms)


def paired_chunks(problem: Problem, taken: list[Stencil], anchor: list[Anchor | None]) -> Iterator[Differences]:
    """Yield what each batch gives; stencil k is of number k modulo P, so that each number may have several."""
    chain = chain_of(problem, lanes_of(problem))
    places = {(0, 0.0): drive_of(problem)}
    for p, stencil in enumerate(taken):
        for offset in {offset for low, high, _ in stencil.pairs for offset in (low, high)} - {0.0}:
            places[p, offset] = _shifted(problem, p % problem.size, offset)

    def call(first: int) -> Any:
        found = {}
        for place, drive in places.items():
            paths = jax.tree.map(np.asarray, leap_paths(chain, drive._replace(first=first_words(first))))
            refuse_faults(paths.faulty, "leap")
            found[place] = (paths.numbers, paths.held)
        return found

    for found in run_batches(call, batches(problem.first, problem.trajectories, chain.lanes)):
        numbers = {place: one for place, (one, _) in found.items()}
        middle, held = found[0, 0.0]

        def quotients(known: list[Anchor | None], numbers: dict[Any, Any] = numbers) -> np.ndarray:
            worth = {place: values(problem.objective, known, one) for place, one in numbers.items()}
            return np.stack([_quotient(p, stencil, worth) for p, stencil in enumerate(taken)])

        here = values(problem.objective, anchor, middle)
        yield Differences(quotients(anchor), here, np.asarray(held), middle, quotients)


def _quotient(p: int, stencil: Stencil, worth: dict[tuple[int, float], np.ndarray]) -> np.ndarray:
    parts = [
        weight * (worth[(p, high) if high else (0, 0.0)] - worth[(p, low) if low else (0, 0.0)])
        for low, high, weight in stencil.pairs
    ]
    return np.asarray(np.sum(parts, axis=0))


def _shifted(problem: Problem, p: int, offset: float) -> Any:
    network, schedule = problem.free.model(problem.free.theta + offset * np.eye(problem.size)[p])
    grid = problem.grid
    return drive_of(problem, table_values(network, schedule, grid.edges, problem.shifts, grid.pinned))
