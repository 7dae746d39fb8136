"""Middle levels: leap chains on a mesh and on a coarser one, coupled so that they stay close.

Every reaction of the pair is split in three (Anderson & Higham, Multiscale Model. Simul. 10 (2012) 146, eq. 6.3): with
the smaller of both rates it fires in both chains, with what is left in the one whose rate is larger. Each chain alone
has the law of its own mesh, so that differences of levels telescope.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.estimation.chain import (
    LevelValues,
    MeshChain,
    MeshTables,
    Numbers,
    begin_chain,
    dosed_on_mesh,
    floored,
    mesh_rates,
    worth,
)
from jaxsim.kernels.leaping.leap import apply_firings, computed_once
from jaxsim.paths.leap import poisson_firings
from jaxsim.random import threefry2x32


class PairInputs(NamedTuple):
    """What the program reads."""

    numbers: Numbers
    fine: MeshTables
    coarse: MeshTables
    ratio: Any
    """int32: steps of the fine mesh in one of the coarse mesh."""


class _Carry(NamedTuple):
    x: tuple[Any, ...]
    z: tuple[Any, ...]
    """Counts of the coarse chain; inside its step not yet held at zero."""
    frozen: Any
    """float32 [R, L]: the rates of the coarse chain at the start of its step."""
    control: Any
    held: Any
    fault: Any


def leap_pair(chain: MeshChain, inputs: PairInputs) -> LevelValues:
    """Run every pair from the start to the end."""
    numbers, fine, coarse, ratio = inputs
    start = begin_chain(chain, numbers, fine)
    go, number = fine.steps > 0, len(chain.structure.reactions)

    def propensity(x: tuple[Any, ...], row: Array) -> Any:
        return mesh_rates(chain, start, x, row)

    def words(i: Array) -> Any:
        counter = jnp.arange(number, dtype=jnp.uint32)[:, None]
        return jnp.concatenate(
            threefry2x32(start.key[0][None, :], start.key[1][None, :], i.astype(jnp.uint32), counter)
        )

    def step(i: Array, here: _Carry) -> _Carry:
        j = i // ratio
        a = computed_once(go, propensity, here.x, fine.exposure[i])
        frozen = lax.cond(i % ratio == 0, lambda: propensity(here.z, coarse.exposure[j]), lambda: here.frozen)
        more = a > frozen
        means = computed_once(go, _split, a, frozen, fine.width[i])
        firings = computed_once(go, poisson_firings, computed_once(go, words, i), means)
        both, rest = firings[:number], firings[number:]
        nothing = np.int32(0)
        x, held, large = floored(apply_firings(chain.structure, here.x, both + jnp.where(more, rest, nothing)))
        z = apply_firings(chain.structure, here.z, both + jnp.where(more, nothing, rest))
        last = (i + np.int32(1)) % ratio == 0
        down, held_below, large_below = floored(z)
        z = tuple(jnp.where(last, new, old) for new, old in zip(down, z, strict=True))
        ends = here.fault | large | large_below | jnp.any(firings < 0, axis=0)
        gain = _gain(fine.slope[i][:, None], coarse.slope[j][:, None], more, firings.astype(jnp.float32) - means)
        return _Carry(
            dosed_on_mesh(chain, fine, i + np.int32(1), x),
            # Doses are at edges of the coarse mesh, after its counts are held at zero.
            dosed_on_mesh(chain, fine, i + np.int32(1), z),
            frozen,
            here.control + gain.astype(jnp.float64),
            here.held | held | (held_below & last),
            ends,
        )

    none = jnp.zeros((chain.lanes,), bool)
    frozen = jnp.zeros((number, chain.lanes), jnp.float32)
    first = _Carry(start.x, start.x, frozen, jnp.zeros((chain.lanes,), jnp.float64), none, none)
    last = lax.fori_loop(np.int32(0), fine.steps, step, first)
    finer = worth(chain, start, last.x)
    events = jnp.zeros((chain.lanes,), jnp.uint32)
    return LevelValues(finer - worth(chain, start, last.z), last.control, finer, events, last.held, last.fault)


def _split(a: Array, frozen: Array, width: Array) -> Any:
    """Return the means of what fires in both chains and of what fires in one, [2 R, L]."""
    return jnp.concatenate([jnp.minimum(a, frozen) * width, jnp.abs(a - frozen) * width])


def _gain(fine: Array, coarse: Array, more: Array, surprise: Array) -> Any:
    """Return what the firings, less their means, change the difference by along the mean, [L]."""
    number = fine.shape[0]
    both = (fine - coarse) * surprise[:number]
    return jnp.sum(both + jnp.where(more, fine, -coarse) * surprise[number:], axis=0)
