"""The descent: scouts from many starts, the polish from the best of them, and the choice of the best end."""

from typing import NamedTuple

import numpy as np

from jaxsim.optimise.limits import (
    Penalty,
    aim,
    approach,
    approach_cost,
    final_errors,
    judge_limits,
    retreat,
    retreat_cost,
)
from jaxsim.optimise.polish import Polished, polish
from jaxsim.optimise.refine import affordable_evaluations, refine
from jaxsim.optimise.scout import scout
from jaxsim.optimise.search import Search

SCOUT_STEPS = 120
STRIDE = 8  # steps of the first scout of which one is kept for the path
_CARRIED = 3  # ends of the first scout that are tried out with the true objective
REFINED = 2  # of these that the second scout refines, with up to half of the budget
REFINED_SHARE = 0.5
WORSE = 2.0  # standard errors of a paired difference by which the end of the polish must be worse to be left
_ROUNDS = 3  # more of the polish, while a limit is not kept
REFINE_TRAJECTORIES, REFINE_EVALUATIONS = 512, 24


class Descent(NamedTuple):
    """Where the search ended."""

    z: np.ndarray
    reached: tuple[int, ...]
    """The limits at which it stands."""
    path: np.ndarray
    """[steps, Z]."""
    scouted: list[np.ndarray]
    """The starts that were carried on."""
    batches: np.ndarray
    """int [polish steps]: their trajectories."""
    ended: str


def descend(search: Search, starts: int, batch: tuple[int, int], steps: int) -> Descent:
    """Search from the user's start and from random ones."""
    search.announce(f"first scout: rate equations from {starts} starts")
    found = scout(search, starts, SCOUT_STEPS)
    carried, penalty = list(found.z[:_CARRIED]), found.penalty
    search.announce(f"{len(found.z)} distinct ends; {len(carried)} are tried out with the true objective")
    ends = [search.regimen.start, *carried]
    walked = [search.regimen.start[None], *(path[::STRIDE] for path in found.paths[:_CARRIED])]
    paths = {index: np.concatenate([path, ends[index][None]]) for index, path in enumerate(walked)}
    for index in _promising(search, penalty, ends):
        later = _closing(search) + (len(ends) + REFINED) * search.choice
        most = min(REFINED_SHARE * search.budget, search.budget - later)
        evaluations = affordable_evaluations(search, REFINE_TRAJECTORIES, most)
        if not evaluations:
            break
        search.announce(f"second scout: Langevin equation from end {index}")
        given = min(REFINE_TRAJECTORIES, search.final), min(REFINE_EVALUATIONS, evaluations)
        refined = refine(search, ends[index], penalty, *given)
        paths[len(ends)] = np.concatenate([paths[index], refined.path])
        ends.append(refined.z)
    rows = search.compared(ends, search.choice).mean
    best = int(np.argmin([penalty.merit(row) for row in rows]))
    penalty.update(rows[best])
    done, kept = _polished(search, penalty, ends[best], batch, steps)
    candidates = [ends[best], done[-1].z]
    back = retreat_cost(search, len(ends)) + 2 * search.judged
    if not kept and not search.affords(back + _closing(search)):
        search.notes.append("a limit is not kept, and the budget has nothing left for the way back")
    elif not kept:
        search.announce("a limit is not kept: back towards an end that keeps it")
        candidates += retreat(search, penalty, done[-1].z, ends)
    z = _better(search, penalty, candidates)
    if search.criterion.limits and search.affords(approach_cost(search, len(ends) + 1) + 2 * search.choice):
        search.announce("up to the limits, towards better ends beyond them")
        z = approach(search, penalty, z, [*ends, done[-1].z])
    path = [paths[best], *(polished.path for polished in done)]
    if z is ends[best]:
        search.notes.append("the polish did not improve on where it began, which was kept")
        path = [paths[best]]
    return Descent(
        *(z, _reached(search, penalty, z), np.concatenate([*path, z[None]])),
        *(carried, np.concatenate([polished.batches for polished in done]), done[-1].ended),
    )


def _better(search: Search, penalty: Penalty, candidates: list[np.ndarray]) -> np.ndarray:
    """Return the best of where the polish began, where it ended, and what else there is.

    Without limits that is where it ended, unless a trial says that it is worse: near an optimum a gradient without bias
    tells two ends apart that no trial does.
    """
    found = judge_limits(search, penalty, candidates)
    if search.criterion.limits:
        return candidates[found.best]
    worse, error = found.trial.difference(1, 0)
    return candidates[1 if search.criterion.sign * worse <= WORSE * error else 0]


def _closing(search: Search) -> int:
    """Return how many trajectories the search needs after the polish: to judge, and to weigh the limits at the end."""
    return 3 * search.judged + 2 * search.choice if search.criterion.limits else 2 * search.judged


def _polished(
    search: Search, penalty: Penalty, z: np.ndarray, batch: tuple[int, int], steps: int
) -> tuple[list[Polished], bool]:
    """Polish, and again while a limit is not kept; return the rounds, and whether all limits are kept at the end."""
    closing = _closing(search)
    upwards = approach_cost(search, _CARRIED + REFINED + 2)  # kept for later where it is a small part of what is left
    if search.criterion.limits and search.affords(2 * (closing + upwards)):
        closing += upwards
    done = [polish(search, z, penalty, batch, steps, closing)]
    if not search.criterion.limits:
        return done, True
    for left in reversed(range(_ROUNDS + 1)):
        found = judge_limits(search, penalty, [done[-1].z])
        if found.excess[0] == 0.0:
            return done, True
        if not left or not search.affords(search.judged + closing):
            break
        search.announce("a limit is not kept yet: another round")
        penalty.most = found.most[0]
        penalty.update(found.rows[0])
        done.append(polish(search, done[-1].z, penalty, batch, max(1, steps // 2), closing + search.judged))
    return done, False


def _promising(search: Search, penalty: Penalty, ends: list[np.ndarray]) -> list[int]:
    """Return the ends that the second scout takes, by the true objective; set what the limits have to spare."""
    trial = search.compared(ends, search.choice)
    errors = final_errors(search, trial).max(axis=0)
    search.resolution = float(errors[0])
    penalty.most = aim(search, errors)
    return [int(i) for i in np.argsort([penalty.merit(row) for row in trial.mean])[:REFINED]]


def _reached(search: Search, penalty: Penalty, z: np.ndarray) -> tuple[int, ...]:
    """Return the limits at which a point stands: those that it keeps by no more than two errors of a trial."""
    if not search.criterion.limits:
        return ()
    found = judge_limits(search, penalty, [z], 2 * search.choice)
    errors = np.array([found.trial.error(0, 1 + i) for i in range(len(search.criterion.limits))])
    return tuple(np.flatnonzero(found.rows[0, 1:] + 2.0 * errors >= found.most[0]).tolist())
