"""The descent: scouts from many starts, the polish from the best of them, and the choice of the best end."""

from typing import NamedTuple

import numpy as np

from jaxsim.optimise.penalty import Penalty
from jaxsim.optimise.polish import polish
from jaxsim.optimise.refine import refine
from jaxsim.optimise.scout import scout
from jaxsim.optimise.search import Search
from jaxsim.optimise.trial import BOUND, Trial

SCOUT_STEPS = 120
CARRIED = 3  # ends of the first scout that are tried out with the true objective
REFINED = 2  # of these that the second scout refines, unless that would take more than half of the budget
REFINED_SHARE = 0.5
ROUNDS = 3  # more of the polish, while a limit is not kept
REFINE_TRAJECTORIES, REFINE_EVALUATIONS = 512, 24
CHOICE = 2048  # trajectories of each schedule where one is chosen
SPARE = 1.0  # how many errors of the final trial a limit is kept by, beyond its 95 % bound
NEAR = 0.01  # of its unit: an excess that does not decide between two ends


class Descent(NamedTuple):
    """Where the search ended."""

    z: np.ndarray
    weights: np.ndarray
    """[1 + limits]: of objective and excesses in the slope that vanishes at the optimum, in the user's units."""
    path: np.ndarray
    """[steps, Z]."""
    scouted: list[np.ndarray]
    """The starts that were carried on."""
    batches: np.ndarray
    """int [polish steps]: their trajectories."""
    ended: str


def descend(search: Search, starts: int, batch: tuple[int, int], steps: int, budget: float) -> Descent:
    """Search from the user's start and from random ones."""
    search.announce(f"first scout: rate equations from {starts} starts")
    found = scout(search, starts, SCOUT_STEPS)
    carried, penalty = list(found.z[:CARRIED]), found.penalty
    search.announce(f"{len(found.z)} distinct ends; {len(carried)} are tried out with the true objective")
    ends = [search.regimen.start, *carried]
    paths = {index: z[None] for index, z in enumerate(ends)}
    for index in _promising(search, penalty, ends):
        if search.forward_equivalents >= REFINED_SHARE * budget:
            break
        search.announce(f"second scout: Langevin equation from end {index}")
        refined = refine(search, ends[index], penalty, REFINE_TRAJECTORIES, REFINE_EVALUATIONS)
        paths[len(ends)] = refined.path
        ends.append(refined.z)
    rows = _compared(search, ends, CHOICE).mean
    best = int(np.argmin([penalty.merit(row) for row in rows]))
    penalty.update(rows[best])
    polished = polish(search, ends[best], penalty, batch, steps, budget)
    sizes, path = [polished.batches], [paths[best], polished.path]
    for _ in range(ROUNDS if search.criterion.limits else 0):
        row = _compared(search, [polished.z], CHOICE).mean[0]
        if np.max(penalty.excess(row)) <= NEAR or search.forward_equivalents >= budget:
            break
        search.announce("a limit is not kept yet: another round")
        penalty.update(row)
        polished = polish(search, polished.z, penalty, batch, max(1, steps // 2), budget)
        sizes.append(polished.batches)
        path.append(polished.path)
    z = _chosen(search, penalty, [ends[best], polished.z])
    if z is not polished.z:
        search.notes.append("the polish did not improve on where it began, which was kept")
        path = [paths[best]]
    return Descent(
        *(z, _weights(search, penalty, z), np.concatenate([*path, z[None]])),
        *(carried, np.concatenate(sizes), polished.ended),
    )


def _promising(search: Search, penalty: Penalty, ends: list[np.ndarray]) -> list[int]:
    """Return the ends that the second scout takes, by the true objective; set what the limits have to spare."""
    trial = _compared(search, ends, CHOICE)
    errors = np.array([[trial.error(i, f) for f in range(trial.mean.shape[1])] for i in range(len(ends))])
    errors = errors.max(axis=0) * np.sqrt(trial.trajectories / search.final)
    search.resolution = float(errors[0])
    penalty.most = search.criterion.most - (BOUND + SPARE) * errors[1:]
    return [int(i) for i in np.argsort([penalty.merit(row) for row in trial.mean])[:REFINED]]


def _compared(search: Search, ends: list[np.ndarray], trajectories: int) -> Trial:
    """Try out ends on common trajectories."""
    return search.try_out({str(i): search.regimen.schedule(z) for i, z in enumerate(ends)}, trajectories)


def _chosen(search: Search, penalty: Penalty, ends: list[np.ndarray]) -> np.ndarray:
    """Return the best of some ends: first by limits, then by objective."""
    rows = _compared(search, ends, 2 * CHOICE).mean
    excess = np.array([np.max(penalty.excess(row), initial=0.0) for row in rows])
    kept = [i for i in range(len(ends)) if excess[i] <= max(NEAR, float(excess.min()))]
    return ends[min(kept, key=lambda i: search.criterion.sign * rows[i, 0])]


def _weights(search: Search, penalty: Penalty, z: np.ndarray) -> np.ndarray:
    """Return the weights of the slope at the end, the objective's being 1."""
    weights = np.zeros(len(search.criterion.counts))
    weights[0] = 1.0
    if search.criterion.limits:
        found = _compared(search, [z], 2 * CHOICE).mean[0]
        pull = penalty.weights(found)
        weights = pull / pull[0]
    return weights
