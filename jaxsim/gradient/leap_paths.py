"""Paths of the leap chain forward: the numbers of the terms alone, for values, pilots and differences."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsim.gradient.chain import (
    Chain,
    Drive,
    begin,
    firings_at,
    first_note,
    given,
    moved,
    noted,
    reals,
    signals,
)


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
def leap_paths(chain: Chain, drive: Drive) -> Paths:
    """Run every lane from the start to the end."""
    lanes = begin(chain, drive)

    def step(here: _Carry, index: Any) -> tuple[_Carry, None]:
        x, held = moved(chain, here.x, here.firings)
        x = given(drive, index + 1, x)
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
