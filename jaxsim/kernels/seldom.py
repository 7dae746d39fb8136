"""Work that few lanes need at a time."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxsim.kernels.program import Program


def where_any(program: Program, mask: Any, rare: Callable[[], Any], usual: Any) -> Any:
    """Return `rare()` in the lanes of the mask and `usual` in all others, both of one structure.

    Native code does the work only if a lane of the few it runs in lockstep needs it. XLA runs hundreds, of which one
    nearly always does, and has no use for a branch.
    """

    def chosen() -> Any:
        return jax.tree.map(lambda new, old: new if new is old else jnp.where(mask, new, old), rare(), usual)

    return lax.cond(jnp.any(mask), chosen, lambda: usual) if program.native else chosen()
