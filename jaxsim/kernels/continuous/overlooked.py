"""Steps that could pass over a peak of a rate: what is seen at a few times against what is possible in between.

A solver that looks at a rate at a few times of a step sees nothing of a narrow peak between them. The bounds of the
rate over the step, by interval arithmetic with the state held, do; where they leave far more room than what was seen
uses, the step is too long.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import diffrax
import jax.numpy as jnp
from jax import Array, lax

from jaxsim.kernels.continuous.real_rates import real_rates
from jaxsim.network import Expression, Structure, bounds, evaluate, names, names_of_time

FACTOR = 2.0  # by which a rate may pass what was seen of it
_SHORTEST = 1e-6  # of the way, below which bounds that are infinite no longer count


@lru_cache(maxsize=256)
def varying(structure: Structure) -> tuple[int, ...]:
    """Return the reactions whose rate changes with the time between two moments."""
    time = names_of_time(structure)
    return tuple(r for r, rate in enumerate(real_rates(structure)) if names(rate) & time)


def rate_boxes(
    rates: Sequence[Expression], env: Mapping[str, Any], boxes: Mapping[str, tuple[Any, Any]], like: Array
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
    length: Array,
    way: Array,
    negligible: Array,
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
    counts = bounded | (length > _SHORTEST * way)[None]
    peak = (high > FACTOR * most) & ((high - most) * length[None] > negligible[None])
    gap = (FACTOR * low < least) & ((least - low) * length[None] > negligible[None])
    return jnp.any(counts & (peak | gap), axis=0)


# A step size controller that also rejects steps which could pass over a peak of a rate.
#
# It is apart because it inherits from diffrax, which takes its time to import.


class Watchful(diffrax.AbstractAdaptiveStepSizeController[Any, Any]):
    """A controller with an eye on what the stages of a step do not see."""

    rtol: Any
    atol: Any
    norm: Any
    controller: diffrax.AbstractStepSizeController[Any, Any]
    overlooks: Any
    """Of start, end and middle state of a step and the arguments: whether it may pass over something."""

    def wrap(self, direction: Any) -> "Watchful":
        """Return the controller for a direction of time."""
        return Watchful(self.rtol, self.atol, self.norm, self.controller.wrap(direction), self.overlooks)

    def init(self, *given: Any, **named: Any) -> Any:
        """Return the first step and the state of the controller inside."""
        return self.controller.init(*given, **named)

    def adapt_step_size(
        self,
        t0: Any,
        t1: Any,
        y0: Any,
        y1_candidate: Any,
        args: Any,
        y_error: Any,
        error_order: Any,
        controller_state: Any,
    ) -> Any:
        """Judge a step by its error, and as infinitely wrong where it may have passed over something."""
        start, end, state = lax.stop_gradient((t0, t1, 0.5 * (y0 + y1_candidate)))
        blind = self.overlooks(start, end, state, lax.stop_gradient(args))
        error = jnp.where(blind, jnp.inf, y_error)
        return self.controller.adapt_step_size(t0, t1, y0, y1_candidate, args, error, error_order, controller_state)


def watchful(controller: diffrax.PIDController, overlooks: Callable[..., Any]) -> Watchful:
    """Return a controller that also rejects what `overlooks` says is too long a step."""
    return Watchful(controller.rtol, controller.atol, controller.norm, controller, overlooks)
