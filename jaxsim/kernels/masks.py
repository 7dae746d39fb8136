"""Counting lanes."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int32


def count(mask: Bool[Array, " L"]) -> Int32[Array, ""]:
    """Return how many lanes are marked, as int32 also where 64-bit types exist."""
    return jnp.sum(mask.astype(jnp.int32), dtype=jnp.int32)
