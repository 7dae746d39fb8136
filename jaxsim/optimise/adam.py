"""The steps of a descent: Optax's Adam with rates that fall along a cosine.

First moment 0.8 rather than 0.9, since batches grow and the slope turns within tens of steps. No weight decay: it would
pull every number to the middle of its bounds.
"""

from typing import Any

import jax
import optax

FIRST_MOMENT = 0.8


def adam(rate: float, last_rate: float, steps: int) -> optax.GradientTransformation:
    """Return the rule of so many steps, which runs whatever JAX's setting of type promotion.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> rule = adam(0.25, 0.0125, 60)
    >>> move, _ = rule.update(jnp.ones(2), rule.init(jnp.zeros(2)))
    >>> move.round(3).tolist()
    [-0.25, -0.25]
    """
    rule = optax.adam(optax.cosine_decay_schedule(rate, max(1, steps), last_rate / rate), b1=FIRST_MOMENT)

    def init(start: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):  # Optax promotes float and int32 as it pleases
            return rule.init(start)

    def update(slope: Any, state: Any, at: Any = None) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            return rule.update(slope, state, at)

    return optax.GradientTransformation(init, update)
