"""Implicit leaps, for networks in which fast reactions balance and slow ones matter.

Source: Rathinam, Petzold, Cao & Gillespie, J. Chem. Phys. 119 (2003) 12784, eq. 20:

    y = x + sum_r nu_r (P_r - tau a_r(x) + tau a_r(y)),   P_r Poisson with mean tau a_r(x),

solved for y by Newton's method on a dense matrix per lane; then the firings P_r + tau (a_r(y) - a_r(x)) are rounded
to whole numbers, none below 0, and applied, so that counts are whole and conservation laws hold exactly (section
IV there). The variance of what is fast is damped: of a reversible reaction that relaxes at rate lambda, it comes out
as 1 / (1 + lambda tau / 2) of what it should be.

Lanes in which such leaps would not be far longer than explicit ones take explicit ones (`balance.py`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32

from jaxsim.kernels.context import Context
from jaxsim.kernels.leaping.leap import Leap, computed_once, draw_firings, leap_rates, moved, real_counts
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs, Owner
from jaxsim.network import Structure

ITERATIONS = 5  # of Newton's method; it doubles the digits each time and starts within tens of per cent
SETTLED = 0.05  # molecules, and a part 1e-6 of them, that the last iteration may still move


def implicit_firings(program: Program, inputs: Inputs, owner: Owner, given: Context, leap: Leap) -> Int32[Array, "R L"]:
    """Draw the firings; -1 where Newton's method has not settled, so that the leap is halved."""

    def rates(leap: Leap, y: Array | list[Any]) -> Float[Array, "R L"]:
        return leap_rates(program, inputs, given, leap, list(y)) * leap.size[None, :]

    def means(leap: Leap) -> Float[Array, "R L"]:
        return rates(leap, real_counts(program, leap.x))

    def correct(leap: Leap, drawn: Array, before: Array) -> Int32[Array, "R L"]:
        x = jnp.stack(real_counts(program, leap.x))
        noise = drawn.astype(x.dtype) - before

        def newton(_: Array, carry: tuple[Any, Any]) -> tuple[Any, Any]:
            y, _ = carry
            residual = y - jnp.stack(moved(program, list(x), noise + rates(leap, y)))
            change = _solve(_matrix(program, leap, rates, y), residual)
            return y - change, jnp.max(jnp.abs(change) - x.dtype.type(1e-6) * jnp.abs(y), axis=0)

        y, last = lax.fori_loop(0, ITERATIONS, newton, (x, jnp.zeros_like(x[0])))
        firings = jnp.round(jnp.maximum(noise + rates(leap, y), x.dtype.type(0)))
        settled = jnp.where((last < SETTLED)[None, :], firings, x.dtype.type(-1)).astype(jnp.int32)
        return jnp.where(leap.stiff[None, :], settled, drawn)

    before = computed_once(leap.any, means, leap)
    drawn = draw_firings(owner, leap.draws, 0, before, leap.any)
    return computed_once(leap.any, correct, leap, drawn, before)


def _matrix(program: Program, leap: Leap, rates: Callable[..., Any], y: Float[Array, "S L"]) -> Float[Array, "S S L"]:
    """Return d(residual)/dy: 1 - tau sum_r nu_r da_r/dy.

    All columns at once, so that the compiled code does not grow with the square of the network.
    """
    size, zeros = y.shape[0], [jnp.zeros_like(y[0])] * y.shape[0]

    def column(direction: Float[Array, "S L"]) -> Float[Array, "S L"]:
        slope = jax.jvp(lambda at: rates(leap, at), (y,), (direction,))[1]
        return direction - jnp.stack(moved(program, zeros, slope))

    directions = jnp.broadcast_to(jnp.eye(size, dtype=y.dtype)[:, :, None], (size, size, y.shape[1]))
    return jax.vmap(column, out_axes=1)(directions)


def _solve(matrix: Float[Array, "S S L"], right: Float[Array, "S L"]) -> Float[Array, "S L"]:
    """Solve a linear system in every lane by elimination in the given order.

    Without pivots, since rows differ from lane to lane; a pivot near 0 spoils the change of that lane, which
    then does not settle.
    """
    size = right.shape[0]
    start = jnp.concatenate([matrix, right[:, None, :]], axis=1)

    def eliminate(k: Array, system: Array) -> Any:
        row = lax.dynamic_index_in_dim(system, k, 0, keepdims=False)
        row = row / lax.dynamic_index_in_dim(row, k, 0)
        factor = lax.dynamic_index_in_dim(system, k, 1)
        mine = (jnp.arange(size, dtype=jnp.int32) == k)[:, None, None]
        return jnp.where(mine, row[None], system - factor * row[None])

    return lax.fori_loop(0, size, eliminate, start)[:, size]


# Reversible pairs of reactions that balance, which implicit leaps may pass over.
#
# Source: Cao, Gillespie & Petzold, J. Chem. Phys. 126 (2007) 224101, section III: the leap is selected without the
# pairs that balance, and taken if it is far longer than the explicit one; otherwise the network is not stiff at
# present.

BALANCE = 0.05  # delta of the paper, eq. 13: a pair balances when its rates differ by less than this part
STIFF = 100.0  # N_stiff of the paper: explicit leaps up to which a pair in balance is not fast, but balanced by chance


def without_balanced(structure: Structure, rates: list[Any]) -> list[Any]:
    """Return the rates with 0 for both of a reversible pair of reactions that balance (Cao et al. 2007, eq. 13)."""
    result = list(rates)
    for i, j in reversible_pairs(structure):
        least = jnp.minimum(rates[i], rates[j])
        balanced = jnp.abs(rates[i] - rates[j]) <= least * least.dtype.type(BALANCE)
        zero = np.zeros((), least.dtype)
        result[i], result[j] = jnp.where(balanced, zero, result[i]), jnp.where(balanced, zero, result[j])
    return result


def reversible_pairs(structure: Structure) -> tuple[tuple[int, int], ...]:
    """Return the pairs of reactions of which one is the other read backwards.

    Examples
    --------
    >>> import jaxsim as js
    >>> reversible_pairs(js.Network({"A": 1, "B": 0}, ["A -> B, 1", "B -> A, 1", "B -> , 1"]).structure)
    ((0, 1),)
    """
    sides = [(sorted(r.reactants), sorted(r.products)) for r in structure.reactions]
    pairs = ((i, j) for i in range(len(sides)) for j in range(i + 1, len(sides)))
    return tuple((i, j) for i, j in pairs if sides[i][0] != sides[i][1] and sides[i] == sides[j][::-1])
