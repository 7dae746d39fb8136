"""Which estimator to take, and why: by the objective, the counts, and how many numbers are free."""

import numpy as np

from jaxsim.gradient.mean_chain import typical_counts
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.surrogate_estimator import FEW, scored_reactions

FEW_NUMBERS = 2  # up to which two coupled trajectories for each cost less than scores of the same error


def chosen(problem: Problem) -> tuple[str, str]:
    """Return the name of the estimator for a problem and the reason in words."""
    scored, _ = scored_reactions(problem)
    counts = typical_counts(chain_of(problem, 1), drive_of(problem))
    names = problem.network.structure.species
    few = [name for name, count in zip(names, counts, strict=True) if count < FEW]
    jumps = problem.objective.discontinuous
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
            f"a jumping objective that every reaction decides, and {problem.size} free numbers or fewer",
        )
    why = "a jumping objective that every reaction decides" if jumps else f"few copies of {', '.join(few)}"
    return "controlled_score", f"{why}, and {problem.size} free numbers"
