"""The table of estimators: a new one is a new file and one line here."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from jaxsim.errors import SimulationError, closest
from jaxsim.gradient.problem import Estimate, Problem


class Method(NamedTuple):
    """One estimator."""

    module: str
    """Where its `estimate` is."""
    says: str
    """What it does, in a phrase."""
    scores: bool = False
    """Whether it differentiates the law of events, and so needs them to happen."""

    @property
    def estimate(self) -> Callable[[Problem], Estimate]:
        """The function that does it."""
        return import_module(f"jaxsim.gradient.{self.module}").estimate


METHODS = {
    "score": Method("score_estimator", "score function on exact paths", True),
    "leap_score": Method("leap_score_estimator", "score function on the leap chain", True),
    "surrogate": Method(
        "surrogate_estimator", "score for small counts, Gaussian straight-through paths for large ones", True
    ),
    "controlled_score": Method("controlled_score", "score on the leap chain with martingale control variates", True),
    "controlled_exact_score": Method(
        "controlled_exact_score", "score on exact paths with martingale control variates", True
    ),
    "mean_field": Method("mean_field", "adjoint of the rate equations"),
    "langevin": Method("langevin", "pathwise derivative of the Langevin equation"),
    "difference": Method("difference", "central differences with common random numbers on the leap chain"),
    "split_difference": Method("split_difference", "central differences on exact paths with split coupling"),
}


def method_named(name: str) -> Method:
    """Return an estimator; refuse an unknown name."""
    if name not in METHODS:
        raise SimulationError(f"there is no gradient method '{name}'{closest(name, METHODS)}; use one of {[*METHODS]}")
    return METHODS[name]
