"""The leap chain without noise, and by how much each firing along it changes the quantity at the end.

With the slope g of the quantity in the firings of a step, the sum over steps and reactions of g (K - a h) has mean zero
whatever g is, since K is Poisson of mean a h given the past; with g taken along the mean it follows the fluctuations of
the quantity as linear noise does. It is the control variate of every level.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.estimation.chain import MeshChain, MeshTables
from jaxsim.kernels.rates import leaves_before, plan_rates, propensities
from jaxsim.network import evaluate, stoichiometry


class MeanInputs(NamedTuple):
    """What the program reads; all float64."""

    tables: MeshTables
    parameters: dict[str, Any]
    start: Any
    """float64 [S]: counts after the doses at the start."""


class MeanPath(NamedTuple):
    """What the program returns."""

    value: Any
    """float64: the quantity at the end."""
    slope: Any
    """float64 [N, R]."""
    events: Any
    """float64: firings of all reactions."""


def noiseless_path(chain: MeshChain, inputs: MeanInputs) -> MeanPath:
    """Follow the mean of every leap, and the quantity back through it."""
    nothing = jnp.zeros((inputs.tables.width.shape[0], len(chain.structure.species)), jnp.float64)
    (value, events), slope = jax.value_and_grad(lambda nudges: _follow(chain, inputs, nudges), has_aux=True)(nothing)
    change = jnp.asarray(stoichiometry(chain.structure).astype(np.float64))
    if chain.dosed:
        slope = slope * inputs.tables.multiply[1:]
    return MeanPath(value, slope @ change, events)


def _follow(chain: MeshChain, inputs: MeanInputs, nudges: Array) -> tuple[Any, Any]:
    """Return the quantity at the end and the firings, when `nudges` [N, S] are added to the counts after each step."""
    tables = inputs.tables
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    env = leaves_before(plan, inputs.parameters, jnp.float64)
    change = jnp.asarray(stoichiometry(chain.structure).astype(np.float64))

    def step(here: tuple[Any, ...], index: Array) -> Any:
        y, events = here
        state = {**env, **{name: tables.exposure[index, d] for d, (name, _) in enumerate(plan.in_time)}}
        state |= {name: y[s : s + 1] for s, name in enumerate(chain.structure.species)}
        a = jnp.concatenate(propensities(plan, state, tuple(range(len(plan.expressions))), y[:1]))
        fired = a * tables.width[index]
        y = jnp.maximum(y + change @ fired, 0.0)
        if chain.dosed:
            y = tables.multiply[index + 1] * y + tables.add[index + 1]
        return (y + nudges[index], events + jnp.sum(fired)), None

    places = jnp.arange(tables.width.shape[0], dtype=jnp.int32)
    (y, events), _ = lax.scan(step, (inputs.start, jnp.zeros((), jnp.float64)), places)
    env = {**inputs.parameters, **{name: y[s] for s, name in enumerate(chain.structure.species)}}
    return jnp.asarray(evaluate(chain.quantity, env)).astype(jnp.float64), events
