"""Which estimator to take, and why: exact paths where they are affordable, else by objective, counts and numbers."""

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.discretisation import discretisation
from jaxsim.gradient.exact_drive import PIECES
from jaxsim.gradient.mean_chain import typical_counts
from jaxsim.gradient.methods import METHODS
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.score_estimator import refuse_nonlinear
from jaxsim.gradient.surrogate_estimator import FEW, scored_reactions
from jaxsim.gradient.unseen import unseen

FEW_NUMBERS = 2  # up to which a pilot tells whether coupled pairs for each, or scores, have the smaller error
PILOT, PILOT_FROM = 1024, 5 << 29  # trajectories of it, and the number of the first
# Nanoseconds of one core, for this choice alone: an event of an exact path at all and for each reaction, and a reaction
# in a leap; measured with gradients of immigration-death.
EVENT, EVENT_REACTION, LEAP_REACTION = 20.0, 8.0, 34.0
DEARER = 4.0  # times as much as leaps, up to which paths without their bias are taken


def chosen(problem: Problem) -> tuple[str, str]:
    """Return the name of the estimator for a problem and the reason in words."""
    jumps = problem.objective.discontinuous
    assert problem.pace is not None
    if exact_affordable(problem):
        exactly = f"exact paths of about {problem.pace.events:.2g} events are affordable, and have no bias of leaping"
        score = _exact_score(problem)
        if jumps and problem.size <= FEW_NUMBERS:
            return _piloted(problem, score, f"a jumping objective; {exactly}")
        if score is not None:
            return score, exactly
    return _on_leaps(problem, jumps)


def exact_affordable(problem: Problem) -> bool:
    """Return whether exact paths cost at most a few times as much as leaps on this grid."""
    assert problem.pace is not None
    reactions = len(problem.network.structure.reactions)
    exact = problem.pace.events * (EVENT + EVENT_REACTION * reactions)
    return bool(exact <= DEARER * LEAP_REACTION * reactions * problem.grid.steps)


def _exact_score(problem: Problem) -> str | None:
    """Return the exact score that is valid for a problem; none where rates mix state and time, or where it is blind."""
    try:
        refuse_nonlinear(problem)
    except SimulationError:
        return None
    if unseen(problem, "score"):
        return None
    assert problem.pace is not None
    piece = (problem.grid.edges[-1] - problem.grid.edges[0]) / PIECES
    return "controlled_exact_score" if problem.pace.fastest * piece < 1.0 else "score"  # whose adjoint would run away


def _piloted(problem: Problem, score: str | None, why: str) -> tuple[str, str]:
    """Return scores or coupled pairs, whichever has the smaller error for its cost in a pilot."""
    if score is None:
        return "split_difference", f"{why}; scores would not be valid"
    pilot = problem._replace(trajectories=PILOT, first=problem.first + PILOT_FROM)
    costs = np.array([METHODS[name].cost_of(problem.size) for name in ("split_difference", score)])
    pairs, scores = (METHODS[name].estimate(pilot) for name in ("split_difference", score))
    spread = np.array([np.diag(found.covariance) * found.trajectories for found in (pairs, scores)])
    truncation = discretisation(problem, METHODS["split_difference"]).gradient
    if not (np.all(spread > 0.0) and np.all(np.isfinite(truncation))):
        return score, f"{why}; coupled pairs did not part in a pilot"
    error = spread * costs[:, None] / problem.trajectories + np.stack([truncation**2, 0.0 * truncation])
    ratio = float(np.exp(np.mean(np.log(error[0] / error[1]))))
    name = "split_difference" if ratio < 1.0 else score
    return name, f"{why}; in a pilot coupled pairs had {ratio:.2g} times the squared error of scores at equal cost"


def _on_leaps(problem: Problem, jumps: bool) -> tuple[str, str]:
    scored, _ = scored_reactions(problem)
    counts = typical_counts(chain_of(problem, 1), drive_of(problem))
    names = problem.network.structure.species
    few = [name for name, count in zip(names, counts, strict=True) if count < FEW]
    if not any(scored):
        return "surrogate", f"smooth objective and all {len(names)} species above {FEW:g} copies: paths alone"
    if not all(scored):
        why = "a jumping objective" if jumps else f"few copies of {', '.join(few)}"
        return (
            "surrogate",
            f"{why}: {int(np.sum(scored))} of {len(scored)} reactions by score, the others along the path",
        )
    if jumps and problem.size <= FEW_NUMBERS:
        return (
            "difference",
            f"a jumping objective that every reaction decides, {problem.size} free numbers or fewer, and exact paths "
            f"of too many events",
        )
    why = "a jumping objective that every reaction decides" if jumps else f"few copies of {', '.join(few)}"
    return "controlled_score", f"{why}, and {problem.size} free numbers"
