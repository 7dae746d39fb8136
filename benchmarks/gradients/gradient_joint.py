"""Gradients of several functionals from the same trajectories, by the parts of the estimators in the package."""

from collections.abc import Iterator

import numpy as np

from jaxsim.gradient.estimators.controlled_score import FITTED_FROM, controlled, fitted
from jaxsim.gradient.estimators.difference import paired_chunks
from jaxsim.gradient.estimators.leap_score import leap_anchors, spread_of
from jaxsim.gradient.exact.drive import exact_drive
from jaxsim.gradient.exact.scores import exact_scores, settled_terms
from jaxsim.gradient.influence import anchors, contributions
from jaxsim.gradient.leap.channels import find_channels
from jaxsim.gradient.leap.critics import linear_critics
from jaxsim.gradient.leap.scores import leap_scores
from jaxsim.gradient.objective import Objective
from jaxsim.gradient.problem import Average, batches, chain_of, drive_of, first_words, gradient_lanes
from jaxsim.gradient.stencils import central
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.workers import run_batches

PILOT = 1 << 31  # number of the first trajectory of those that place quantiles
MOST = 131_072  # of these: the quantile of a count is a count, which so many settle


def joint(method, problem, widths=None) -> list[Average]:
    """Return for each term of the objective the average of what every trajectory gives to its gradient."""
    terms = [Objective((term,)) for term in problem.objective.terms]
    found = [Average(problem.size) for _ in terms]
    for number, parts in _parts(method, problem, terms, widths):
        found[number].add(parts)
    return found


def _parts(method, problem, terms, widths) -> Iterator:
    chain = chain_of(problem, gradient_lanes(problem.trajectories))
    drive = drive_of(problem)
    if method == "difference":
        anchor = leap_anchors(_fewer(problem), drive)
        taken = [central(width) for width in widths]
        for j, term in enumerate(terms):
            for found in paired_chunks(problem._replace(objective=term), taken, [anchor[j]]):
                yield j, found.quotients
        return
    call = _calls[method](problem, chain, drive)
    given = batches(problem.first, problem.trajectories, chain.lanes)
    anchor = _anchors(_fewer(problem), call, chain.lanes) if method == "score" else leap_anchors(_fewer(problem), drive)
    weights = None
    if method == "controlled_score":
        (pilot,) = run_batches(call, [problem.first + FITTED_FROM])
        weights = [fitted(term, [anchor[j]], _only(pilot, j)) for j, term in enumerate(terms)]
    for kept in run_batches(call, given):
        assert not np.any(kept.faulty)
        for j, term in enumerate(terms):
            one = _only(kept, j)
            if weights is None:
                yield j, contributions(term, [anchor[j]], one.numbers, one.scores, one.scores, causal=False)
            else:
                yield j, controlled(term, [anchor[j]], one, weights[j])


def _fewer(problem):
    return problem._replace(trajectories=min(problem.trajectories, MOST))


def _only(kept, j):
    return kept._replace(numbers=kept.numbers[j : j + 1], scores=kept.scores[j : j + 1])


def _anchors(problem, call, lanes):
    given = batches(problem.first + PILOT, problem.trajectories, lanes)
    return anchors(problem.objective, lambda: np.concatenate([k.numbers for k in run_batches(call, given)], axis=1))


def _exact(problem, chain, _):
    exact, read = exact_drive(problem)
    spread, channels = spread_of(problem._replace(slopes=read.slopes)), find_channels(chain, read.slopes)
    known = settled_terms(chain, exact)

    def call(first):
        with double_precision():
            moved = exact._replace(drive=exact.drive._replace(first=first_words(first)))
            return exact_scores(chain, channels, known, moved, spread)

    return call


def scores_of(problem, chain, drive, critics=None):
    channels, spread = find_channels(chain, problem.slopes), spread_of(problem)
    return lambda first: leap_scores(chain, channels, drive._replace(first=first_words(first)), spread, critics)


def _controlled(problem, chain, drive):
    return scores_of(problem, chain, drive, linear_critics(chain, drive, problem.grid))


_calls = {"score": _exact, "leap_score": scores_of, "controlled_score": _controlled}
