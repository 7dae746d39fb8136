"""Counting lanes."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32

from jaxsim.statistics.lane_sums import lane_sum


def count(mask: Bool[Array, " L"]) -> Int32[Array, ""]:
    """Return how many lanes are marked, as int32 also where 64-bit types exist."""
    return lane_sum(lambda m: m.astype(jnp.int32), mask)
