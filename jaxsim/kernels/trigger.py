"""State-triggered events: a trigger that turns true makes its assignment pending."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.program import Program
from jaxsim.network import evaluate


def truths(program: Program, x: tuple[Any, ...], env: dict[str, Any]) -> Any:
    """Return the triggers that hold, one bit each (uint32 [L])."""
    state = dict(env)
    for name, value in zip(program.structure.species, x, strict=True):
        state[name] = value.astype(program.real)
    bits = jnp.zeros(x[0].shape, jnp.uint32)
    for e, event in enumerate(program.structure.events):
        holds = jnp.broadcast_to(jnp.asarray(evaluate(event.trigger, state)).astype(bool), x[0].shape)
        bits = bits | (holds.astype(jnp.uint32) << np.uint32(e))
    return bits


def next_trigger(program: Program, x: tuple[Any, ...], env: dict[str, Any], armed: Any, active: Any) -> tuple[Any, Any]:
    """Return the code of the event that fires now (-1 for none) and the triggers that have been seen.

    Of several that turned true at once, the one of highest priority fires first; the others are looked
    at again after it, and fire if they still hold.
    """
    events = program.structure.events
    code = jnp.full(x[0].shape, -1, jnp.int32)
    if not events:
        return code, armed
    holds = truths(program, x, env)
    turned = holds & ~armed
    first = program.entry + 1
    seen = armed & holds
    for e in sorted(range(len(events)), key=lambda e: (events[e].priority, -e)):
        fires = ((turned >> np.uint32(e)) & np.uint32(1)) == np.uint32(1)
        code = jnp.where(fires, np.int32(first + e), code)
    position = jnp.maximum(code - np.int32(first), np.int32(0)).astype(jnp.uint32)
    chosen = jnp.where(code >= 0, np.uint32(1) << position, np.uint32(0))
    code = jnp.where(active, code, np.int32(-1))
    return code, jnp.where(active, seen | chosen, armed)
