"""When the next exact reaction fires while others are leaped over: their propensity integrated along the leap.

The next jump comes when the integral of the total propensity a of the exact reactions reaches an exponential of mean
1. What is left of that threshold is carried from leap to leap, so that neither a long wait over many leaps nor a
change of a on the way is lost. Within a leap a goes linearly from its value at the start to that at the state
expected at the end, which needs no look at the noise of the leap: the leap can end at the jump before its firings are
drawn.

Sources: Haseltine & Rawlings, J. Chem. Phys. 117 (2002) 6959, and Salis & Kaznessis, J. Chem. Phys. 122 (2005)
054103, who follow the same integral along trajectories of the fast reactions.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float64, Int32

from jaxsim.kernels.selection import choose, running_sums


class Jump(NamedTuple):
    """Whether and when an exact reaction ends the leap."""

    fires: Bool[Array, " L"]
    part: Float64[Array, " L"]
    """Part of the leap that is over then; 1 without a jump."""
    code: Int32[Array, " L"]
    """The reaction."""
    left: Float64[Array, " L"]
    """What is left of the threshold; 0 after a jump."""


def next_jump(
    threshold: Float64[Array, " L"],
    u: Float64[Array, " L"],
    span: Float64[Array, " L"],
    first: Float[Array, "R L"],
    last: Float[Array, "R L"],
) -> Jump:
    """Return the first jump within a leap of length `span`, over which the propensities go from `first` to `last`.

    `u` chooses the reaction, by the propensities at the jump.
    """
    start, end = jnp.sum(first, axis=0).astype(jnp.float64), jnp.sum(last, axis=0).astype(jnp.float64)
    half, one, zero = np.float64(0.5), np.float64(1.0), np.float64(0.0)
    integral = half * (start + end) * span
    fires = (span > zero) & (threshold < integral)
    # The smaller root of start*f + (end - start)*f**2/2 = threshold/span, in the form that does not cancel.
    needed = jnp.where(fires, threshold / jnp.where(span > zero, span, one), zero)
    root = jnp.sqrt(jnp.maximum(start * start + np.float64(2.0) * (end - start) * needed, zero))
    part = jnp.where(fires, (needed + needed) / jnp.where(fires, start + root, one), one)
    part = jnp.minimum(part, one)
    at_jump = first + (last - first) * part.astype(first.dtype)[None, :]
    sums = running_sums(list(at_jump))
    return Jump(fires, part, choose(u * sums[-1], sums), jnp.where(fires, zero, threshold - integral))


def expected(x: list[Any]) -> list[Any]:
    """Return expected counts, none below 0."""
    return [jnp.maximum(value, np.zeros((), value.dtype)) for value in x]
