"""The organism around a tumour of single cells: all of its reactions but those of tumour cells, as rate equations.

Tumour cells stand in the species S (living), Y (those with pores) and A (apoptotic), which the cells set and
no reaction changes. IL-1alpha that cells release enters IT. The rest of a mouse is 1e5 cells and more of each kind, so
its own noise (0.3 % and less) is left out: the rate equations are integrated by the classical Runge-Kutta method.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64

from jaxsim.kernels.continuous.drift import drift
from jaxsim.kernels.continuous.real_rates import environment, real_propensities
from jaxsim.models.organism_reactions import GROWTH, KILL
from jaxsim.network import Network, Structure, evaluate, parse, stoichiometry

STAND_INS = ("S", "T", "D1", "D2", "Y", "A")
OUTSIDE = ("IT", "IP")  # IL-1alpha outside cells
FEEDBACK = (parse(KILL), parse(GROWTH))
SUBSTEP = 0.05  # h; the fastest rate, of G-CSF, is 13 to 18 an hour


class Surroundings(NamedTuple):
    """The organism at one time."""

    x: Float64[Array, " species"]
    """Counts, real."""
    gained: Float64[Array, ""]
    """Counts of IL-1alpha that reactions of the organism have added so far (basal secretion)."""
    lost: Float64[Array, ""]
    """Counts of IL-1alpha degraded and eliminated so far."""


class Tumour(NamedTuple):
    """What the organism sees of the cells."""

    living: Any
    """Living cells, those with pores among them."""
    pored: Any
    dead: Any
    """Apoptotic cells, not yet cleared."""


class Feedback(NamedTuple):
    """What the cells see of the organism, beside drugs."""

    kill_hazard: Any
    """Of every living cell, per hour."""
    growth: Any
    """Of the untreated tumour without killing, per hour."""


def around_tumour(network: Network) -> Network:
    """Return the organism without the reactions of tumour cells.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> len(organism().structure.reactions), len(around_tumour(organism()).structure.reactions)
    (67, 50)
    """
    structure = network.structure
    kept = [r for r in structure.reactions if not any(r.changes.get(name, 0) for name in STAND_INS)]
    return Network(
        species={name: 0 if name in STAND_INS else value for name, value in network.initial.items()},
        reactions=kept,
        parameters=dict(network.parameters),
        observables=dict(structure.observables),
        inputs=dict(network.inputs),
        name=f"{network.name}, around a tumour",
    )


def counts_per_unit(pool: float) -> float:
    """Return how many counts of IT one unit of a cell's IL-1alpha is, for the mean pool of a cell in units.

    Examples
    --------
    >>> counts_per_unit(500.0)  # a cell holds one count
    0.002
    """
    return 1.0 / pool


def place(structure: Structure, x: Any, tumour: Tumour) -> Any:
    """Return the state with the tumour's cells in it."""
    zero = jnp.zeros_like(x[0])
    cells = {"S": tumour.living, "Y": tumour.pored, "A": tumour.dead}
    for name in STAND_INS:
        x = x.at[structure.species.index(name)].set(zero + cells.get(name, 0.0))
    return x


def feedback(structure: Structure, parameters: Mapping[str, Any], x: Any) -> Feedback:
    """Return what the organism in state x does to each tumour cell."""
    env = environment(structure, parameters, {}, x)
    kill, growth = (evaluate(value, env) for value in FEEDBACK)
    return Feedback(jnp.asarray(kill).astype(jnp.float64), jnp.asarray(growth).astype(jnp.float64))


@partial(jax.jit, static_argnums=(0, 1))
def advance_organism(
    structure: Structure,
    substeps: int,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    length: Any,
    here: Surroundings,
    tumour: tuple[Tumour, Tumour],
    release: Any,
) -> Surroundings:
    """Integrate the organism over one coupling step.

    Parameters
    ----------
    inputs
        Each at the ends and middles of all substeps, [2 substeps + 1].
    tumour
        At the start and at the end of the step; linear between.
    release
        Counts of IL-1alpha per hour that enter IT.
    """
    step = length / substeps

    def slope(y: Surroundings, position: Any) -> Surroundings:
        share = position.astype(jnp.float64) / (2.0 * substeps)
        between = Tumour(*(a + share * (b - a) for a, b in zip(*tumour, strict=True)))
        timed = {name: value[position] for name, value in inputs.items()}
        return slopes(structure, parameters, timed, y, between, release)

    def substep(y: Surroundings, index: Any) -> tuple[Surroundings, None]:
        return runge_kutta(lambda z, half: slope(z, 2 * index + half), step, y), None

    here = lax.scan(substep, here, jnp.arange(substeps))[0]
    return here._replace(x=place(structure, here.x, tumour[1]))


def slopes(
    structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], y: Surroundings, tumour: Tumour,
    release: Any,
) -> Surroundings:  # fmt: skip
    """Return the rates of change of the organism; those of the stand-ins are 0."""
    x = place(structure, y.x, tumour)
    found = drift(structure, parameters, timed, x).at[structure.species.index("IT")].add(release)
    a = real_propensities(structure, environment(structure, parameters, timed, x), x[0])
    change = sum(stoichiometry(structure)[structure.species.index(name)] for name in OUTSIDE)
    gains, losses = (np.maximum(sign * change, 0).astype(np.float64) for sign in (1, -1))
    return Surroundings(found, jnp.dot(gains, a), jnp.dot(losses, a))


def runge_kutta(slope: Any, step: Any, y: Any) -> Any:
    """Return y after one classical Runge-Kutta step; `slope(y, half)` is at half steps 0, 1 and 2."""

    def moved(by: Any, slopes: Any) -> Any:
        return jax.tree.map(lambda value, change: value + by * change, y, slopes)

    a = slope(y, 0)
    b = slope(moved(0.5 * step, a), 1)
    c = slope(moved(0.5 * step, b), 1)
    d = slope(moved(step, c), 2)
    return jax.tree.map(
        lambda value, *parts: value + step / 6.0 * (parts[0] + 2.0 * parts[1] + 2.0 * parts[2] + parts[3]),
        *(y, a, b, c, d),
    )
