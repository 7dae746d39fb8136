"""A scan that is differentiated backwards in memory of the square root of its length."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def checkpointed_scan(step: Callable[[Any, Any], Any], first: Any, number: int) -> Any:
    """Return the carry after `number` steps ``step(carry, index)``, int32 indices from 0.

    Only the carry at the start of each block of about sqrt(number) steps is kept; the way back runs each block again
    (Griewank & Walther, Evaluating Derivatives (2008), ch. 12, with two levels).

    Examples
    --------
    >>> jax.grad(lambda x: checkpointed_scan(lambda y, i: y * x, jnp.float32(1.0), 5))(jnp.float32(2.0)).item()
    80.0
    """
    block = block_length(number)
    whole = number // block

    def one(carry: Any, index: Any) -> tuple[Any, None]:
        return step(carry, index), None

    @jax.checkpoint
    def run(carry: Any, indices: Any) -> Any:
        return lax.scan(one, carry, indices)[0]

    indices = np.arange(number, dtype=np.int32)
    blocks = jnp.asarray(indices[: whole * block].reshape(whole, block))
    carry, _ = lax.scan(lambda here, part: (run(here, part), None), first, blocks)
    return run(carry, jnp.asarray(indices[whole * block :])) if whole * block < number else carry


def block_length(number: int) -> int:
    """Return a length of blocks near the root of `number`; one that divides it, so that one program serves all blocks.

    Examples
    --------
    >>> block_length(504), block_length(512), block_length(503)
    (21, 16, 22)
    """
    root = number**0.5
    near = [n for n in range(max(1, int(root / 2)), int(2 * root) + 1) if number % n == 0]
    return min(near, key=lambda n: abs(n - root)) if near else max(1, round(root))
