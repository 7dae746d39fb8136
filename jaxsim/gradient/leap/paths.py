"""Paths of the leap chain forward: the numbers of the terms alone, for values, pilots and differences."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.leap.chain import (
    Drive,
    LeapChain,
    begin_leaps,
    dosed_at,
    firings_at,
    first_note,
    noted,
    reals,
    signals,
)
from jaxsim.paths.leap import fire


class Paths(NamedTuple):
    """What is kept of every trajectory."""

    numbers: Any
    """float32 [J, L]: F of each term."""
    held: Any
    """bool [L]: whether a count was ever held at zero."""
    faulty: Any
    """bool [L]: whether a rate was negative or not finite."""


class _Carry(NamedTuple):
    x: tuple[Any, ...]
    firings: Any
    """Of the step that begins at `x`: carried over the edge of the loop, so that XLA makes them once and not in the
    update of every species."""
    numbers: Any
    signals: Any
    held: Any
    faulty: Any


@partial(jax.jit, static_argnums=0)
def leap_paths(chain: LeapChain, drive: Drive) -> Paths:
    """Run every lane from the start to the end."""
    lanes = begin_leaps(chain, drive)

    def step(here: _Carry, index: Array) -> tuple[_Carry, None]:
        x, held = fire(chain.structure, here.x, here.firings)
        x = dosed_at(drive, index + 1, x)
        after = signals(chain, reals(x), lanes.parameters)
        numbers = noted(chain, drive, index, here.numbers, here.signals, after)
        faulty = here.faulty | jnp.any(here.firings < 0, axis=0)
        return _Carry(x, firings_at(chain, drive, lanes, index + 1, x), numbers, after, here.held | held, faulty), None

    now = signals(chain, reals(lanes.x), lanes.parameters)
    none = jnp.zeros((chain.lanes,), bool)
    firings = firings_at(chain, drive, lanes, np.int32(0), lanes.x)
    first = _Carry(lanes.x, firings, first_note(chain, drive, now), now, none, none)
    last, _ = lax.scan(step, first, jnp.arange(drive.width.shape[0], dtype=jnp.int32))
    return Paths(last.numbers, last.held, last.faulty)


# A scan that is differentiated backwards in memory of the square root of its length.


def checkpointed_scan(step: Callable[[Any, Any], Any], first: Any, number: int) -> Any:
    """Return the carry after `number` steps ``step(carry, index)``, int32 indices from 0.

    Only the carry at the start of each block of about sqrt(number) steps is kept; the way back runs each block again
    (Griewank & Walther, Evaluating Derivatives (2008), ch. 12, with two levels).

    Examples
    --------
    >>> jax.grad(lambda x: checkpointed_scan(lambda y, i: y * x, jnp.float32(1.0), 5))(jnp.float32(2.0)).item()
    80.0
    """
    block = block_length(number)
    whole = number // block

    def one(carry: Any, index: Array) -> tuple[Any, None]:
        return step(carry, index), None

    @jax.checkpoint
    def run(carry: Any, indices: Array) -> Any:
        return lax.scan(one, carry, indices)[0]

    indices = np.arange(number, dtype=np.int32)
    blocks = jnp.asarray(indices[: whole * block].reshape(whole, block))
    carry, _ = lax.scan(lambda here, part: (run(here, part), None), first, blocks)
    return run(carry, jnp.asarray(indices[whole * block :])) if whole * block < number else carry


def block_length(number: int) -> int:
    """Return a length of blocks near the root of `number`; one that divides it, so that one program serves all blocks.

    Examples
    --------
    >>> block_length(504), block_length(512), block_length(503)
    (21, 16, 22)
    """
    root = number**0.5
    near = [n for n in range(max(1, int(root / 2)), int(2 * root) + 1) if number % n == 0]
    return min(near, key=lambda n: abs(n - root)) if near else max(1, round(root))
