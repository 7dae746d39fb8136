"""64-bit types for our own programs, whatever the user's global setting."""

from typing import Any

import jax


def double_precision() -> Any:
    """Return a context in which 64-bit types exist; the clock and the exact sums need them."""
    return jax.enable_x64(True)
