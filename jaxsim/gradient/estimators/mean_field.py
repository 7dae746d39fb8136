"""Method mean_field: the adjoint of the rate equations, without noise and without trajectories."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.ensemble import mean_field as solved
from jaxsim.errors import SimulationError
from jaxsim.gradient.objective import Term, described
from jaxsim.gradient.problem import GradientEstimate, Problem
from jaxsim.gradient.summaries import MEAN
from jaxsim.gradient.validity import refuse_jumping_rates, refuse_jumps
from jaxsim.network import evaluate, is_distribution
from jaxsim.runtime.double import double_precision

SOLVED = 1e-4  # of a derivative: within this the adjoint of the solver's steps was right on random networks
_POINTS = 1024  # of a span over which a signal is integrated or its extremum sought
_BIAS = (
    "that of the rate equations: of the order of 1/N for smooth objectives of N molecules, and larger near extinction"
)


def refuse(problem: Problem) -> None:
    """Refuse an objective that jumps or has no meaning for the mean, and a network without rate equations."""
    refuse_jumps(problem.objective, "mean_field")
    refuse_jumping_rates(problem, "mean_field")
    _refuse_distributions(problem)
    for term in problem.objective.terms:
        if term.summary != MEAN:
            raise SimulationError(
                f"method 'mean_field' has no trajectories for the {described(term)}; use 'surrogate' or 'langevin'"
            )


def estimate(problem: Problem) -> GradientEstimate:
    """Differentiate the objective of the mean."""
    refuse(problem)
    times = _times(problem)

    def value(theta: Any) -> Any:
        network, schedule = problem.free.build(theta, problem.free.base)
        path = solved(network, times=times, schedule=schedule, start=float(problem.grid.edges[0]))
        return sum(term.weight * _number(problem, term, times, network, path) for term in problem.objective.terms)

    with double_precision():
        found, slope = jax.value_and_grad(value)(jnp.asarray(problem.free.theta))
        found, slope = float(found), np.array(slope)
        for p, points in problem.slopes.beside:
            slope[p] = np.mean([jax.grad(value)(jnp.asarray(point))[p] for point in points])
    if not (np.isfinite(found) and np.all(np.isfinite(slope))):
        raise SimulationError(
            "the rate equations have no finite solution or gradient here, as where a count falls below zero or a rate "
            "is negative; let rates vanish when a reactant is missing, or use method 'surrogate'"
        )
    return GradientEstimate(found, 0.0, slope, np.diag((SOLVED * slope) ** 2), 0, _BIAS)


def _refuse_distributions(problem: Problem) -> None:
    given = [*problem.network.parameters.items(), *problem.network.initial.items()]
    for name, value in given:
        if is_distribution(value):
            raise SimulationError(
                f"'{name}' differs between trajectories, and method 'mean_field' has none; give a number, or use "
                f"method 'surrogate' or 'langevin'"
            )


def _times(problem: Problem) -> np.ndarray:
    return np.unique(np.concatenate([term.functional.times(*term.span, _POINTS) for term in problem.objective.terms]))


def _number(problem: Problem, term: Term, times: np.ndarray, network: Any, path: Any) -> Any:
    """Return F of the mean."""
    env = {**network.parameters, **dict(zip(problem.network.structure.species, path.T, strict=True))}
    signal = jnp.broadcast_to(jnp.asarray(evaluate(term.signal, env)), times.shape)
    return term.functional.sampled(signal, times, *term.span)
