"""The drift of many lanes at once, with what does not change along a solution computed before it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.continuous.real_rates import environment, real_drift, real_rates
from jaxsim.network import Expression, Structure, evaluate, evaluate_all, hoist_all, stoichiometry, united


@lru_cache(maxsize=256)
def hoisted_rates(structure: Structure) -> tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...]]:
    """Return the rates for real counts, and the functions of parameters alone that were pulled out of them.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> rates, before = hoisted_rates(Network({"A": 5}, ["A -> @ A*k*k/(1 + k)"], {"k": 1.0}).structure)
    >>> len(rates), len(before)
    (1, 1)
    """
    rates, before = hoist_all(real_rates(structure), frozenset(structure.parameters), "before ")
    return united(rates), tuple(before.items())


def constants(structure: Structure, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the functions of them that rates read."""
    env = dict(parameters)
    for name, expression in hoisted_rates(structure)[1]:
        env[name] = jnp.asarray(evaluate(expression, env)).astype(jnp.float64)
    return env


def lane_propensities(structure: Structure, known: Mapping[str, Any], timed: Mapping[str, Any], x: Any) -> Any:
    """Return the propensities [R, L], from what :func:`constants` returned."""
    env = environment(structure, known, timed, x)
    values = evaluate_all(hoisted_rates(structure)[0], env)
    return jnp.stack([jnp.broadcast_to(jnp.asarray(value).astype(x.dtype), x[0].shape) for value in values])


def lane_drift(structure: Structure, known: Mapping[str, Any], timed: Mapping[str, Any], x: Any) -> Any:
    """Return d(mean)/dt [S, L], from what :func:`constants` returned."""
    a = lane_propensities(structure, known, timed, x)
    change = jnp.asarray(stoichiometry(structure).astype(np.float64)) @ a
    env = environment(structure, known, timed, x)
    for (species, r), value in real_drift(structure).effects.items():
        s = structure.species.index(species)
        change = change.at[s].add(a[r] * (jnp.asarray(evaluate(value, env)).astype(x.dtype) - env[species]))
    return change
