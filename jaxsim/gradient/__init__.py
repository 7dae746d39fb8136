"""Gradients of objectives over random trajectories, with their evidence.

The interface: ``js.gradient(model, objective, ...)`` returns a :class:`Gradient` (value, gradient, standard errors,
covariance, bias in words, cost) whatever the estimator. The model is a network with names of what is free, or a
function from any pytree of numbers to a network and a schedule, which is how a parametrisation of doses is optimised::

    def regimen(z):
        return network, js.Schedule(drug=js.Dose(amounts(z), at=times(z)))

    found = js.gradient(regimen, objective, at=z, trajectories=10_000, seed=7)
    found.vector, found.covariance          # [P], [P, P], in the order of jax.tree.leaves(z)

An estimator is one file with ``estimate(problem) -> Estimate`` and one line in ``ESTIMATORS``, which holds its cost and
what it is valid for. All of them read doses and
rates through the same tables (exposure averaged over each leap, and parameters), whose derivatives are exact.
"""

import sys
import types
from typing import Any

from jaxsim.gradient.check import GradientCheck, check_gradient
from jaxsim.gradient.estimators import ESTIMATORS
from jaxsim.gradient.gradient import gradient
from jaxsim.gradient.objective import Objective
from jaxsim.gradient.objectives import (
    auc,
    cvar,
    maximum,
    mean,
    mean_log10,
    minimum,
    probability,
    quantile,
    time_above,
    time_below,
    variance,
)
from jaxsim.gradient.rare import RareProbability, rare_probability
from jaxsim.gradient.result import Gradient
from jaxsim.gradient.switching import SwitchingFunction, switching_function

__all__ = [
    "ESTIMATORS",
    "Gradient",
    "GradientCheck",
    "Objective",
    "RareProbability",
    "SwitchingFunction",
    "auc",
    "check_gradient",
    "cvar",
    "gradient",
    "maximum",
    "mean",
    "mean_log10",
    "minimum",
    "probability",
    "quantile",
    "rare_probability",
    "switching_function",
    "time_above",
    "time_below",
    "variance",
]


class _CallablePackage(types.ModuleType):
    """The package under its own name is the function: ``js.gradient(...)`` and ``jaxsim.gradient.auc`` both work."""

    def __call__(self, *given: Any, **named: Any) -> Gradient:
        return gradient(*given, **named)


sys.modules[__name__].__class__ = _CallablePackage
