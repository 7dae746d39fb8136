"""Steps that could pass over a peak of a rate: what is seen at a few times against what is possible in between.

A solver that looks at a rate at a few times of a step sees nothing of a narrow peak between them. The bounds of the
rate over the step, by interval arithmetic with the state held, do; where they leave far more room than what was seen
uses, the step is too long.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jax.numpy as jnp

from jaxsim.kernels.continuous.real_rates import real_rates
from jaxsim.network import Expression, Structure, bounds, evaluate, names, names_of_time

FACTOR = 2.0  # by which a rate may pass what was seen of it
SHORTEST = 1e-6  # of the way, below which bounds that are infinite no longer count


@lru_cache(maxsize=256)
def varying(structure: Structure) -> tuple[int, ...]:
    """Return the reactions whose rate changes with the time between two moments."""
    time = names_of_time(structure)
    return tuple(r for r, rate in enumerate(real_rates(structure)) if names(rate) & time)


def rate_boxes(
    rates: Sequence[Expression], env: Mapping[str, Any], boxes: Mapping[str, tuple[Any, Any]], like: Any
) -> tuple[Any, Any]:
    """Return lower and upper bounds of some rates [R, ...] over boxes of the time and the inputs, at a state."""
    held = {name: (value, value) for name, value in env.items()} | dict(boxes)
    found = [bounds(rate, held) for rate in rates]
    low, high = ([jnp.broadcast_to(jnp.asarray(pair[end]), like.shape) for pair in found] for end in (0, 1))
    return jnp.stack(low), jnp.stack(high)


def overlooks(
    rates: Sequence[Expression],
    env: Mapping[str, Any],
    looks: Sequence[Mapping[str, Any]],
    boxes: Mapping[str, tuple[Any, Any]],
    length: Any,
    way: Any,
    negligible: Any,
) -> Any:
    """Return whether a step may pass over a peak or a gap of a rate, in the shape of `length`.

    Parameters
    ----------
    rates
        Of the reactions that vary.
    env
        All else that they read.
    looks
        Time and inputs where the step looks at rates.
    boxes
        Bounds of time and inputs over the step.
    length, way
        Of the step, and of the way between two points.
    negligible
        Firings that do not matter.
    """
    low, high = rate_boxes(rates, env, boxes, length)
    seen = jnp.stack([
        jnp.stack([jnp.broadcast_to(jnp.asarray(evaluate(rate, {**env, **look})), length.shape) for rate in rates])
        for look in looks
    ])  # fmt: skip
    least, most = jnp.min(seen, axis=0), jnp.max(seen, axis=0)
    bounded = jnp.isfinite(low) & jnp.isfinite(high)
    counts = bounded | (length > SHORTEST * way)[None]
    peak = (high > FACTOR * most) & ((high - most) * length[None] > negligible[None])
    gap = (FACTOR * low < least) & ((least - low) * length[None] > negligible[None])
    return jnp.any(counts & (peak | gap), axis=0)
