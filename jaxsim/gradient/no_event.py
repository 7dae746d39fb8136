"""Bound the gradient from above where no event was seen, instead of a zero.

A condition that held in none of N trajectories, or in all, leaves an estimate of 0 +- 0, of which only this is known:
the probability p of the other case is below 3/N at the level 95 % (Hanley & Lippman-Hand, JAMA 249 (1983) 1743). Its
derivative is then at most sqrt(p I) by the inequality of Cauchy and Schwarz (Cramer and Rao), with I the Fisher
information of a path. The bounds enter the standard errors as 1.96 of them, so that intervals of 95 % hold the truth.
"""

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators import estimator_named
from jaxsim.gradient.information import information
from jaxsim.gradient.leap.channels import find_channels, reaching
from jaxsim.gradient.objective import Term, described, is_condition
from jaxsim.gradient.problem import GradientEstimate, Problem, chain_of
from jaxsim.statistics.intervals import TWO_SIDED

OF_NONE = 3.0  # over N: the upper 95 % bound of a probability of which none of N trajectories showed the event


def with_bounds(problem: Problem, method: str, found: GradientEstimate) -> GradientEstimate:
    """Return the estimate with bounds in its errors where no event was seen, and a sentence that says so.

    Raises
    ------
    SimulationError
        If the objective or its gradient is not finite.
    """
    _refuse_not_finite(problem, method, found)
    terms = problem.objective.terms
    if not found.trajectories:
        return found
    alike = found.alike if found.alike is not None else (found.value_error == 0.0,) * len(terms)
    silent = [term for term, same in zip(terms, alike, strict=True) if same and is_condition(term.signal)]
    still = (np.diag(found.covariance) == 0.0) & (found.gradient == 0.0) & _reaching(problem)
    if not (silent or np.any(still)):
        return found
    share, root = OF_NONE / found.trajectories, np.sqrt(information(problem))
    size = sum(abs(term.weight) * _range(term) for term in silent)
    spread = found.value_error * np.sqrt(found.trajectories) or np.sqrt(share)  # of the objective; or a molecule
    bound = np.where(still & (size == 0.0), spread, np.sqrt(share) * size) * root
    said = [
        f"'{described(term)}' came to the same in all {found.trajectories} trajectories, and comes to something else "
        f"with a probability below {share:.2g}"
        for term in silent
    ] or [f"nothing changed in any of {found.trajectories} trajectories"]
    named = zip(bound, problem.free.components, strict=True)
    shown = ", ".join(f"{part:.2g} in {name}" for part, name in named if part)
    return found._replace(
        value_error=float(np.hypot(found.value_error, share * size / TWO_SIDED)),
        covariance=found.covariance + np.diag((bound / TWO_SIDED) ** 2),
        bias=f"{found.bias}; no event seen: {'; '.join(said)}: the derivative is off by at most {shown or '0'} (95 %), "
        f"counted in the errors",
        bound=bound,
    )


def _reaching(problem: Problem) -> np.ndarray:
    chain = chain_of(problem, 1)
    return reaching(chain, find_channels(chain, problem.slopes), problem.slopes)


def _range(term: Term) -> float:
    """Return by how much the number of a condition may differ between trajectories, over the share of its tail."""
    return term.summary.steepness * term.functional.most(*term.span)


def _refuse_not_finite(problem: Problem, method: str, found: GradientEstimate) -> None:
    if np.isfinite(found.value) and np.all(np.isfinite(found.gradient)):
        return
    what = "objective" if not np.isfinite(found.value) else "gradient"
    other = "score" if estimator_named(method).scores else "leap_score"
    raise SimulationError(
        f"the {what} '{problem.objective}' by method '{method}' is not a finite number; change the objective where it "
        f"takes a logarithm or divides, or the rates, or use method '{other}'"
    )
