"""The covariance along a known mean: exponential steps, exact where the Jacobian and the noise do not change.

The Lyapunov equation dC/dt = J C + C J' + D has as many unknowns as pairs of species, and is as stiff as the rate
equations: an implicit solver would factor matrices of the size of all pairs. But it is linear. With J and D of a
step's middle (the Magnus series cut after its first term, of order two: Iserles, Munthe-Kaas, Norsett & Zanna, Acta
Numer. 9 (2000) 215) a step is C -> F C F' + Q with F = exp(J h), and F and Q of a step follow from those of half of
it: F -> F F, Q -> Q + F Q F'. So they are summed as series for h / 2**k and doubled k times, which is stable for
any stiffness and adds only what is positive. One step against two halves gives the error, their extrapolation the
result.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

_TERMS = 12  # of the series; the remainder is below 1e-13 for a norm of at most 1/4
SMALL_NORM = 0.25
_LONGEST = 0.25  # of the way between two points
LOOKS = (0.25, 0.5, 0.75)  # parts of a step at which J and D are read
_MOST_STEPS = 100_000


class _Progress(NamedTuple):
    """The carry of the steps."""

    reached: Any
    """Part of the way, from 0 to 1."""
    step: Any
    covariance: Any
    tries: Any


def transport(jacobian: Array, noise: Array, step: ArrayLike) -> tuple[Any, Any]:
    """Return F = exp(J h) and Q, the covariance that a step of length h adds, both [S, S].

    Examples
    --------
    >>> one = np.ones((1, 1), np.float32)
    >>> [round(float(part[0, 0]), 4) for part in transport(jnp.asarray(-3 * one), jnp.asarray(one), np.float32(2.0))]
    [0.0025, 0.1667]
    """
    size = jnp.max(jnp.sum(jnp.abs(jacobian), axis=1)) * step
    doublings = jnp.clip(jnp.ceil(jnp.log2(jnp.maximum(size, 1e-30) / SMALL_NORM)), 0, 200)
    doublings = jnp.where(jnp.isfinite(size), doublings, 0).astype(jnp.int32)
    part = step / jnp.exp2(doublings.astype(jacobian.dtype))
    j, moved = jacobian * part, jnp.eye(jacobian.shape[0], dtype=jacobian.dtype)
    power, gain = moved, noise * part
    added = gain
    for n in range(1, _TERMS):
        power, gain = power @ j / n, (j @ gain + gain @ j.T) / (n + 1)
        moved, added = moved + power, added + gain

    def double(_: Array, pair: tuple[Any, Any]) -> tuple[Any, Any]:
        f, q = pair
        return f @ f, q + f @ q @ f.T

    return lax.fori_loop(np.int32(0), doublings, double, (moved, added))


def advance_covariance(
    coefficients: Callable[[Any], tuple[Any, Any]],
    overlooks: Callable[[Any, Any], Any],
    covariance: Array,
    relative: Array,
    absolute: Array,
) -> tuple[Any, Any]:
    """Return the covariance at the end of the way, and whether it was reached.

    `coefficients` gives J and D at a part of the way, per whole way, and `overlooks` whether a step from one part to
    another could pass over a peak of them that is not seen at `LOOKS`. The error of a step is of order three
    and that of the extrapolated result of order five: it is held to `relative` by holding the former to its power 3/5.
    Where stiff networks vary in time the orders are less, and an error of that power (1e-5 for 1e-8) may remain.
    """
    tolerance = relative**0.6

    def moved(start: Array, step: Array, before: Array) -> Any:
        f, q = transport(*coefficients(start + 0.5 * step), step)
        return f @ before @ f.T + q

    def unfinished(here: _Progress) -> Any:
        return (here.reached < 1.0) & (here.tries < _MOST_STEPS)

    def attempt(here: _Progress) -> _Progress:
        step = jnp.minimum(here.step, 1.0 - here.reached)
        once = moved(here.reached, step, here.covariance)
        middle = moved(here.reached, 0.5 * step, here.covariance)
        twice = moved(here.reached + 0.5 * step, 0.5 * step, middle)
        width = jnp.sqrt(jnp.maximum(jnp.maximum(jnp.diagonal(here.covariance), jnp.diagonal(twice)), 0.0))
        allowed = absolute + tolerance * width[:, None] * width[None, :]
        error = jnp.max(jnp.abs(twice - once) / (3.0 * allowed))
        error = jnp.where(overlooks(here.reached, here.reached + step), jnp.inf, error)
        accepted = error <= 1.0
        factor = jnp.clip(0.9 * jnp.maximum(error, 1e-12) ** (-1.0 / 3.0), 0.2, 5.0)
        factor = jnp.where(jnp.isfinite(error), factor, 0.2)
        ahead = jnp.where(step < 1.0 - here.reached, here.reached + step, 1.0)
        return _Progress(
            jnp.where(accepted, ahead, here.reached),
            jnp.minimum(step * factor, _LONGEST),
            jnp.where(accepted, twice + (twice - once) / 3.0, here.covariance),
            here.tries + 1,
        )

    zero = jnp.zeros((), jnp.float64)
    start = _Progress(zero, zero + _LONGEST, covariance, jnp.zeros((), jnp.int32))
    end = lax.while_loop(unfinished, attempt, start)
    return end.covariance, end.reached >= 1.0
