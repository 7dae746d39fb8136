"""How long a leap may be while rates vary in time."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxsim.kernels.context import Context
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import Rates, plan_rates
from jaxsim.kernels.state import Inputs
from jaxsim.network import Structure, bounds, names, names_of_time
from jaxsim.network.moments import smooth

FINEST = 16.0  # leaps into which the bounds may cut one cell
UNRESOLVED = 0.5  # of its largest value, by which a rate with moments of its own may vary in a cell that is leaped over
FEW = 0.01  # firings that a cell may leave unresolved


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
    width = _width(inputs, cell, size)
    for r in rates.varying:
        low, high = _bounds_in_cell(rates, r, state, given, cell, size)
        part = jnp.sqrt(tolerance) * high / (high - low)
        limit = width * jnp.maximum(part, np.asarray(1 / FINEST, size.dtype))
        size = jnp.where(high > low, jnp.minimum(size, limit), size)
    return size


def unresolved(
    program: Program, state: Mapping[str, Any], given: Context, inputs: Inputs, cell: Any, like: Any
) -> dict[int, Bool[Array, " L"]]:
    """Return the lanes in which leaps do not follow a rate through its cell, for each reaction that may be one.

    Cells end where a rate jumps or bends, and resolve what varies, as far as trajectories share the numbers. Where
    parameters that each trajectory draws decide on the moment, the reaction has to be exact in the cell that holds it.
    """
    rates = plan_rates(program.structure, program.sampled_parameters)
    width = _width(inputs, cell, like)
    result = {}
    for r in own_moments(program.structure, program.sampled_parameters):
        low, high = _bounds_in_cell(rates, r, state, given, cell, like)
        varies = high - low > high * high.dtype.type(UNRESOLVED)
        result[r] = varies & ((high - low) * width > high.dtype.type(FEW))
    return result


@lru_cache(maxsize=256)
def own_moments(structure: Structure, sampled: tuple[str, ...]) -> tuple[int, ...]:
    """Return the reactions whose rates may change at moments that differ between trajectories.

    Smooth functions of inputs are not among them: the cells are graded for these.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"A": 9}, ["-> A @ if(t > b, 1, 0)", "A -> , d"], {"b": js.Lognormal(1.0, 0.1), "d": 1.0})
    >>> own_moments(net.structure, ("b",))
    (0,)
    """
    found = []
    for r in plan_rates(structure, sampled).varying:
        rate = structure.reactions[r].rate
        switches = smooth([rate], names_of_time(structure), frozenset(structure.parameters)).switches
        if names(rate) & frozenset(sampled) and ("t" in names(rate) or switches):
            found.append(r)
    return tuple(found)


def _width(inputs: Inputs, cell: Any, like: Any) -> Any:
    return (inputs.timeline.edges[1:] - inputs.timeline.edges[:-1]).astype(like.dtype)[cell]


def _bounds_in_cell(
    rates: Rates, r: int, state: Mapping[str, Any], given: Context, cell: Any, like: Any
) -> tuple[Any, Any]:
    """Return lower and upper bound of a propensity over the present cell, at the present counts."""
    boxes = {name: (value, value) for name, value in state.items()}
    boxes |= {name: (low[cell], high[cell]) for name, (low, high) in given.bounds.items()}
    low, high = (
        jnp.broadcast_to(jnp.asarray(end).astype(like.dtype), like.shape) for end in bounds(rates.expressions[r], boxes)
    )
    return low, high
