"""The lowest level: leap chains on one mesh."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsim.estimation.chain import (
    Block,
    Chain,
    Numbers,
    Start,
    Tables,
    begin,
    floored,
    given,
    inverted,
    moved,
    rates,
    worth,
)
from jaxsim.kernels.firings import computed_once
from jaxsim.random import threefry2x32


class PathInputs(NamedTuple):
    """What the program reads."""

    numbers: Numbers
    tables: Tables


class _Carry(NamedTuple):
    x: tuple[Any, ...]
    control: Any
    held: Any
    fault: Any


def leap_path(chain: Chain, inputs: PathInputs) -> Block:
    """Run every lane from the start to the end."""
    numbers, tables = inputs
    start = begin(chain, numbers, tables)
    go = tables.steps > 0

    def step(i: Any, here: _Carry) -> _Carry:
        a = computed_once(go, lambda x, row: rates(chain, start, x, row), here.x, tables.exposure[i])
        means = a * tables.width[i]
        words = computed_once(go, lambda i: path_words(chain, numbers, start, i), i)
        firings = computed_once(go, inverted, words, means)
        gain = tables.slope[i][:, None] * (firings.astype(jnp.float32) - means)
        x, held, large = floored(moved(chain, here.x, firings))
        return _Carry(
            given(chain, tables, i + np.int32(1), x),
            here.control + jnp.sum(gain, axis=0).astype(jnp.float64),
            here.held | held,
            here.fault | large | jnp.any(firings < 0, axis=0),
        )

    none = jnp.zeros((chain.lanes,), bool)
    first = _Carry(start.x, jnp.zeros((chain.lanes,), jnp.float64), none, none)
    last = lax.fori_loop(np.int32(0), tables.steps, step, first)
    value = worth(chain, start, last.x)
    return Block(value, last.control, value, jnp.zeros((chain.lanes,), jnp.uint32), last.held, last.fault)


def path_words(chain: Chain, numbers: Numbers, start: Start, step: Any) -> Any:
    """Return the random words of a step, [R, L]; of a point set while it has any left."""
    number = len(chain.structure.reactions)
    calls = (number + 1) // 2
    counter = jnp.arange(calls, dtype=jnp.uint32)[:, None]
    own = jnp.concatenate(threefry2x32(start.key[0][None, :], start.key[1][None, :], step.astype(jnp.uint32), counter))[
        :number
    ]
    before = len(chain.sampled_parameters) + len(chain.sampled_species)
    if chain.pointed < before + number:
        return own
    place = before + step * number
    from_points = lax.dynamic_slice_in_dim(numbers.points, jnp.minimum(place, chain.pointed - number), number)
    return jnp.where(place + number <= chain.pointed, from_points, own)
