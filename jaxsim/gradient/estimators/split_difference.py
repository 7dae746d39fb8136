"""Method split_difference: differences on exact paths, coupled event by event.

The referee of exact scores: right for any objective and any rate, without the bias of leaping, and with little noise as
long as the two paths stay together.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators.leap_score import bias_of
from jaxsim.gradient.exact.drive import PIECES, ExactDrive, plain_drive
from jaxsim.gradient.exact.pairs import Pairs, exact_pairs
from jaxsim.gradient.exact.scores import settled_terms
from jaxsim.gradient.influence import Doubt, anchors, values
from jaxsim.gradient.problem import Alike, Average, GradientEstimate, Problem, batches, chain_of, first_words, lanes_of
from jaxsim.gradient.stencils import Stencil, stencils
from jaxsim.gradient.summaries import Anchor
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.workers import run_batches

_BIAS = (
    f"of the order of the square of the steps {{steps}}; exact paths whose drug curves are averaged over 1/{PIECES} of "
    f"the span"
)


def estimate(problem: Problem) -> GradientEstimate:
    """Average differences over pairs."""
    taken = stencils(problem)
    gradient, value, alike = Average(problem.size), Average(1), Alike()
    coupled, anchor = coupled_batches(problem, taken)
    doubt = Doubt(anchor, problem.size)
    for found in coupled:
        gradient.add(found.quotients)
        doubt.add(found.quotients_for)
        value.add(found.values[None, :])
        alike.add(found.numbers)
    error = float(np.sqrt(value.covariance[0, 0]))
    bias = bias_of(_BIAS.format(steps=", ".join(f"{stencil.step:.3g}" for stencil in taken)), anchor)
    mean, covariance = float(value.mean[0]), doubt.covariance(gradient)
    return GradientEstimate(mean, error, gradient.mean, covariance, value.count, bias, alike=alike.terms)


class Coupled(NamedTuple):
    """What a batch of pairs gives."""

    quotients: np.ndarray
    """float64 [K, L], of each stencil."""
    values: np.ndarray
    """float64 [L]: of the objective where nothing is moved."""
    numbers: np.ndarray
    """float32 [J, L]: of its terms there."""
    quotients_for: Callable[[list[Anchor | None]], np.ndarray]
    """The quotients as a function of the quantiles that other trajectories gave."""


def coupled_batches(problem: Problem, taken: list[Stencil]) -> tuple[Iterator[Coupled], list[Anchor | None]]:
    """Return what each batch gives, and the anchors.

    Quotient k is of number k modulo P, so that each number may have several stencils.
    """
    chain, places = chain_of(problem, lanes_of(problem)), {(0, 0.0): moved_drive(problem, 0, 0.0)}
    for k, stencil in enumerate(taken):
        for low, high, _ in stencil.pairs:
            for offset in {low, high} - {0.0}:
                places[k, offset] = moved_drive(problem, k % problem.size, offset)
    here = places[0, 0.0]
    known = settled_terms(chain, here)

    def numbers(first: int, low: ExactDrive, high: ExactDrive) -> Pairs:
        with double_precision():
            words = first_words(first)
            return exact_pairs(chain, known, *(d._replace(drive=d.drive._replace(first=words)) for d in (low, high)))

    def pilot() -> np.ndarray:
        given = batches(problem.first + (1 << 31), problem.trajectories, chain.lanes)
        found = run_batches(lambda first: numbers(first, here, here), given)
        return np.concatenate([one.numbers[0] for one in found], axis=1)

    anchor = anchors(problem.objective, pilot)

    def call(first: int) -> list[list[Pairs]]:
        parts = [[numbers(first, here, here)]]
        for k, stencil in enumerate(taken):
            ends = [[places[(k, offset) if offset else (0, 0.0)] for offset in pair[:2]] for pair in stencil.pairs]
            parts.append([numbers(first, low, high) for low, high in ends])
        return parts

    def averaged() -> Iterator[Coupled]:
        given = batches(problem.first, problem.trajectories, chain.lanes)
        for (middle,), *rest in run_batches(call, given):
            _refuse_faults([middle, *(pair for part in rest for pair in part)])

            def quotients(given: list[Anchor | None], rest: list[list[Pairs]] = rest) -> np.ndarray:
                return np.stack([_quotient(problem, given, s, part) for s, part in zip(taken, rest, strict=True)])

            here = values(problem.objective, anchor, middle.numbers[0])
            yield Coupled(quotients(anchor), here, middle.numbers[0], quotients)

    return averaged(), anchor


def _quotient(problem: Problem, anchor: list[Anchor | None], stencil: Stencil, part: list[Pairs]) -> np.ndarray:
    total = np.zeros(part[0].numbers.shape[-1])
    for (*_, weight), pair in zip(stencil.pairs, part, strict=True):
        low, high = (values(problem.objective, anchor, side) for side in pair.numbers)
        total += weight * (high - low)
    return total


def moved_drive(problem: Problem, p: int, offset: float) -> ExactDrive:
    """Return what exact paths read with one number moved."""
    free = problem.free._replace(theta=problem.free.theta + offset * np.eye(problem.size)[p])
    network, schedule = free.model()
    return plain_drive(problem._replace(free=free, network=network, schedule=schedule))


def _refuse_faults(found: list[Pairs]) -> None:
    for one in found:
        if np.any(one.faulty):
            number = int(np.sum(one.faulty))
            raise SimulationError(
                f"in {number} of {one.faulty.size} pairs a rate was negative, not finite or too large for "
                "the clock at its time; correct the rate, or count times from a start near zero"
            )
