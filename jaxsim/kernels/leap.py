"""A leap that has been decided on: over which time, by which reactions, from which state."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float64, Int32, UInt32

from jaxsim.kernels.context import Context
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import leaves_in_time, propensities
from jaxsim.kernels.state import Inputs, Lanes, Mixed


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


class Plan(NamedTuple):
    """What a lane does next."""

    leap: Leap
    t: Float64[Array, " L"]
    """Time at which the leap or the waiting ends."""
    code: Int32[Array, " L"]
    """What is pending then."""
    good: Bool[Array, " L"]
    mixed: Mixed | None = None
    """What the hybrid method carries on, if the leap is taken."""


def make_leap(lanes: Lanes, here: Any, leaping: Any, stiff: Any, t: Any, stays: Any) -> Leap:
    """Return the leap to time t over the marked reactions; of length 0 where none of them can fire."""
    assert lanes.general is not None
    zero = np.zeros((), here.a0.dtype)
    moves = jnp.any(leaping & (jnp.stack(here.upper) > zero), axis=0)
    span = jnp.where(moves & here.good & ~stays, (t - lanes.t).astype(here.a0.dtype), zero)
    general = lanes.general
    return Leap(lanes.x, lanes.t, span, general.cell, general.draws, leaping, stiff, jnp.any(span > 0))


def real_counts(program: Program, x: tuple[Any, ...]) -> list[Any]:
    """Return the counts in the dtype of propensities."""
    return [value.astype(program.real) for value in x]


def state_at(program: Program, inputs: Inputs, given: Context, x: list[Any], cell: Any, t: Any) -> dict[str, Any]:
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
