"""What ends a leap: the clock of the exact reactions, a save time, a dose or the edge of a cell."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.codes import FAULT, NEGATIVE, NONE
from jaxsim.kernels.present import Present
from jaxsim.kernels.program import Program
from jaxsim.kernels.randomness import choice_uniform, waiting_threshold
from jaxsim.kernels.selection import resolved, running_sums
from jaxsim.kernels.state import Inputs, Lanes
from jaxsim.kernels.thinning import accept, in_last_cell

# Expected events below which an exact event serves better than a leap. Both cost one iteration of all lanes, so this
# is lower than the 10 of Cao et al. 2006; 3, 10 and 20 were timed on Schlogl, Lotka-Volterra and birth-death.
FEW = 3.0


def pays(size: Any, exact: Any, a0: Any) -> Any:
    """Return the lanes in which a leap is expected to hold enough events.

    `size` is the longest leap allowed, which one of the exact reactions, of total propensity `exact`, ends early.
    """
    return a0 >= (1 / size + exact) * a0.dtype.type(FEW)


def steps_resolved(lanes: Lanes, here: Present, size: Any, slow: Any, exact: Any) -> Any:
    """Return the lanes in which the clock tells steps apart: leaps that reactions of propensity `slow` end, or events.

    `exact` are the lanes in which every event is a step.
    """
    return resolved(jnp.where(exact, here.a0, 1 / size + slow), lanes.t)


def leap_end(
    program: Program, inputs: Inputs, lanes: Lanes, here: Present, size: Any, exact: list[Any]
) -> tuple[Any, Any]:
    """Return when the leap ends, and what is pending then: an exact reaction, the next cell, or nothing.

    The clock of the exact reactions runs at the bounds of their rates; `accept` thins it.
    """
    real, general = program.real, lanes.general
    assert general is not None
    rates = program.rates
    sums = running_sums([jnp.where(e, rate, np.zeros((), real)) for e, rate in zip(exact, here.upper, strict=True)])
    clock = waiting_threshold(lanes.bits) / sums[-1]
    leap = size.astype(jnp.float64)
    edge = inputs.timeline.edges[general.cell + np.int32(1)]
    boundary = jnp.minimum(edge, next_save(program, inputs, lanes))
    proposed = lanes.t + jnp.minimum(leap, clock)
    inside = proposed < boundary
    t = jnp.where(inside, proposed, boundary)

    threshold = choice_uniform(lanes.bits) * sums[-1]
    fired = accept(program, inputs, rates, here.state, general.cell, t, threshold, sums, here.upper)
    enters = (boundary == edge) & ~in_last_cell(inputs, general.cell)
    code = jnp.where(inside, jnp.where(clock <= leap, fired, NONE), jnp.where(enters, np.int32(program.entry), NONE))
    code = jnp.where(fired < FAULT, fired, code)  # a rate out of its range, whether or not it fires
    for r in rates.varying:
        code = jnp.where(here.a[r] < 0, NEGATIVE, code)
    return t, code


def next_save(program: Program, inputs: Inputs, lanes: Lanes) -> Any:
    """Return the first save time after the present."""
    if lanes.row is None:
        return inputs.times[-1]
    last = np.int32(program.times - 1)
    here = inputs.times[jnp.minimum(lanes.row, last)]
    return jnp.where(here > lanes.t, here, inputs.times[jnp.minimum(lanes.row + np.int32(1), last)])
