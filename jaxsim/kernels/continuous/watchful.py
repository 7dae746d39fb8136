"""A step size controller that also rejects steps which could pass over a peak of a rate.

It is apart because it inherits from diffrax, which takes its time to import.
"""

from typing import Any

import diffrax
import jax.numpy as jnp
from jax import lax


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


def watchful(controller: diffrax.PIDController, overlooks: Any) -> Watchful:
    """Return a controller that also rejects what `overlooks` says is too long a step."""
    return Watchful(controller.rtol, controller.atol, controller.norm, controller, overlooks)
