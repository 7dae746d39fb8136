"""Weak trapezoidal leaps: two Poisson stages, the second of which answers to what the first drew.

Source: Anderson & Koyama, Multiscale Model. Simul. 10 (2012) 1493: over a part theta of the leap tau at the rates a(x),
to y, then over the rest at rates that correct for what y did to them. Of second order in mean and variance, it leaves
most of its error to the mean where counts are large. Two things differ here.

The firings expected of the whole leap are those of the rate equations from x, by a Runge-Kutta rule of fourth order;
the second stage adds what the first was off its own mean: tau (a(y) - a(E y)) / (2 theta).

The covariance of a linear network is right to the third order. With J the Jacobian matrix and D(s) the noise at time s,
it grows in a leap by the integral of D(s) (1 + 2 J (tau - s) + 2 (J (tau - s))**2), up to the third power of tau; the
two stages add to that of all firings what the first, of mean theta tau a, gains by the answer of the second, theta tau
D (J tau / theta + (J tau / theta)**2 / 4). The powers of J agree where theta = 3/8, and so does the product of J with
the derivative of D if the first stage has the rates that are expected after a third of the leap.
"""

from functools import partial, reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32

from jaxsim.kernels.context import Context
from jaxsim.kernels.leaping.end import expected
from jaxsim.kernels.leaping.leap import Leap, computed_once, draw_firings, leap_rates, moved, real_counts
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs, Owner

THETA = 3 / 8  # of the leap in the first stage, and node of the second rate of the Runge-Kutta rule
# Kutta's rule of fourth order with nodes at 0, THETA, 1/2 and 1, of which the second has no weight in the sum.
_STATES, SUM = ((THETA,), (1 / 6, 1 / 3), (1 / 3, -4 / 3, 2.0)), (1 / 6, 0.0, 2 / 3, 1 / 6)
EARLY = (THETA - 1 / 3, 1 / 3)  # THETA times the rates after a third of the leap, on the line through the first two


class Expected(NamedTuple):
    """What the rate equations say of a leap, [R, L] each."""

    early: Any
    """Firings of the first stage."""
    late: Any
    """Firings of the second stage."""
    centre: Any
    """Firings that lead to the state at which the answer to the first stage is found; not those of that stage."""
    rates: Any
    """Rates in that state."""
    possible: Any
    """bool [L]: whether no count became negative on the way."""


def trapezoidal_firings(
    program: Program, inputs: Inputs, owner: Owner, given: Context, leap: Leap
) -> Int32[Array, "R L"]:
    """Draw the firings of both stages and return their sums; -1 where the leap is too long for what there is."""

    def second(leap: Leap, path: Expected, firings: Array) -> Float[Array, "R L"]:
        real = path.early.dtype
        y = moved(program, real_counts(program, leap.x), firings.astype(real) - path.early + path.centre)
        off = leap_rates(program, inputs, given, leap, expected(y)) - path.rates
        means = path.late + off * (leap.size * real.type(0.5 / THETA))[None, :]
        return jnp.maximum(means, np.zeros((), real))

    path = computed_once(leap.any, partial(_path, program, inputs, given), leap)
    first = draw_firings(owner, leap.draws, 0, path.early, leap.any)
    means = computed_once(leap.any, second, leap, path, first)
    firings = first + draw_firings(owner, leap.draws, 1, means, leap.any)
    return jnp.where(path.possible[None, :] | (leap.size <= 0)[None, :], firings, np.int32(-1))


def _path(program: Program, inputs: Inputs, given: Context, leap: Leap) -> Expected:
    """Follow the rate equations over the leap."""
    x, tau = real_counts(program, leap.x), leap.size[None, :]
    a, possible = [leap_rates(program, inputs, given, leap, x)], jnp.ones(leap.size.shape, bool)
    way: list[Any] = []  # firings from x to each state
    for weights in _STATES:
        way.append(_sum(a, weights) * tau)
        state = moved(program, x, way[-1])
        possible = reduce(jnp.logical_and, [value >= 0 for value in state], possible)
        a.append(leap_rates(program, inputs, given, leap, expected(state)))
    early = _sum(a[:2], EARLY) * tau
    return Expected(early, _sum(a, SUM) * tau - early, way[0], a[1], possible)


def _sum(a: list[Any], weights: tuple[float, ...]) -> Any:
    """Return the sum of the rates, each times its weight."""
    parts = [rate * rate.dtype.type(weight) for rate, weight in zip(a, weights, strict=True) if weight]
    return sum(parts[1:], parts[0])
