"""Forecast the cost of leaping along a course of counts, in parts of what exact events cost."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.kernels.context import Context
from jaxsim.kernels.leaping.allowed import allowed_size
from jaxsim.kernels.leaping.end import pays
from jaxsim.kernels.leaping.hybrid import LARGE_COUNT, felt_changes, fires_often, is_large, watched
from jaxsim.kernels.leaping.leap import Present, present_at
from jaxsim.kernels.leaping.size import critical_reactions
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import CellCarry, Inputs
from jaxsim.kernels.stepper import leap_method


class Forecast(NamedTuple):
    """Sums over equally spaced points; only their ratios mean something."""

    events: float
    iterations: float
    """Of the event loop, when leaping."""
    exact_cost: float
    leap_cost: float
    multiple: float
    """Cost of an iteration with a leap, in exact events."""
    small: dict[str, float]
    """For each species whose small counts matter, the share of points at which it is small while it may change."""


def exact_cost(program: Program, cells: bool) -> float:
    """Return about what an exact event costs, in ns of one core; measured on the networks of the benchmarks."""
    reactions = len(program.structure.reactions)
    return 3.0 + 0.9 * reactions + (30.0 + 2.0 * reactions if cells else 0.0)


def leap_cost(program: Program, cells: bool) -> float:
    """Return about what an iteration with a leap in two stages costs, in ns of one core."""
    reactions = len(program.structure.reactions)
    return 30.0 + 30.0 * reactions + (40.0 + 4.0 * reactions if cells else 0.0)


def forecast(
    program: Program, inputs: Inputs, given: Context, t: np.ndarray, cell: np.ndarray, x: np.ndarray
) -> Forecast:
    """Forecast events and leaps at points of time t [K] in cells [K] with counts x [K, S].

    An iteration holds a leap, which an exact reaction may end early, or where that does not pay an exact event.
    """
    a, iterations = (np.asarray(found, np.float64) for found in _course(program, inputs, given, t, cell, x))
    cells = bool(program.dosed or given.bounds or inputs.timeline.base.shape[0] > 1)
    one, many = exact_cost(program, cells), leap_cost(program, cells)
    events, number = float(a.sum()), float(iterations.sum())
    return Forecast(events, number, events * one, number * many, many / one, _small(program, x, a))


@partial(jax.jit, static_argnums=0)
def _course(program: Program, inputs: Inputs, given: Context, t: Array, cell: Array, x: Array) -> tuple[Any, Any]:
    """Return the propensities [R, K], and the iterations per unit time when leaping [K]."""
    whole = tuple(jnp.round(jnp.minimum(value, np.float64(2.0**31 - 1))).astype(jnp.int32) for value in x.T)
    here = present_at(program, inputs, given, [value.astype(program.real) for value in x.T], cell, t)
    # Mass action between whole counts may be below 0, where fewer molecules are left than it takes.
    a = jnp.maximum(jnp.stack(here.a), jnp.zeros((), program.real))
    a0 = jnp.sum(a, axis=0)
    size, slow = _leap(program, inputs, given, here._replace(a=list(a), a0=a0), whole, cell)
    return a, jnp.where(pays(size, slow, a0), 1 / size + slow, a0)


def _leap(
    program: Program, inputs: Inputs, given: Context, here: Present, x: tuple[Any, ...], cell: Array
) -> tuple[Any, Any]:
    """Return the longest leap, and the propensity of what may end it early."""
    a = jnp.stack(here.a)
    zero, word = jnp.zeros_like(a[0]), jnp.zeros(a[0].shape, jnp.uint32)
    carry = CellCarry(cell, word, word, word, None, jnp.full_like(zero, jnp.inf))
    none = jnp.zeros(a.shape, bool)
    if leap_method(program).hybrid:
        exact = ~is_large(program.structure, watched(program), x, none)
    else:
        exact = jnp.stack(critical_reactions(program.structure, x))
    size = allowed_size(program, inputs, given, carry, here, list(exact))[0]
    if leap_method(program).hybrid:
        exact = exact | ~fires_often(a, size, none)
    return size, jnp.sum(jnp.where(exact, a, zero[None, :]), axis=0)


def _small(program: Program, x: np.ndarray, a: np.ndarray) -> dict[str, float]:
    """Return how much of the time each species is small while a reaction that changes it may fire."""
    felt = felt_changes(program.structure, watched(program))
    shares: dict[str, float] = {}
    for s, name in enumerate(program.structure.species):
        changing = [r for r, changes in enumerate(felt) if s in dict(changes)]
        if changing:
            shares[name] = float(np.mean((x[:, s] < LARGE_COUNT) & np.any(a[changing] > 0, axis=0)))
    return shares
