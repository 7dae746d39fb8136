"""The table of estimators: a new one is a new file and one line here, which holds every fact about it."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from jaxsim.errors import SimulationError, closest
from jaxsim.gradient.pace import refuse_unstable
from jaxsim.gradient.problem import GradientEstimate, Problem


class Estimator(NamedTuple):
    """One estimator."""

    module: str
    """Where its `estimate` is, and `refuse` where it refuses problems of its own."""
    says: str
    """What it does, in a phrase."""
    cost: float
    """Of one trajectory's gradient, in trajectories simulated forward for the same processor time; measured, see
    benchmarks/README.md."""
    each: float = 0.0
    """The same, besides, for each free number."""
    leaps: bool = False
    """Whether it walks on leaps, whose bias it then has."""
    scores: bool = False
    """Whether it differentiates the law of events, and so needs them to happen."""
    differs: bool = False
    """Whether it is a quotient of differences, whose truncation it then has."""
    jumps: bool = True
    """Whether it sees an objective that jumps from one value to another."""
    between: bool = False
    """Whether its error is seen only in the spread between batches, of which it needs two at least."""
    noisy: bool = True
    """Whether it runs trajectories at all."""

    @property
    def estimate(self) -> Callable[[Problem], GradientEstimate]:
        """The function that does it."""
        return self._module.estimate

    @property
    def _module(self) -> ModuleType:
        return import_module(f"jaxsim.gradient.estimators.{self.module}")

    def cost_of(self, size: int) -> float:
        """Return the cost of one trajectory's gradient with so many free numbers."""
        return self.cost + self.each * size

    def refuse(self, problem: Problem) -> None:
        """Refuse what the method has no valid derivative of, before anything is run."""
        if self.leaps:
            assert problem.pace is not None
            refuse_unstable(problem.grid, problem.pace.relaxation, problem.asked)
        if hasattr(self._module, "refuse"):
            self._module.refuse(problem)


ESTIMATORS = {
    "score": Estimator("score", "score function on exact paths", 1.4, scores=True),
    "leap_score": Estimator("leap_score", "score function on the leap chain", 1.2, leaps=True, scores=True),
    "surrogate": Estimator(
        "surrogate", "score for small counts, Gaussian straight-through paths for large ones", 3.0,
        leaps=True, scores=True, between=True,
    ),
    "controlled_score": Estimator(
        "controlled_score", "score on the leap chain with martingale control variates", 3.0, leaps=True, scores=True
    ),
    "controlled_exact_score": Estimator(
        "controlled_exact_score", "score on exact paths with martingale control variates", 3.0, scores=True
    ),
    "mean_field": Estimator("mean_field", "adjoint of the rate equations", 0.0, jumps=False, noisy=False),
    "langevin": Estimator(
        "langevin", "pathwise derivative of the Langevin equation", 3.0, leaps=True, jumps=False, between=True
    ),
    "difference": Estimator(
        "difference", "differences with common random numbers on the leap chain", 1.0, each=2.0, leaps=True,
        differs=True,
    ),
    "importance": Estimator(
        "importance", "score function on exact paths steered to a rare event, by likelihood ratios", 4.0, scores=True
    ),
    "split_difference": Estimator(
        "split_difference", "differences on exact paths with split coupling", 1.4, each=1.4, differs=True
    ),
}  # fmt: skip


def estimator_named(name: str) -> Estimator:
    """Return an estimator; refuse an unknown name."""
    if name not in ESTIMATORS:
        raise SimulationError(
            f"there is no gradient method '{name}'{closest(name, ESTIMATORS)}; use one of {[*ESTIMATORS]}"
        )
    return ESTIMATORS[name]
