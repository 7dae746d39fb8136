"""Division: both daughters of a cell that divides, the second in a free lane.

Each unit of triphosphate and each lesion goes to either daughter with probability 1/2; both inherit the traits of the
mother and a full set of everything else, as in the model of one line of cells. The second daughter lives with a
probability that the organism lends (the rest is the cell loss by which a tumour grows slower than its cells divide).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.codes import NONE
from jaxsim.kernels.randomness import draw_bits
from jaxsim.models.coupling_cell import DIVIDING, FLOWS, SPLIT
from jaxsim.models.coupling_events import Walk, halted
from jaxsim.models.coupling_lanes import Cells
from jaxsim.network import Structure
from jaxsim.random import binomial, threefry2x32, uniform

WAITING = 16  # lanes of a block over the divisions served at once
LIVES, KEY, PARTS = 1, 2, 3  # second words of the counters of a division's draws; events have 0
ROUNDS_OF_KEYS = 20


def divide(structure: Structure, second_lives: Any, walk: Walk) -> tuple[Walk, Any]:
    """Let cells divide that wait for it, as many as are served at once, and return how many found no lane.

    Parameters
    ----------
    second_lives
        Probability that the second daughter lives.
    """
    lanes = walk.t.shape[0]
    size = max(lanes // WAITING, 1)
    mothers = _first(halted(structure, walk) > 0, size)
    here = mothers < lanes
    mother: Cells = jax.tree.map(lambda leaf: leaf.at[mothers].get(mode="fill", fill_value=0), walk.cells)
    lives = here & (_uniform(mother, LIVES) < jnp.asarray(second_lives).astype(jnp.float32))
    free = _first(walk.cells.family < 0, size)
    order = jnp.cumsum(lives.astype(jnp.int32), dtype=jnp.int32) - np.int32(1)
    lane = jnp.where(lives, free[jnp.maximum(order, np.int32(0))], np.int32(lanes))
    served = here & (~lives | (lane < lanes))
    first, second = _daughters(structure, mother, lives)
    target = jnp.where(served, mothers, np.int32(lanes))
    cells = jax.tree.map(
        lambda leaf, a, b: leaf.at[target].set(a, mode="drop").at[lane].set(b, mode="drop"), walk.cells, first, second
    )
    began = walk.t.at[mothers].get(mode="fill", fill_value=0.0)
    fresh = Walk(
        cells,
        t=walk.t.at[lane].set(began, mode="drop"),
        pending=walk.pending.at[target].set(NONE, mode="drop").at[lane].set(NONE, mode="drop"),
        bits=walk.bits.at[lane].set(draw_bits(second.key0, second.key1, second.draws), mode="drop"),
        events=walk.events,
    )
    return fresh, jnp.sum((here & ~served).astype(jnp.int32), dtype=jnp.int32)


def _daughters(structure: Structure, mother: Cells, lives: Any) -> tuple[Cells, Cells]:
    """Return both daughters; the first keeps the mother's lane, stream and ledger."""
    first = dict(zip(structure.species, mother.x, strict=True)) | {DIVIDING: jnp.zeros_like(mother.family)}
    second = first | {name: jnp.zeros_like(mother.family) for name in FLOWS}
    whole = jnp.stack([first[name] for name in SPLIT])
    bits = jnp.stack([_bits(mother, PARTS + part) for part in range(len(SPLIT))])
    kept = binomial(uniform(bits), whole, jnp.full(whole.shape, 0.5, jnp.float32), uniform(~bits))
    first |= dict(zip(SPLIT, kept, strict=True))
    second |= dict(zip(SPLIT, whole - kept, strict=True))
    second |= {"BO": jnp.ones_like(mother.family), "DU": first["IL"]}
    key0, key1 = threefry2x32(mother.key0, mother.key1, mother.draws, _word(mother, KEY), ROUNDS_OF_KEYS)
    sister = mother._replace(key0=key0, key1=key1, draws=jnp.zeros_like(mother.draws))
    return mother._replace(x=tuple(first.values())), sister._replace(x=tuple(second.values()))


def _first(mask: Any, size: int) -> Any:
    """Return the first marked lanes, in order; the number of lanes where there are no more."""
    return jnp.nonzero(mask, size=size, fill_value=mask.shape[0])[0].astype(jnp.int32)


def _uniform(cells: Cells, word: int) -> Any:
    return uniform(_bits(cells, word))


def _bits(cells: Cells, word: int) -> Any:
    return threefry2x32(cells.key0, cells.key1, cells.draws, _word(cells, word))[0]


def _word(cells: Cells, word: int) -> Any:
    return jnp.full(cells.draws.shape, word, jnp.uint32)
