"""End a leap: by the clock of the exact reactions, a save time, a dose or the edge of a cell."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float64, Int32

from jaxsim.kernels.draws import choice_uniform, choose, resolved, running_sums, waiting_threshold
from jaxsim.kernels.exact.thinning import accept, in_last_cell
from jaxsim.kernels.leaping.leap import Present
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import FAULT, NEGATIVE, NONE, Inputs, Lanes

# Expected events below which an exact event serves better than a leap. Both cost one iteration of all lanes, so this
# is lower than the 10 of Cao et al. 2006; 3, 10 and 20 were timed on Schlogl, Lotka-Volterra and birth-death.
_FEW = 3.0


def pays(size: Array, exact: Array, a0: Array) -> Any:
    """Return the lanes in which a leap is expected to hold enough events.

    `size` is the longest leap allowed, which one of the exact reactions, of total propensity `exact`, ends early.
    """
    return a0 >= (1 / size + exact) * a0.dtype.type(_FEW)


def steps_resolved(lanes: Lanes, here: Present, size: Array, slow: Array, exact: Array) -> Any:
    """Return the lanes in which the clock tells steps apart: leaps that reactions of propensity `slow` end, or events.

    `exact` are the lanes in which every event is a step.
    """
    return resolved(jnp.where(exact, here.a0, 1 / size + slow), lanes.t)


def leap_end(
    program: Program, inputs: Inputs, lanes: Lanes, here: Present, size: Array, exact: list[Any]
) -> tuple[Any, Any]:
    """Return when the leap ends, and what is pending then: an exact reaction, the next cell, or nothing.

    The clock of the exact reactions runs at the bounds of their rates; `accept` thins it.
    """
    real, carry = program.real, lanes.carried
    rates = program.rates
    sums = running_sums([jnp.where(e, rate, np.zeros((), real)) for e, rate in zip(exact, here.upper, strict=True)])
    clock = waiting_threshold(lanes.bits) / sums[-1]
    leap = size.astype(jnp.float64)
    edge = inputs.timeline.edges[carry.cell + np.int32(1)]
    boundary = jnp.minimum(edge, next_save(program, inputs, lanes))
    proposed = lanes.t + jnp.minimum(leap, clock)
    inside = proposed < boundary
    t = jnp.where(inside, proposed, boundary)

    threshold = choice_uniform(lanes.bits) * sums[-1]
    fired = accept(program, inputs, rates, here.state, carry.cell, t, threshold, sums, here.upper)
    enters = (boundary == edge) & ~in_last_cell(inputs, carry.cell)
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


# When the next exact reaction fires while others are leaped over: their propensity integrated along the leap.
#
# The next jump comes when the integral of the total propensity a of the exact reactions reaches an exponential of mean
# 1. What is left of that threshold is carried from leap to leap, so that neither a long wait over many leaps nor a
# change of a on the way is lost. Within a leap a goes linearly from its value at the start to that at the state
# expected at the end, which needs no look at the noise of the leap: the leap can end at the jump before its firings are
# drawn.
#
# Sources: Haseltine & Rawlings, J. Chem. Phys. 117 (2002) 6959, and Salis & Kaznessis, J. Chem. Phys. 122 (2005)
# 054103, who follow the same integral along trajectories of the fast reactions.


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
