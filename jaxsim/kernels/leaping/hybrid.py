"""The hybrid method: jumps of small populations and of rare reactions one by one, leaps over all others.

In every iteration each lane divides its reactions anew (`partition.py`). The leap is chosen as in tau-leaping, for the
reactions that it holds, and ended by the next jump of the others, whose propensity is followed along the leap
(`hazard.py`) between its start and its end. What is leaped over has Poisson firings in two stages, which for large
means is the Langevin limit in whole molecules; fast reversible reactions that balance are passed over by implicit
leaps (`hybrid_leap.py`), which keep their mean and damp their variance. Where leaping does not pay, all reactions are
exact.

Sources: Haseltine & Rawlings, J. Chem. Phys. 117 (2002) 6959; Salis & Kaznessis, J. Chem. Phys. 122 (2005) 054103;
Cao, Gillespie & Petzold, J. Chem. Phys. 124 (2006) 044109 for the length of the leaps.
"""

from functools import lru_cache, partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int32

from jaxsim.kernels.context import Context
from jaxsim.kernels.draws import choice_uniform, waiting_threshold
from jaxsim.kernels.leaping.allowed import allowed_size
from jaxsim.kernels.leaping.end import expected, leap_end, next_jump, pays, steps_resolved
from jaxsim.kernels.leaping.leap import (
    Leap,
    LeapPlan,
    Present,
    all_rates,
    computed_once,
    leap_rates,
    make_leap,
    moved,
    state_at,
)
from jaxsim.kernels.leaping.size import unresolved
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import TOO_FINE, HybridCarry, Inputs, Lanes
from jaxsim.network import Expression, Structure, names

# The partition of the hybrid method: which reactions are leaped over at present, and which fire one by one.
#
# A reaction is leaped over while it changes large populations only and fires often; any other is exact. Both bounds
# have a hysteresis, so that a count which fluctuates about one of them does not change the treatment at every step.
#
# Source: Salis & Kaznessis, J. Chem. Phys. 122 (2005) 054103, whose two conditions these are. They fix how often a
# reaction has to fire; here that bound follows from the leap, so that rare reactions never end most leaps.

LARGE_COUNT = (
    100  # molecules, per molecule that the reaction changes, from which on it may be leaped over (the paper's value)
)
_SMALL = 50  # below which it is exact again
_RARE = 1.0  # firings of all rare reactions together that are expected in a leap
_OFTEN = 2.0  # times RARE, from which on a reaction is no longer rare


def watched(program: Program) -> tuple[Expression, ...]:
    """Return the conditions on the state that the request looks at."""
    return tuple(condition for _, condition in program.passages)


@lru_cache(maxsize=256)
def felt_changes(structure: Structure, conditions: tuple[Expression, ...]) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Return for each reaction the species whose small counts matter, with the size of the change of each.

    A species that nothing reads, neither a rate nor an effect, a trigger or a passage, is a mere record: leaping over
    its changes does no harm, however small it is.
    """
    read = [*(reaction.rate for reaction in structure.reactions), *conditions]
    for actor in structure.reactions:
        read += [value for _, value in actor.effects]
    for event in structure.events:
        read += [event.trigger, *(value for _, value in event.set)]
    felt = frozenset().union(*map(names, read)) if read else frozenset()
    index = {name: s for s, name in enumerate(structure.species)}
    return tuple(
        tuple((index[name], abs(change)) for name, change in reaction.changes.items() if change and name in felt)
        for reaction in structure.reactions
    )


def is_large(
    structure: Structure,
    conditions: tuple[Expression, ...],
    x: tuple[Int32[Array, " L"], ...],
    fast: Bool[Array, "R L"],
) -> Bool[Array, "R L"]:
    """Return the reactions that change large populations only, given those that were leaped over last.

    A reaction with an effect, which is no fixed change, never is one of them.
    """
    result = []
    for r, (reaction, changes) in enumerate(zip(structure.reactions, felt_changes(structure, conditions), strict=True)):
        large = jnp.full(x[0].shape, not reaction.effects)
        for s, change in changes:
            least = jnp.where(fast[r], np.int32(_SMALL * change), np.int32(LARGE_COUNT * change))
            large = large & (x[s] >= least)
        result.append(large)
    return jnp.stack(result)


def fires_often(a: Float[Array, "R L"], size: Float[Array, " L"], fast: Bool[Array, "R L"]) -> Bool[Array, "R L"]:
    """Return the reactions that are not rare over a leap of this size.

    Below the bound all rare reactions together are expected to end fewer than every second leap.
    """
    share = a.dtype.type(_RARE / a.shape[0])
    least = jnp.where(fast, share, share * a.dtype.type(_OFTEN))
    return a * size[None, :] >= least


TREATMENTS = ("leap", "implicit leap")  # beside "exact"


def hybrid_plan(
    program: Program, inputs: Inputs, given: Context, lanes: Lanes, here: Present, stays: Array
) -> LeapPlan:
    """Divide the reactions, choose the leap, and find the jump that ends it."""
    carry = lanes.carried
    hybrid, a, zero = carry.treated, jnp.stack(here.a), np.zeros((), program.real)
    large = is_large(program.structure, watched(program), lanes.x, hybrid.fast)
    small = list(~large)
    # Once, because everything below depends on it; lanes that stay do not use it.
    plain = carry._replace(hybrid=None)
    size, stiff = computed_once(jnp.any(~stays), partial(allowed_size, program), inputs, given, plain, here, small)
    fast = large & fires_often(a, size, hybrid.fast)
    slow_rates = jnp.where(fast, zero, a)
    slow = jnp.sum(slow_rates, axis=0)
    exact = ~pays(size, slow, here.a0)
    for lanes_of in unresolved(program, here.state, given, inputs, carry.cell, here.a0).values():
        exact = exact | lanes_of
    t, code = leap_end(program, inputs, lanes, here, jnp.where(exact, jnp.inf, size), [exact] * len(here.a))

    leap = make_leap(lanes, here, fast & ~exact[None, :], stiff, t, stays)
    last = computed_once(leap.any, partial(_propensities_at_end, program), inputs, given, leap, here, t)
    last = jnp.where(fast | stiff[None, :], slow_rates, last)
    threshold = jnp.where(hybrid.threshold > 0, hybrid.threshold, waiting_threshold(lanes.bits))
    span = jnp.where(exact | stays, np.float64(0.0), t - lanes.t)
    jump = next_jump(threshold, choice_uniform(lanes.bits), span, slow_rates, last)
    t = jnp.where(jump.fires, lanes.t + jump.part * span, t)
    code = jnp.where(jump.fires, jump.code, code)
    code = jnp.where(steps_resolved(lanes, here, size, slow, exact), code, TOO_FINE)
    leap = leap._replace(size=leap.size * jump.part.astype(leap.size.dtype))
    left = jnp.where(exact, hybrid.threshold, jump.left)
    return LeapPlan(leap, t, code, here.good, HybridCarry(fast, left, _time_leaped(hybrid, leap, t - lanes.t)))


def _propensities_at_end(
    program: Program, inputs: Inputs, given: Context, leap: Leap, here: Present, t: Array
) -> Float[Array, "R L"]:
    """Return the propensities at the end of the leap, where its reactions are expected to bring the counts."""
    zero = np.zeros((), here.a0.dtype)
    firings = jnp.where(leap.leaping, jnp.stack(here.a), zero) * leap.size[None, :]
    half_way = expected(moved(program, here.x, firings * firings.dtype.type(0.5)))
    firings = leap_rates(program, inputs, given, leap, half_way) * leap.size[None, :]
    x = expected(moved(program, here.x, firings))
    return jnp.maximum(jnp.stack(all_rates(program, state_at(program, inputs, given, x, leap.cell, t))), zero)


def _time_leaped(hybrid: HybridCarry, leap: Leap, span: Array) -> Any:
    """Add the length of the leap to the time over which each reaction has been leaped over, by kind of leap."""
    spent = jnp.where(leap.leaping & (leap.size > 0)[None, :], span[None, :], np.float64(0.0))
    implicit = leap.stiff[None, :]
    return hybrid.leaped + jnp.stack([jnp.where(implicit, 0.0, spent), jnp.where(implicit, spent, 0.0)])
