"""Limit leaps beside a kink or a threshold of a rate.

A rate such as ``k*max(0, X - 1060)`` or ``if(X > 10, k, 0)`` shows nothing of what it is on the other side of its line:
neither its size nor its order there. So a leap has to end before the state is likely to cross a line. A guard g of the
state (`network/moments.py`) moves over a leap tau by its drift m tau, and in standard deviation by the root of v tau,
both from the leaping reactions; the leap is the longest over which the drift and `_REACH` standard deviations stay
within its distance from the line. Near the line nothing but exact events is short enough.

A line may be crossed where that changes the rate by less than the tolerance: where ``min(X, Y)`` has both large and
almost equal, the kink matters as little as the difference.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsim.kernels.moments import branches
from jaxsim.kernels.rates import plan_rates
from jaxsim.network import Structure, bounds, evaluate, names
from jaxsim.network.moments import Smooth, TimeSwitch, smooth

_REACH = 3.0  # standard deviations of a guard over a leap, that do not reach its line
FAR = 5.0  # standard deviations away, from which on a line is hardly ever crossed


class Kinks(NamedTuple):
    """What jumps or bends with the state."""

    rates: Smooth
    """Propensities with the switches taken out."""
    readers: tuple[tuple[int, ...], ...]
    """Reactions that read each switch, itself or through others."""


class KinkSizes(NamedTuple):
    """The longest leaps beside kinks and thresholds."""

    leap: Any
    """That reach no line, but one that may be crossed."""
    line: Any
    """Of these, those that a line ends which may not be crossed."""


@lru_cache(maxsize=256)
def plan_kinks(structure: Structure, sampled: tuple[str, ...]) -> Kinks:
    """Find the kinks and thresholds of all propensities."""
    plan, species = plan_rates(structure, sampled), frozenset(structure.species)
    rates = [
        plan.expressions[r] if r in plan.varying else reaction.rate for r, reaction in enumerate(structure.reactions)
    ]
    found = smooth(rates, species, frozenset[str]().union(*map(names, rates)) - species)
    reads = [set(names(rate)) for rate in found.expressions]
    for one in reversed(found.switches):
        for known in reads:
            if one.name in known:
                known |= names(one.value)
    return Kinks(found, tuple(tuple(r for r, known in enumerate(reads) if one.name in known) for one in found.switches))


def kink_size(
    structure: Structure,
    sampled: tuple[str, ...],
    state: Mapping[str, Any],
    boxes: Mapping[str, tuple[Any, Any]],
    leaping: list[Any],
    tolerance: Array,
) -> KinkSizes:
    """Return the longest leaps that are not expected to reach a kink or threshold; infinite where there is none.

    Parameters
    ----------
    structure, sampled
        Of the program.
    state
        All that rates read, by name, [L] or numbers.
    boxes
        Bounds over the present cell of what varies with the time.
    leaping
        Propensities of the reactions that are leaped over, 0 for the others.
    tolerance
        Part of a rate by which it may be off.
    """
    plan = plan_kinks(structure, sampled)
    size = jnp.full_like(leaping[0], jnp.inf)
    sizes = KinkSizes(size, size)
    real = leaping[0].dtype
    held = {name: value.astype(real) for name, value in branches(plan.rates.switches, state).items()}
    for one, readers in zip(plan.rates.switches, plan.readers, strict=True):
        env = {**state, **held}
        slopes = _slopes(structure, one, env, size)
        mean, variance = _motion(structure, slopes, leaping)
        away = _distance(one, env, boxes, size)
        room = _room(plan, one, readers, _off_the_line(env, slopes, away), away, tolerance)
        spread = jnp.sqrt(variance) * real.type(_REACH)
        root = (room + room) / (
            spread + jnp.sqrt(variance * real.type(_REACH**2) + jnp.abs(mean) * room * real.type(4))
        )
        leap = jnp.where((variance > 0) | (mean != 0), root * root, jnp.inf)
        line = jnp.where(room > away, jnp.inf, leap)
        sizes = KinkSizes(jnp.minimum(sizes.leap, leap), jnp.minimum(sizes.line, line))
    return sizes


def spread_weight(size: Array, relaxation: Array) -> Float[Array, " L"]:
    """Return how much more an error of the spread matters where a line is within reach of the fluctuations.

    A Gaussian variable passes a line z standard deviations away for a part of the time that changes by a part z**2 + 1
    of itself when the deviation changes by one, and is beyond it on average by what changes by up to z**2 + 2. With
    relaxation time T its variance is v T/2, so a leap of `size` next to a line has z**2 = 2 REACH**2 size / T. Twice
    that leaves half of the tolerance to all else.
    """
    z2 = size / relaxation * size.dtype.type(2 * _REACH**2)
    return jnp.where(z2 < size.dtype.type(FAR**2), z2 + z2 + size.dtype.type(4), size.dtype.type(1))


def _slopes(structure: Structure, one: TimeSwitch, env: Mapping[str, Any], like: Array) -> dict[str, Any]:
    """Return the derivative of a guard with respect to each species that it reads."""
    slopes = {}
    for name in structure.species:
        if name in names(one.guard):

            def guard(value: Array, name: str = name) -> Any:
                found = jnp.asarray(evaluate(one.guard, {**env, name: value})).astype(like.dtype)
                return jnp.broadcast_to(found, like.shape)

            slopes[name] = jax.jvp(guard, (env[name],), (jnp.ones_like(env[name]),))[1]
    return slopes


def _motion(structure: Structure, slopes: dict[str, Any], leaping: list[Any]) -> tuple[Any, Any]:
    """Return the drift of a guard, and the variance that it gains, per unit time."""
    like = leaping[0]
    mean, variance = jnp.zeros_like(like), jnp.zeros_like(like)
    for reaction, rate in zip(structure.reactions, leaping, strict=True):
        moves = [slopes[name] * like.dtype.type(by) for name, by in reaction.changes.items() if by and name in slopes]
        if moves:
            move = sum(moves[1:], moves[0])
            mean, variance = mean + rate * move, variance + rate * move * move
    return mean, variance


def _distance(one: TimeSwitch, env: Mapping[str, Any], boxes: Mapping[str, tuple[Any, Any]], like: Array) -> Any:
    """Return how far a guard is from its line, wherever the time stands in the cell; 0 where it is on it."""
    known = {name: (value, value) for name, value in env.items()}
    known |= {name: box for name, box in boxes.items() if name in names(one.guard)}
    low, high = (jnp.broadcast_to(jnp.asarray(end).astype(like.dtype), like.shape) for end in bounds(one.guard, known))
    if one.stepped:
        same = jnp.floor(low) == jnp.floor(high)
        return jnp.where(same, jnp.minimum(low - jnp.floor(low), jnp.floor(high) + like.dtype.type(1) - high), 0)
    return jnp.maximum(jnp.maximum(low, -high), np.zeros((), like.dtype))


def _off_the_line(env: Mapping[str, Any], slopes: dict[str, Any], away: Array) -> dict[str, Any]:
    """Return what rates read with each species moved by a molecule where a guard is nearer to its line than that.

    On the line itself both branches of a kink agree, and do not show how they part.
    """
    near = away < sum((jnp.abs(slope) for slope in slopes.values()), jnp.zeros_like(away))
    return {**env, **{name: env[name] + jnp.where(near, jnp.sign(slope), 0) for name, slope in slopes.items()}}


def _room(
    plan: Kinks, one: TimeSwitch, readers: tuple[int, ...], env: Mapping[str, Any], away: Array, tolerance: Array
) -> Any:
    """Return how far a guard may move: up to its line, or beyond where that changes no rate by much.

    The change on crossing is that of the other branch here, and grows with the distance beyond.
    """
    here, guard = env[one.name], jnp.abs(jnp.asarray(evaluate(one.guard, env)).astype(away.dtype))
    others = (here - 1, here + 1) if one.stepped else (1 - here,)
    room = jnp.full_like(away, jnp.inf)
    for r in readers:
        rate = plan.rates.expressions[r]
        a = jnp.broadcast_to(jnp.asarray(evaluate(rate, env)).astype(away.dtype), away.shape)
        for other in others:
            crossed = jnp.asarray(evaluate(rate, {**env, one.name: other})).astype(away.dtype)
            change = jnp.abs(crossed - a)
            unit = jnp.ones_like(away) if one.stepped else guard
            beyond = jnp.where(change > 0, unit * tolerance * jnp.abs(a) / jnp.where(change > 0, change, 1), away)
            room = jnp.minimum(room, jnp.maximum(away, beyond))
    return room
