"""One coupling step of a block of lanes: events and divisions to the end of the step, then the ledger."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32, Int64

from jaxsim.ensemble.compiler import compiler_options
from jaxsim.models.coupling_cell import ENDS, FLOWS
from jaxsim.models.coupling_division import divide
from jaxsim.models.coupling_events import begin, halted, run_events, running
from jaxsim.models.coupling_lanes import EMPTY, Cells
from jaxsim.network import Structure, evaluate

STATES = ("living", "pored", "tolerant", "dead")  # observables that are counted at the end of a step


class Ledger(NamedTuple):
    """Sums over the lanes of a block, of the step and at its end."""

    flows: dict[str, Int64[Array, ""]]
    """By species: what happened since the step began."""
    ends: dict[str, Int64[Array, ""]]
    """Cells that left their lanes, by flag."""
    states: dict[str, Int64[Array, ""]]
    """Cells at the end of the step."""
    held: Int64[Array, ""]
    """IL-1alpha in living cells at the end."""
    held_dead: Int64[Array, ""]
    """IL-1alpha in apoptotic cells at the end."""
    removed: Int64[Array, ""]
    """IL-1alpha in cells when they left their lanes."""
    free: Int32[Array, ""]
    """Free lanes at the end."""
    unplaced: Int32[Array, ""]
    """Second daughters for which there was no lane; the step then has to be repeated with more."""
    faults: Int32[Array, ""]
    """Lanes in which a rate was not finite, or negative, or a count was."""
    events: Int64[Array, ""]


def step_block(
    structure: Structure, given: Mapping[str, Any], second_lives: Any, length: Any, cells: Cells
) -> tuple[Cells, Ledger]:
    """Advance a block by one coupling step.

    Parameters
    ----------
    given
        Parameters that cells share, what the organism lends among them.
    second_lives
        Probability that the second daughter of a division lives.
    length
        Hours.
    """
    return _program(jax.devices()[0])(structure, given, second_lives, length, cells)


@lru_cache(maxsize=2)
def _program(device: Any) -> Any:
    return jax.jit(_step, static_argnums=0, compiler_options=compiler_options(device))


def _step(
    structure: Structure, given: Mapping[str, Any], second_lives: Any, length: Any, cells: Cells
) -> tuple[Cells, Ledger]:
    length = jnp.asarray(length).astype(jnp.float32)
    walk = begin(_cleared(structure, cells), length)

    def unfinished(carry: tuple[Any, Any]) -> Any:
        walk, unplaced = carry
        return (unplaced == 0) & jnp.any((halted(structure, walk) > 0) | running(structure, walk, length))

    def go_on(carry: tuple[Any, Any]) -> tuple[Any, Any]:
        walk = run_events(structure, given, length, carry[0])
        return divide(structure, second_lives, walk)

    walk, unplaced = lax.while_loop(unfinished, go_on, (walk, jnp.zeros((), jnp.int32)))
    return _settle(structure, walk.cells, unplaced, jnp.isinf(walk.t), walk.events)


def _cleared(structure: Structure, cells: Cells) -> Cells:
    """Begin new counts of flows."""
    zero = jnp.zeros_like(cells.family)
    names = zip(structure.species, cells.x, strict=True)
    return cells._replace(x=tuple(zero if name in FLOWS else value for name, value in names))


def _settle(structure: Structure, cells: Cells, unplaced: Any, faulty: Any, events: Any) -> tuple[Cells, Ledger]:
    """Sum up the lanes, and free those of cells that have lysed or been cleared."""
    here = cells.family >= 0
    x = dict(zip(structure.species, cells.x, strict=True))
    leaves = here & (sum((x[name] for name in ENDS), jnp.zeros_like(cells.family)) > 0)
    stays = here & ~leaves
    env = {name: value.astype(jnp.float32) for name, value in x.items()}
    observed = {name: jnp.asarray(evaluate(value, env)) for name, value in structure.observables if name in STATES}
    living, dead = observed["living"] > 0, observed["dead"] > 0
    ledger = Ledger(
        flows={name: _sum(x[name], here) for name in FLOWS},
        ends={name: _sum(x[name], leaves) for name in ENDS},
        states={name: _sum((observed[name] > 0).astype(jnp.int32), stays) for name in STATES},
        held=_sum(x["IL"], stays & living),
        held_dead=_sum(x["IL"], stays & dead),
        removed=_sum(x["IL"], leaves),
        free=jnp.sum((~stays).astype(jnp.int32), dtype=jnp.int32),
        unplaced=unplaced,
        faults=jnp.sum(faulty.astype(jnp.int32), dtype=jnp.int32),
        events=events,
    )
    return cells._replace(family=jnp.where(leaves, np.int32(EMPTY), cells.family)), ledger


def _sum(values: Any, where: Any) -> Any:
    return jnp.sum(jnp.where(where, values, np.int32(0)).astype(jnp.int64), dtype=jnp.int64)
