"""The drift of the mean, its Jacobian, and the noise.

Sources: Kurtz, J. Appl. Probab. 7 (1970) 49 (rate equations as the limit of large populations); van Kampen,
Stochastic Processes in Physics and Chemistry, ch. X (linear noise); Elf & Ehrenberg, Genome Res. 13 (2003) 2475, eq. 6.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.continuous.real_rates import environment, real_drift, real_propensities
from jaxsim.network import Structure, evaluate, stoichiometry


def drift(structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], x: Any) -> Any:
    """Return d(mean)/dt [S]: the stoichiometry times the propensities, and the expected effects."""
    env = environment(structure, parameters, timed, x)
    a = real_propensities(structure, env, x[0])
    change = jnp.asarray(stoichiometry(structure).astype(np.float64)) @ a
    for (species, r), value in real_drift(structure).effects.items():
        s = structure.species.index(species)
        change = change.at[s].add(a[r] * (jnp.asarray(evaluate(value, env)).astype(x.dtype) - env[species]))
    return change


def jacobian(structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], x: Any) -> Any:
    """Return the derivative of the drift, [S, S]."""
    return jax.jacfwd(lambda y: drift(structure, parameters, timed, y))(x)


def noise(structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], x: Any) -> Any:
    """Return the diffusion S diag(a) S', [S, S], of the covariance's dC/dt = J C + C J' + S diag(a) S'."""
    change = jnp.asarray(stoichiometry(structure).astype(np.float64))
    a = real_propensities(structure, environment(structure, parameters, timed, x), x[0])
    return (change * a[None, :]) @ change.T
