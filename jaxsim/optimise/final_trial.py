"""The final trial: all schedules on fresh trajectories of the exact process, coupled in pairs with the first.

The search walks on leaps; what it gains is of the exact process. So the first schedule and each other one are simulated
as pairs of exact paths (split coupling, see `exact_pairs`), whose differences have small errors and no bias of leaping.
Where exact paths have too many events, or molecules are given that differ between schedules, leaps serve, and what they
add is estimated without noise and counts in the errors.
"""

from collections.abc import Mapping

import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.errors import SimulationError
from jaxsim.gradient.discretisation import leaping
from jaxsim.gradient.exact.drive import ExactDrive, plain_drive
from jaxsim.gradient.exact.pairs import Pairs, exact_pairs
from jaxsim.gradient.exact.scores import settled_terms
from jaxsim.gradient.gradient import EVENT, EVENT_REACTION, exact_affordable
from jaxsim.gradient.influence import anchors
from jaxsim.gradient.problem import Average, Problem, batches, chain_of, first_words
from jaxsim.gradient.summaries import Anchor
from jaxsim.optimise.criterion import Criterion
from jaxsim.optimise.trial import Trial, functionals, paired_trial, trial_lanes
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.workers import run_batches

_MOST_SECONDS = 60.0  # of one core, about, that exact pairs may take where leaps would be cheaper
_PAIR = 1.4  # cost of a pair of exact paths in single ones


def final_trial(
    problem: Problem, criterion: Criterion, schedules: Mapping[str, Schedule], trajectories: int, seed: int, first: int
) -> Trial:
    """Simulate all schedules, in exact pairs with the first where that is affordable."""
    lanes = trial_lanes(trajectories) if problem.lanes is None else problem.lanes
    problem = problem._replace(
        objective=criterion.terms, seed=seed, first=first, trajectories=trajectories, lanes=lanes
    )
    if _exactly(problem, schedules):
        return _exact_trial(problem, criterion, schedules)
    found = paired_trial(problem, criterion, schedules, trajectories, seed, first)
    added = [
        [leaping(problem._replace(schedule=schedule, objective=criterion.functional(index)[1]))
         for index in range(len(criterion.counts))]
        for schedule in schedules.values()
    ]  # fmt: skip
    return found._replace(leaping=np.array(added), paths="leaps, of which the bias is estimated and in the errors")


def _exactly(problem: Problem, schedules: Mapping[str, Schedule]) -> bool:
    assert problem.pace is not None
    species = set(problem.network.structure.species)
    given = [[(agent, entries) for agent, entries in s.items() if agent in species] for s in schedules.values()]
    if any(one != given[0] for one in given):
        return False
    event = EVENT + EVENT_REACTION * len(problem.network.structure.reactions)
    seconds = 1e-9 * event * _PAIR * problem.pace.events * problem.trajectories * len(schedules)
    return exact_affordable(problem) or seconds <= _MOST_SECONDS


def _exact_trial(problem: Problem, criterion: Criterion, schedules: Mapping[str, Schedule]) -> Trial:
    """Simulate the first schedule with each other one; the means of the others are its own plus their differences."""
    assert problem.lanes is not None
    chain, lanes = chain_of(problem, problem.lanes), problem.lanes
    drives = [plain_drive(problem._replace(schedule=schedule)) for schedule in schedules.values()]
    known = settled_terms(chain, drives[0])
    coupled = list(range(1, len(drives))) or [0]

    def pairs(first: int, other: int) -> Pairs:
        words = first_words(first)
        both: list[ExactDrive] = [drives[k]._replace(drive=drives[k].drive._replace(first=words)) for k in (0, other)]
        with double_precision():
            found = exact_pairs(chain, known, *both)
        if np.any(np.asarray(found.faulty)):
            raise SimulationError(
                f"in {int(np.sum(found.faulty))} of {lanes} pairs a rate was negative or not finite; correct the rate"
            )
        return found

    levels = _levels(problem, lambda first, other: np.asarray(pairs(first, other).numbers[1]), len(drives))

    def call(first: int) -> np.ndarray:
        rows: list[list[np.ndarray]] = []
        for other in coupled:
            numbers = np.asarray(pairs(first, other).numbers)
            own, others = (functionals(criterion, levels[k], side) for k, side in zip((0, other), numbers, strict=True))
            rows += [own] if not rows else []
            rows += [[rows[0][f] + others[f] - own[f] for f in range(len(own))]] if other else []
        return np.concatenate(rows)

    average = Average(len(drives) * len(criterion.counts))
    for found in run_batches(call, batches(problem.first, problem.trajectories, lanes)):
        average.add(found)
    shape = (len(drives), len(criterion.counts))
    return Trial(
        tuple(schedules), average.mean.reshape(shape), average.covariance.reshape(*shape, *shape), average.count,
        paths="exact paths, in pairs with the optimum",
    )  # fmt: skip


def _levels(problem: Problem, numbers: object, count: int) -> list[list[Anchor | None]]:
    """Return the quantiles of each schedule, from paths of their own."""
    assert problem.lanes is not None
    given = batches(problem.first + (1 << 31), problem.trajectories, problem.lanes)

    def pilot(other: int) -> np.ndarray:
        return np.concatenate(list(run_batches(lambda first: numbers(first, other), given)), axis=1)  # type: ignore

    return [anchors(problem.objective, lambda k=k: pilot(k)) for k in range(count)]  # type: ignore[misc]
