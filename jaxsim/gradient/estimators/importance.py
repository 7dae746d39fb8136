"""Method importance: exact paths under tilted rates, weighed by their likelihood ratio, for rare events.

The tilt is learnt by the cross-entropy method in levels (Rubinstein, Methodol. Comput. Appl. Probab. 1 (1999) 127; for
reaction networks Daigle et al., J. Chem. Phys. 134 (2011) 044110): the best tenth of a pilot, by how near it came to
the event, says how often each reaction fires on the way there, over how often it is expected to. The quotient, by
stage of the path and bin of time, is the next factor of its rate. Two tilts are learnt apart and frozen; trajectories
of their own then give the estimate, which is unbiased for any tilt. What a bad tilt costs is the error of the error:
so a result is refused where few trajectories carry it, where the tail of the weights is heavy (Vehtari et al., J. Mach.
Learn. Res. 25 (2024) 72), or where the two tilts disagree.
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators.leap_score import spread_of
from jaxsim.gradient.estimators.score import exact_from, refuse_exact_faults, refuse_nonlinear
from jaxsim.gradient.exact.drive import PIECES, ExactDrive, exact_drive
from jaxsim.gradient.exact.scores import settled_terms
from jaxsim.gradient.exact.tilted import Tilt, TiltedPaths, tilted_paths
from jaxsim.gradient.functionals import AT, MAXIMUM
from jaxsim.gradient.leap.channels import find_channels
from jaxsim.gradient.leap.scores import Spread
from jaxsim.gradient.objective import Objective, Term, is_condition
from jaxsim.gradient.problem import Alike, Average, GradientEstimate, Problem, batches, chain_of, lanes_of
from jaxsim.gradient.summaries import MEAN
from jaxsim.gradient.tables import Slopes
from jaxsim.network import Binary, Call, Compare, Expression, Logic, Number, Unary, to_string
from jaxsim.runtime.double import double_precision

STAGES, _BINS = 5, 16
_ROUNDS = 40  # of learning, at most
ELITE = 0.1  # of a pilot, from which the next tilt is learnt
POLISH = 4  # rounds once the event happens in that share
PILOTS = 2  # batches in a round
_KNOWN = 5.0  # firings that a quotient is taken from, before it outweighs the coarser one
_LEAST_FACTOR, _MOST_FACTOR = 0.02, 1e15
LEAST_ELITE = 100.0  # effective trajectories a quotient is learnt from; weights are flattened to have them
_LEAST = 200.0  # effective trajectories that must carry an estimate
HEAVY = 0.5  # shape of the weights' tail from which they have no variance
DISAGREE = 4.0  # standard errors between the two tilts
PILOT_FIRST = 1 << 40  # number of the first trajectory of a pilot, far from those of estimates
_BIAS = f"none: unbiased for the exact process, whose drug curves are averaged over 1/{PIECES} of the span"


class Weighed(NamedTuple):
    """Trajectories under a frozen tilt."""

    weight: np.ndarray
    """float64 [N]: the likelihood ratio where the event happened, else 0."""
    score: np.ndarray
    """float64 [P, N]."""


def refuse(problem: Problem) -> None:
    """Refuse objectives that are no probability, and rates of whose integral there is no table."""
    terms = problem.objective.terms
    fits = len(terms) == 1 and terms[0].summary == MEAN and terms[0].functional in (AT, MAXIMUM)
    if not (fits and is_condition(terms[0].signal)):
        raise SimulationError(
            f"importance sampling steers towards one event, and '{problem.objective}' is not the probability of one; "
            f"give one js.probability, or use method 'score'"
        )
    refuse_nonlinear(problem)


def estimate(problem: Problem) -> GradientEstimate:
    """Average weight times score over exact trajectories that are steered to the event."""
    refuse(problem)
    exact, read = exact_drive(problem)
    problem = problem._replace(slopes=read.slopes)
    halves = weighed_paths(problem, exact, spread_of(problem), read.slopes)
    factor = problem.objective.terms[0].weight
    gradient, value, alike = Average(problem.size), Average(1), Alike()
    for half in halves:
        gradient.add(factor * half.weight * half.score)
        value.add(factor * half.weight[None, :])
        alike.add(half.weight[None, :])
    number = sum(half.weight.size for half in halves)
    for p, name in enumerate(problem.free.components):
        _refuse_heavy(np.concatenate([np.abs(half.weight * half.score[p]) for half in halves]), f"the slope in {name}")
        _refuse_disagreement([half.weight * half.score[p] for half in halves], f"the slope in {name}")
    error = float(np.sqrt(value.covariance[0, 0]))
    return GradientEstimate(
        float(value.mean[0]), error, gradient.mean, gradient.covariance, number, _BIAS, alike=alike.terms
    )


def weighed_paths(
    problem: Problem, exact: ExactDrive, spread: Spread | None = None, slopes: Slopes | None = None
) -> list[Weighed]:
    """Return the trajectories under two tilts that are learnt apart.

    Raises
    ------
    SimulationError
        If no tilt leads to the event, or the weights under it have no error that can be trusted.
    """
    term = problem.objective.terms[0]
    both = Objective((term, Term(level(term.signal), term.functional, term.start, term.end)))
    lanes = lanes_of(problem._replace(trajectories=max(problem.trajectories // 2, 2048)))
    chain = chain_of(problem._replace(objective=both), lanes)
    looks = exact.drive.looks
    exact = exact._replace(
        drive=exact.drive._replace(looks=type(looks)(*(np.concatenate([table, table], axis=1) for table in looks)))
    )
    channels, known = () if slopes is None else find_channels(chain, slopes), settled_terms(chain, exact)

    def call(tilt: Tilt, first: int, learning: bool) -> TiltedPaths:
        with double_precision():
            paths = tilted_paths(
                *(chain, channels if not learning else (), known, learning, exact_from(exact, first)),
                *(spread if not learning else None, tilt),
            )
            paths = paths._replace(numbers=np.asarray(paths.numbers))
        refuse_exact_faults(paths)
        return paths

    halves = []
    for number in range(2):
        tilt = learnt(call, len(chain.structure.reactions), problem.first + (number + 1) * PILOT_FIRST, lanes, term)
        given = batches(problem.first + number * (PILOT_FIRST // 2), max(problem.trajectories // 2, 1), lanes)
        found = [call(tilt, first, False) for first in given]
        happened = np.concatenate([paths.numbers[0] > 0.5 for paths in found])
        log_weight = np.concatenate([np.asarray(paths.log_weight, np.float64) for paths in found])
        score = np.concatenate([np.asarray(paths.score, np.float64) for paths in found], axis=1)
        halves.append(Weighed(np.where(happened, np.exp(np.where(happened, log_weight, 0.0)), 0.0), score))
    weights = np.concatenate([half.weight for half in halves])
    _refuse_few(weights)
    _refuse_heavy(weights, "the probability")
    _refuse_disagreement([half.weight for half in halves], "the probability")
    return halves


def level(condition: Expression) -> Expression:
    """Return how near a state is to a condition: rising, and not below zero where it holds.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> to_string(level(parse("A >= 5 and B == 0")))
    'min(A - 5, -abs(B - 0))'
    """
    if isinstance(condition, Compare):
        apart = Binary("-", condition.left, condition.right)
        if condition.op in (">", ">="):
            return apart
        if condition.op in ("<", "<="):
            return Binary("-", condition.right, condition.left)
        size = Call("abs", (apart,))
        return Unary("-", size) if condition.op == "==" else Binary("-", size, Number(1.0))
    if isinstance(condition, Logic):
        function = "min" if condition.op == "and" else "max"
        return reduce(lambda left, right: Call(function, (left, right)), map(level, condition.children))
    assert isinstance(condition, Unary)
    return Unary("-", level(condition.operand))


def learnt(call: Callable[..., TiltedPaths], reactions: int, first: int, lanes: int, term: Term) -> Tilt:
    """Return a tilt under which the event is common, learnt from pilots."""
    flat = np.ones((STAGES, _BINS, reactions), np.float32)
    tilt, common, best = Tilt(flat, np.zeros(STAGES - 2, np.float32)), 0, -np.inf
    stalled = 0
    for number in range(_ROUNDS):
        found = [call(tilt, first + (number * PILOTS + part) * lanes, True) for part in range(PILOTS)]
        near = np.concatenate([paths.numbers[1] for paths in found]).astype(np.float64)
        happened = np.concatenate([paths.numbers[0] > 0.5 for paths in found])
        fired, expected = (
            np.concatenate([np.asarray(paths.firings[part], np.float64) for paths in found])  # type: ignore[index]
            for part in range(2)
        )
        if number == 0:  # a reaction that hardly ever fires is raised to about one firing in a trajectory
            hardly = np.mean(np.sum(expected, axis=1), axis=0)
            lift = np.where((hardly > 0.0) & (hardly < 1.0), 1.0 / np.where(hardly > 0.0, hardly, 1.0), 1.0)
            base = float(np.median(near))
            edges = (base * (1.0 - np.arange(1, STAGES - 1) / (STAGES - 1))).astype(np.float32)
            lifted = np.broadcast_to(np.minimum(lift, _MOST_FACTOR), flat.shape).astype(np.float32)
            tilt = Tilt(lifted.copy(), np.sort(edges))
            continue
        elite = happened
        if np.mean(happened) < ELITE:
            line = np.quantile(near, 1.0 - ELITE)
            above = near[near > best]
            if line <= best and above.size >= LEAST_ELITE / 2:  # counts stand on steps: take the next one
                line = np.min(above)
            elite = happened | (near >= line)
            stalled = stalled + 1 if line <= best else 0
            best = max(best, line)
            if stalled >= _ROUNDS // 4:
                break
        log_weight = np.concatenate([np.asarray(paths.log_weight) for paths in found])[elite]
        shape = (STAGES, _BINS, reactions)
        tilt = tilt._replace(factor=_factors(log_weight, fired[elite], expected[elite], shape))
        common += bool(np.mean(happened) >= ELITE)
        if common > POLISH:
            return tilt
    raise SimulationError(
        f"no tilt of the rates leads to the event '{to_string(term.signal)}': it may be impossible, or so far that "
        f"none of {_ROUNDS} pilots came nearer; give a condition whose two sides are counts that approach each other"
    )


def _factors(log_weight: np.ndarray, fired: np.ndarray, expected: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return firings over expected firings among weighed trajectories; coarser quotients where there are few."""
    power = 1.0
    while True:
        weight = np.exp(power * (log_weight - np.max(log_weight)))
        size = float(np.sum(weight) ** 2 / np.sum(weight**2))
        if size >= min(LEAST_ELITE, 0.5 * weight.size) or power < 0.05:
            break
        power *= 0.7
    weight *= size / np.sum(weight)
    n = np.tensordot(weight, fired, axes=1).reshape(shape)
    a = np.tensordot(weight, expected, axes=1).reshape(shape)
    whole, whole_a = n.sum(axis=(0, 1)), a.sum(axis=(0, 1))
    root = np.where(whole >= 1.0, whole / np.maximum(whole_a, 1e-300), (whole + 1.0) / (whole_a + 1.0))
    stage = (n.sum(axis=1) + _KNOWN) / (a.sum(axis=1) + _KNOWN / root)
    cell = (n + _KNOWN) / (a + _KNOWN / stage[:, None, :])
    return np.clip(cell, _LEAST_FACTOR, _MOST_FACTOR).astype(np.float32)


def effective_sample_size(weights: np.ndarray) -> float:
    """Return how many trajectories of equal weight would carry the same information (Kish)."""
    return float(np.sum(weights) ** 2 / np.sum(weights**2)) if np.any(weights > 0.0) else 0.0


def _refuse_few(weights: np.ndarray) -> None:
    effective = effective_sample_size(weights)
    if effective < _LEAST:
        raise SimulationError(
            f"the event's weights come to {effective:.3g} effective trajectories of {weights.size}, and "
            f" {_LEAST:g} are needed for an error that can be trusted; give more trajectories"
        )


def _refuse_heavy(weights: np.ndarray, what: str) -> None:
    """Refuse weights whose largest ones fall off so slowly that they have no variance (Hill, Ann. Stat. 3 (1975))."""
    ordered = np.sort(weights[weights > 0.0])[::-1]
    number = int(min(0.1 * ordered.size, 3.0 * np.sqrt(ordered.size)))
    if number < 10:
        return
    shape = tail_shape(ordered[:number] - ordered[number])
    if shape > HEAVY + 2.0 * (1.0 + HEAVY) / np.sqrt(number):
        raise SimulationError(
            f"the weights behind {what} have a heavy tail (shape {shape:.2g}; above {HEAVY:g} they have no variance), "
            f"so that no error can be trusted; give more trajectories, or a less rare event as a step towards it"
        )


def tail_shape(excess: np.ndarray) -> float:
    """Return the shape of a generalised Pareto law by Zhang & Stephens, Technometrics 51 (2009) 316."""
    x = np.sort(excess)
    if x[-1] <= 0.0 or x[-1] - x[0] <= 1e-12 * x[-1]:
        return -1.0
    quarter = x[max(int(x.size / 4 + 0.5) - 1, 0)]
    quarter = quarter if quarter > 0.0 else np.mean(x)
    number = 20 + int(np.sqrt(x.size))
    b = 1.0 / x[-1] + (1.0 - np.sqrt(number / (np.arange(1, number + 1) - 0.5))) / (3.0 * quarter)
    k = -np.mean(np.log1p(-b[:, None] * x[None, :] * (1.0 - 1e-12)), axis=1)
    fit = x.size * (np.log(np.where(k == 0.0, 1.0, np.abs(b / np.where(k == 0.0, 1.0, k)))) + k - 1.0)
    share = np.exp(fit - np.max(fit))
    middle = float(np.sum(b * share) / np.sum(share))
    return float(np.mean(np.log1p(-middle * x * (1.0 - 1e-12))))


def _refuse_disagreement(halves: list[np.ndarray], what: str) -> None:
    apart = abs(np.mean(halves[0]) - np.mean(halves[1]))
    error = np.hypot(*(np.std(half) / np.sqrt(half.size) for half in halves))
    if apart > DISAGREE * error:
        raise SimulationError(
            f"two tilts that were learnt apart disagree about {what} by {apart / error:.2g} standard errors: each may "
            f"miss a way to the event; give more trajectories, from which better tilts are learnt"
        )
