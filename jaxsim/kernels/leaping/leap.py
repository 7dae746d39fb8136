"""Leaps: over which time, by which reactions, from which state, and the counts after."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Float64, Int32, UInt32

from jaxsim.kernels.context import Context
from jaxsim.kernels.draws import HALF, faultless
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import largest, leaves_in_time, propensities, propensity_bounds, total
from jaxsim.kernels.state import HybridCarry, Inputs, Lanes, Owner
from jaxsim.network import Structure
from jaxsim.random import poisson, threefry2x32, uniform


class Leap(NamedTuple):
    """What the variants of tau-leaping draw the firings from."""

    x: tuple[Int32[Array, " L"], ...]
    t: Float64[Array, " L"]
    """Time at which it begins."""
    size: Float[Array, " L"]
    """Its length; 0 in lanes that do not leap."""
    cell: Int32[Array, " L"]
    draws: UInt32[Array, " L"]
    leaping: Bool[Array, "R L"]
    """Reactions that are leaped over; the others are critical."""
    stiff: Bool[Array, " L"]
    """Lanes whose leap is too long for an explicit step."""
    any: Bool[Array, ""]
    """Whether any lane leaps."""


class LeapPlan(NamedTuple):
    """What a lane does next."""

    leap: Leap
    t: Float64[Array, " L"]
    """Time at which the leap or the waiting ends."""
    code: Int32[Array, " L"]
    """What is pending then."""
    good: Bool[Array, " L"]
    hybrid: HybridCarry | None = None
    """What the hybrid method carries on, if the leap is taken."""


def make_leap(lanes: Lanes, here: "Present", leaping: Array, stiff: Array, t: Array, stays: Array) -> Leap:
    """Return the leap to time t over the marked reactions; of length 0 where none of them can fire."""
    zero = np.zeros((), here.a0.dtype)
    moves = jnp.any(leaping & (jnp.stack(here.upper) > zero), axis=0)
    span = jnp.where(moves & here.good & ~stays, (t - lanes.t).astype(here.a0.dtype), zero)
    carry = lanes.carried
    return Leap(lanes.x, lanes.t, span, carry.cell, carry.draws, leaping, stiff, jnp.any(span > 0))


def real_counts(program: Program, x: tuple[Any, ...]) -> list[Any]:
    """Return the counts in the dtype of propensities."""
    return [value.astype(program.real) for value in x]


def state_at(program: Program, inputs: Inputs, given: Context, x: list[Any], cell: Array, t: Array) -> dict[str, Any]:
    """Return all that rates read, by name, at counts x (real, maybe between integers) and time t."""
    plan = program.rates
    state = {**given.env, **dict(zip(program.structure.species, x, strict=True))}
    if plan.in_time:
        timeline, shared = inputs.timeline, inputs.parameters
        state |= leaves_in_time(plan, program.structure, state, timeline, cell, t, program.real, shared)
    return state


def all_rates(program: Program, state: dict[str, Any]) -> list[Any]:
    """Return all propensities, [L] each."""
    plan = program.rates
    like = state[program.structure.species[0]]
    return propensities(plan, state, tuple(range(len(program.structure.reactions))), like)


def leap_rates(program: Program, inputs: Inputs, given: Context, leap: Leap, x: list[Any]) -> Float[Array, "R L"]:
    """Return the propensities of the leaping reactions at counts x and halfway through the leap, 0 for the others.

    Rates that vary in time enter by their value at the middle, whose error as a mean is of second order in
    the change that the choice of the leap allows. A rate that an extrapolated state makes negative counts as 0.
    """
    middle = leap.t + np.float64(0.5) * leap.size.astype(jnp.float64)
    a = jnp.stack(all_rates(program, state_at(program, inputs, given, x, leap.cell, middle)))
    return jnp.where(leap.leaping, jnp.maximum(a, np.zeros((), a.dtype)), np.zeros((), a.dtype))


def moved(program: Program, x: list[Any], firings: Float[Array, "R L"]) -> list[Any]:
    """Return real counts after real numbers of firings."""
    result = []
    for name, value in zip(program.structure.species, x, strict=True):
        for r, reaction in enumerate(program.structure.reactions):
            change = reaction.changes.get(name, 0)
            if change:
                value = value + firings[r] * np.asarray(change, value.dtype)
        result.append(value)
    return result


# The present of every lane: counts, what rates read, propensities, and whether all are sound.


class Present(NamedTuple):
    """What a plan is made from."""

    x: list[Float[Array, " L"]]
    """Counts, in the dtype of propensities."""
    state: dict[str, Any]
    """All that rates read, by name."""
    a: list[Float[Array, " L"]]
    """Propensities."""
    upper: list[Float[Array, " L"]]
    """Their bounds over the present cell, where rates vary in time."""
    a0: Float[Array, " L"]
    good: Bool[Array, " L"]
    """Lanes whose counts and rates are in range, and which may go on."""


def present(program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Present:
    """Evaluate all propensities where the lanes stand."""
    carry = lanes.carried
    here = present_at(program, inputs, given, real_counts(program, lanes.x), carry.cell, lanes.t)
    rates = [here.a[r] for r in program.checked_rates]
    good = faultless(lanes.x, rates, here.a0, largest(program.real), True)
    return here._replace(good=good & (carry.draws < inputs.max_events))


def present_at(program: Program, inputs: Inputs, given: Context, x: list[Any], cell: Array, t: Array) -> Present:
    """Evaluate all propensities at real counts [L] each, in cells [L], at times t [L]."""
    state = state_at(program, inputs, given, x, cell, t)
    a = all_rates(program, state)
    leaves = {name: (low[cell], high[cell]) for name, (low, high) in given.bounds.items()}
    rates = program.rates
    upper = propensity_bounds(rates, state, leaves, x[0])
    return Present(x, state, a, upper, total(a)[-1], jnp.ones(x[0].shape, bool))


# How often each reaction fires in a leap: Poisson counts, each by inversion of one uniform.


def computed_once(needed: Bool[Array, ""], make: Callable[..., Any], *given: Any) -> Any:
    """Return make(*given), or zeros where it is not needed, as arrays that every reader finds in memory.

    XLA on the CPU computes anew, inside each of its readers, whatever does not leave a loop or a condition, and
    vectorises neither stacked rows nor a Poisson quantile that it finds fused with what they are made from.
    """
    shapes = jax.eval_shape(make, *given)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return lax.cond(needed, make, lambda *_: zeros, *given)


def draw_firings(
    owner: Owner, draws: UInt32[Array, " L"], stage: int, means: Float[Array, "R L"], needed: Bool[Array, ""]
) -> Int32[Array, "R L"]:
    """Return Poisson counts with these means, which have been computed once.

    The random word is a function of the trajectory's key, its number of draws, the stage within the leap
    and the reaction; the second counter is 0 for the clock of the exact events, so no word serves twice.
    One cipher call serves two reactions.
    """
    number = means.shape[0]
    calls = (number + 1) // 2
    first = np.uint32(1) + jnp.asarray(stage).astype(jnp.uint32) * np.uint32(calls)

    def make_words(owner: Owner, draws: Array, first: Array) -> Any:
        shape = (calls, draws.shape[0])
        position = jnp.broadcast_to((first + jnp.arange(calls, dtype=jnp.uint32))[:, None], shape)
        key0, key1, draw = (jnp.broadcast_to(word[None, :], shape) for word in (owner.key0, owner.key1, draws))
        high, low = threefry2x32(key0, key1, draw, position)
        return (high.astype(jnp.uint64) << HALF) | low.astype(jnp.uint64)

    def invert(words: Array, means: Array) -> tuple[Any, Any]:
        high, low = (words >> HALF).astype(jnp.uint32), words[: number - calls].astype(jnp.uint32)
        return _count(high, means[:calls]), _count(low, means[calls:])

    words = computed_once(needed, make_words, owner, draws, first)
    return jnp.concatenate(computed_once(needed, invert, words, means))


def _count(bits: UInt32[Array, "R L"], means: Float[Array, "R L"]) -> Int32[Array, "R L"]:
    return poisson(uniform(bits), means, uniform(~bits))


def apply_firings(structure: Structure, x: tuple[Any, ...], firings: Int32[Array, "R L"]) -> tuple[Any, ...]:
    """Return the counts after the firings; integer arithmetic, so that conservation laws hold exactly."""
    result = []
    for name, value in zip(structure.species, x, strict=True):
        for r, reaction in enumerate(structure.reactions):
            change = reaction.changes.get(name, 0)
            if change:
                value = value + (firings[r] if change == 1 else firings[r] * np.int32(change))
        result.append(value)
    return tuple(result)
