"""One step of an implicit method for many lanes, each with a time, a state and a step of its own.

Source: RODAS of Hairer & Wanner, Solving Ordinary Differential Equations II (2nd ed. 1996), section IV.7, table 6.1 and
the code of appendix: six stages, order 4 with an error estimate of order 3, L-stable and stiffly accurate. It needs
one Jacobian and one inverse a step and no iteration, so that lanes do the same work whatever their stiffness.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float64, Int, Int32

from jaxsim.kernels.continuous.real_rates import expected_effects
from jaxsim.network import Structure, names, stoichiometry

# Inverses of small matrices, one for each lane, with pivots of their own.


def invert(matrix: Float64[Array, "S S L"]) -> tuple[Float64[Array, "S S L"], Int32[Array, "S L"]]:
    """Return the inverse of every lane's matrix, with rows and columns in the order of its pivots, and that order.

    Gauss-Jordan elimination in place. The pivot of a column is the largest entry among the rows not used before; rows
    are not moved. A singular matrix gives values that are not finite.

    Parameters
    ----------
    matrix
        Lanes last, so that every operation runs along them.

    Returns
    -------
    inverse, order
        To be used by :func:`solve`.
    """
    size, _, lanes = matrix.shape
    rows = jnp.arange(size, dtype=jnp.int32)

    def eliminate(k: Array, carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        a, used, order = carry
        column = lax.dynamic_index_in_dim(a, k, axis=1, keepdims=False)
        chosen = jnp.argmax(jnp.where(used, -1.0, jnp.abs(column)), axis=0).astype(jnp.int32)
        is_pivot = rows[:, None] == chosen[None, :]
        pivot = jnp.sum(jnp.where(is_pivot, column, 0.0), axis=0)
        row = jnp.take_along_axis(a, chosen[None, None, :], axis=0)[0] / pivot[None, :]
        here = rows == k
        row = jnp.where(here[:, None], 1.0 / pivot[None, :], row)
        rest = jnp.where(here[None, :, None], 0.0, a)
        reduced = rest - column[:, None, :] * row[None, :, :]
        a = jnp.where(is_pivot[:, None, :], row[None, :, :], reduced)
        return a, used | is_pivot, lax.dynamic_update_index_in_dim(order, chosen, k, axis=0)

    first = (matrix, jnp.zeros((size, lanes), bool), jnp.zeros((size, lanes), jnp.int32))
    inverse, _, order = lax.fori_loop(np.int32(0), np.int32(size), eliminate, first)
    return inverse, order


def solve(
    inverse: Float64[Array, "S S L"], order: Int32[Array, "S L"], right: Float64[Array, "S L"]
) -> Float64[Array, "S L"]:
    """Return the solution of every lane's equations.

    Examples
    --------
    >>> import jax
    >>> with jax.enable_x64(True):
    ...     matrix = jnp.array([[0.0, 2.0], [4.0, 1.0]])[:, :, None]
    ...     found = solve(*invert(matrix), jnp.array([[2.0], [9.0]]))
    >>> found[:, 0].tolist()
    [2.0, 1.0]
    """
    sorted_right = jnp.take_along_axis(right, order, axis=0)
    product = jnp.sum(inverse * sorted_right[None, :, :], axis=1)
    return jnp.take_along_axis(product, order, axis=0)


GAMMA = 0.25
ORDER = 4.0  # of the error of a step by the estimate
_A = np.array([
    [0, 0, 0, 0, 0, 0],
    [1.544, 0, 0, 0, 0, 0],
    [0.9466785280815826, 0.2557011698983284, 0, 0, 0, 0],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0, 0, 0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 0, 0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1, 0],
])  # fmt: skip
C = np.array([
    [0, 0, 0, 0, 0, 0],
    [-5.6688, 0, 0, 0, 0, 0],
    [-2.430093356833875, -0.2063599157091915, 0, 0, 0, 0],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0, 0, 0],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0, 0],
    [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054, 0],
])  # fmt: skip
TIMES = np.array([0, 0.386, 0.21, 0.63, 1, 1])
SLOPES = np.array([0.25, -0.1043, 0.1035, -0.0362, 0, 0])

_SMALL = 2.0**-26  # relative change that a difference is taken over, the root of the rounding of float64

Field = Callable[[Any, Any], Any]


class _Frozen(NamedTuple):
    """What all stages of a step share."""

    start: Any
    """The field at the start, [S, L]."""
    inverse: Any
    order: Any
    weight: Any
    """Size of an error that counts as one, [S, L]: unknowns are solved for in these units."""
    slope: Any
    """Derivative of the field with respect to time, [S, L]."""


def rosenbrock_step(
    field: Field,
    pattern: Bool[np.ndarray, "S S"],
    colours: Int[np.ndarray, " S"],
    time: Float64[Array, " L"],
    x: Float64[Array, "S L"],
    step: Float64[Array, " L"],
    weight: Float64[Array, "S L"],
) -> tuple[Float64[Array, "S L"], Float64[Array, "S L"]]:
    """Return the state after a step and the estimate of its error.

    Parameters
    ----------
    field
        ``field(time [L], x [S, L])`` is the derivative of x.
    pattern, colours
        Of its Jacobian, which is found by differences.
    time, x, step
        Where lanes are, and how far they go.
    weight
        Size of an error that counts as one, in each species; only the rounding depends on it.
    """
    frozen = _linearise(field, pattern, colours, time, x, step, weight)

    def stage(k: Array, row: tuple[Any, ...]) -> tuple[Any, None]:
        index, a, c, share, tilt = row
        found = _solve(frozen, k, field(time + share * step, x + jnp.tensordot(a, k, 1)), c, tilt, step)
        return lax.dynamic_update_index_in_dim(k, found, index, axis=0), None

    first = _solve(frozen, None, frozen.start, None, SLOPES[0], step)
    k = jnp.zeros((len(TIMES), *x.shape), x.dtype).at[0].set(first)
    rows = (jnp.arange(len(TIMES), dtype=jnp.int32), *(jnp.asarray(table) for table in (_A, C, TIMES, SLOPES)))
    k, _ = lax.scan(stage, k, tuple(row[1:] for row in rows))
    return x + jnp.tensordot(jnp.asarray(_A[-1]), k, 1) + k[-1], k[-1]


def _solve(frozen: _Frozen, k: Any, rate: Any, c: Any, tilt: Any, step: Any) -> Any:
    """Return k_i of (I - gamma h J) k_i = gamma (h f + sum_j c_ij k_j + h^2 d_i df/dt)."""
    right = rate * step[None, :] + tilt * (step * step)[None, :] * frozen.slope
    right = right if k is None else right + jnp.tensordot(c, k, 1)
    return frozen.weight * solve(frozen.inverse, frozen.order, GAMMA * right / frozen.weight)


def _linearise(
    field: Field, pattern: np.ndarray, colours: np.ndarray, time: Array, x: Array, step: Array, weight: Array
) -> _Frozen:
    """Return the field, its slope in time, and the inverse of I - gamma h J in units of the weights."""
    size, number = x.shape[0], int(colours.max()) + 1
    shift = _SMALL * jnp.maximum(jnp.abs(x), weight)  # upwards, so that no count becomes negative
    wait = _SMALL * jnp.maximum(jnp.abs(time), step)

    def shifted(colour: Array) -> Any:
        chosen = jnp.asarray(colours.astype(np.int32)) == colour
        return field(time + jnp.where(colour == number, wait, 0.0), x + jnp.where(chosen[:, None], shift, 0.0))

    found = lax.map(shifted, jnp.arange(-1, number + 1, dtype=jnp.int32))  # nothing, every colour, time
    start, slope = found[0], (found[-1] - found[0]) / wait[None, :]
    change = (found[1:-1] - start[None, :, :])[colours]  # [column, row, L]
    scaled = change * (weight / shift)[:, None, :] / weight[None, :, :]
    jacobian = jnp.where(jnp.asarray(pattern)[:, :, None], jnp.swapaxes(scaled, 0, 1), 0.0)
    matrix = jnp.eye(size)[:, :, None] - GAMMA * step[None, None, :] * jacobian
    return _Frozen(start, *invert(matrix), weight, slope)


# Which columns of the drift's Jacobian can be found by one difference, because no row has an entry in two of them.
#
# Source: Curtis, Powell & Reid, J. Inst. Maths Applics 13 (1974) 117.


@lru_cache(maxsize=256)
def jacobian_pattern(structure: Structure) -> Bool[np.ndarray, "S S"]:
    """Return where the Jacobian may differ from zero: [of the drift of a species, by a species].

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"A": 5, "B": 0, "C": 1}, ["A -> B, k", "C -> , k"], {"k": 1.0})
    >>> jacobian_pattern(net.structure).astype(int).tolist()
    [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    """
    moves = stoichiometry(structure) != 0
    pattern = np.zeros((len(structure.species),) * 2, bool)
    place = {name: s for s, name in enumerate(structure.species)}
    for r, reaction in enumerate(structure.reactions):
        read = [place[name] for name in names(reaction.rate) if name in place]
        pattern[np.ix_(moves[:, r], read)] = True
        for (species, other), value in expected_effects(structure).items():
            if other == r:
                also = [place[name] for name in names(value) if name in place]
                pattern[place[species], [*read, *also, place[species]]] = True
    return pattern


@lru_cache(maxsize=256)
def column_colours(structure: Structure) -> Int[np.ndarray, " S"]:
    """Return a colour from 0 for each species: columns of one colour have no row in common.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> net = Network({"A": 5, "B": 0, "C": 1}, ["A -> B, k", "B -> , k", "C -> , k"], {"k": 1.0})
    >>> column_colours(net.structure).tolist()
    [0, 1, 0]
    """
    pattern = jacobian_pattern(structure)
    colours = np.full(pattern.shape[1], -1)
    taken: list[np.ndarray] = []  # rows of each colour
    for s in np.argsort(-pattern.sum(axis=0), kind="stable"):  # the fullest first, which needs fewer
        column = pattern[:, s]
        free = (c for c, rows in enumerate(taken) if not np.any(rows & column))
        colour = next(free, len(taken))
        if colour == len(taken):
            taken.append(np.zeros(pattern.shape[0], bool))
        taken[colour] |= column
        colours[s] = colour
    return colours
