"""How long a leap may be while rates vary in time."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsim.kernels.context import Context
from jaxsim.kernels.rates import Rates
from jaxsim.kernels.state import Inputs
from jaxsim.network import bounds

FINEST = 16.0  # leaps into which the bounds may cut one cell


def variation_size(
    rates: Rates,
    state: Mapping[str, Any],
    given: Context,
    inputs: Inputs,
    cell: Any,
    like: Any,
    tolerance: Any,
) -> Float[Array, " L"]:
    """Return the leap over which no rate changes in time by more than a part sqrt(tolerance) of its bound.

    The change is taken as even over the cell, from the bounds that hold over it. A rate enters a leap by its
    value at the middle, so its mean over the leap errs by the change squared: hence the root.
    """
    size = jnp.full_like(like, jnp.inf)
    if not rates.varying:
        return size
    boxes = {name: (value, value) for name, value in state.items()}
    boxes |= {name: (low[cell], high[cell]) for name, (low, high) in given.bounds.items()}
    width = (inputs.timeline.edges[1:] - inputs.timeline.edges[:-1]).astype(size.dtype)[cell]
    for r in rates.varying:
        low, high = (
            jnp.broadcast_to(jnp.asarray(end).astype(size.dtype), size.shape)
            for end in bounds(rates.expressions[r], boxes)
        )
        part = jnp.sqrt(tolerance) * high / (high - low)
        limit = width * jnp.maximum(part, np.asarray(1 / FINEST, size.dtype))
        size = jnp.where(high > low, jnp.minimum(size, limit), size)
    return size
