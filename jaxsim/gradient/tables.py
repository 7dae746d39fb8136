"""The tables through which a gradient passes: exposure and parameters, with their derivatives in what is free.

Everything random reads time and doses only through these tables, so an estimator differentiates with respect to them,
in single precision, and the chain rule to the numbers that are free is taken here, in double precision, once.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.ensemble.double import double_precision
from jaxsim.errors import SimulationError
from jaxsim.gradient.free import Free
from jaxsim.kernels.exposure import SHIFTS, exposures
from jaxsim.kernels.rates import plan_rates
from jaxsim.network import Network, Structure, is_distribution


class Tables(NamedTuple):
    """What the random part of a gradient reads."""

    exposure: Any
    """[n, D]: the leaves in time of the rates, averaged over every leap."""
    parameters: dict[str, Any]
    """A number for each, or a distribution."""


class Slopes(NamedTuple):
    """Derivatives of tables, with the components of theta as last axis."""

    tables: Tables
    fixed: Any
    """[F, P]: of what no estimator differentiates: initial counts, and doses of species."""


def tables_of(structure: Structure, network: Any, schedule: Any, edges: Any, shifts: int = SHIFTS) -> Tables:
    """Return the tables of a network and a schedule, traced or not; call within ``jax.enable_x64(True)``."""
    plan = plan_rates(structure, sampled_names(network.parameters))
    values = {name: jax.tree.map(_real, value) for name, value in network.parameters.items()}
    return Tables(exposures(structure, plan, network, schedule, edges, shifts), values)


@partial(jax.jit, static_argnums=(0, 1, 4))
def _evaluated(build: Any, structure: Structure, edges: Any, given: Any, shifts: int) -> Any:
    theta, base = given

    def tables(point: Any) -> Any:
        network, schedule = build(point, base)
        return tables_of(structure, network, schedule, edges, shifts), _fixed(network, schedule)

    found = tables(theta)
    return found[0], Slopes(*jax.jacfwd(tables)(theta))


def _fixed(network: Network, schedule: Any) -> Any:
    """Return the numbers that change counts directly."""
    parts = [_real(leaf).reshape(-1) for leaf in jax.tree.leaves(dict(network.initial))]
    for agent, entries in schedule.items():
        if agent in network.structure.species:
            parts += [part(jnp).reshape(-1) for entry in entries for part in (entry.starts, entry.amounts)]
    return jnp.concatenate(parts)


def _real(value: Any) -> Any:
    return jnp.asarray(value).astype(jnp.float64)


def sampled_names(values: Any) -> tuple[str, ...]:
    """Return the names whose values are distributions over trajectories."""
    return tuple(name for name, value in values.items() if is_distribution(value))


def build_tables(free: Free, network: Network, edges: np.ndarray, shifts: int = SHIFTS) -> tuple[Tables, Slopes]:
    """Return tables and slopes (numpy, float64) at the point of `free`.

    Raises
    ------
    SimulationError
        If a component changes counts directly, of which no estimator has a derivative.
    """
    given = jax.tree.map(_as_float, (free.theta, free.base))
    with double_precision():
        found = _evaluated(free.build, network.structure, edges, given, shifts)
        tables, slopes = jax.tree.map(np.asarray, found)
    direct = np.flatnonzero(np.any(slopes.fixed != 0.0, axis=0))
    if direct.size:
        raise SimulationError(
            f"'{free.components[direct[0]]}' changes whole numbers of molecules directly (an initial count or a dose "
            f"of a species), of which no derivative exists; free the dose of an input or a rate instead"
        )
    return tables, slopes


def table_values(network: Network, schedule: Any, edges: np.ndarray, shifts: int = SHIFTS) -> Tables:
    """Return the tables (numpy, float64) of a network and a schedule, without derivatives."""
    with double_precision():
        found: Tables = jax.tree.map(np.asarray, _valued(network.structure, edges, (network, schedule), shifts))
    return found


@partial(jax.jit, static_argnums=(0, 3))
def _valued(structure: Structure, edges: Any, given: Any, shifts: int) -> Tables:
    network, schedule = given
    return tables_of(structure, network, schedule, edges, shifts)


def _as_float(leaf: Any) -> Any:
    return np.asarray(leaf, np.float64)


def chained(cotangent: Tables, slopes: Slopes) -> np.ndarray:
    """Return the gradient [P] from the gradient with respect to the tables."""
    pairs = zip(jax.tree.leaves(cotangent), jax.tree.leaves(slopes.tables), strict=True)
    parts = [np.tensordot(np.asarray(c, np.float64), j, axes=np.ndim(c)) for c, j in pairs]
    return np.sum(parts, axis=0)
