"""Select the length of a leap: Cao, Gillespie & Petzold, J. Chem. Phys. 124 (2006) 044109.

The leap is the longest over which no propensity is expected to change by more than a part of itself, in mean and in
standard deviation. The paper bounds the propensities through their reactants: species i may change by
max(part x_i / g_i, 1), where g_i says how strongly rates depend on it.

Mass action: g_i is the largest over the reactions of (n / m) (1 + x/(x-1) + ... + x/(x-m+1)), for a reaction
of order n that takes m molecules of the species; for n up to 3 these are the values of eq. 27 there.
Any other rate: g_i is its present order (`orders.py`).

The paper's rule, in which both parts are the tolerance, keeps the path of the propensities. Rules of higher order need
less for the same error of means and variances (`Allowance`): what a propensity changes by on average enters to the
fourth power, what it fluctuates by only through its curvature, and neither matters more than the reaction contributes
to the turnover of the species it changes. A critical reaction is exact, but at the rate at which the leap began: of
that, the paper's rule holds.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from jaxsim.kernels.context import Context
from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import Dependence, Rates, plan_dependence, plan_rates
from jaxsim.kernels.state import Inputs
from jaxsim.network import Structure, bounds, names, names_of_time
from jaxsim.network.moments import smooth

FEW_MOLECULES = 10.0  # molecules
MOST_FIRINGS = 2.0**29  # expected in a leap, so that counts stay within int32, or visibly leave it


class Allowance(NamedTuple):
    """By what part of itself, over g_i, a species may change in a leap."""

    drift: Any
    """In mean."""
    noise: Any
    """In standard deviation."""
    by_share: bool = False
    """Whether a reaction counts by its share in the turnover of the species that it changes."""


class Weights(NamedTuple):
    """How much it matters that the rate of each reaction changes within a leap."""

    drift: list[Any]
    """In mean."""
    noise: list[Any]
    """In standard deviation."""


def leap_size(
    structure: Structure, orders: list[Any], x: list[Any], weights: Weights, leaping: list[Any], allowance: Allowance
) -> Float[Array, " L"]:
    """Return the longest leap tau' of eq. 33; infinite where nothing that is leaped over changes a rate.

    `leaping` are the propensities of the reactions that are not critical, 0 for the others; `x` are the counts as real
    numbers, and `orders` those of the reactions (:func:`orders`).
    """
    inverse = jnp.zeros_like(leaping[0])
    for s, dependence in enumerate(plan_dependence(structure)):
        mean, variance = _drift(structure, s, leaping), _noise(structure, s, leaping)
        if not (dependence.orders or dependence.others) or mean is None:
            continue
        strength = _strengths(dependence, x[s], orders)
        by_drift = _inverse_change(_largest(strength, weights.drift), allowance.drift, x[s])
        by_noise = _inverse_change(_largest(strength, weights.noise), allowance.noise, x[s])
        inverse = jnp.maximum(inverse, jnp.maximum(jnp.abs(mean) * by_drift, variance * (by_noise * by_noise)))
    return 1 / inverse


def _inverse_change(strength: Array, part: Array, x: Array) -> Any:
    """Return 1 / max(part x / strength, 1): the bound on the change, inverted."""
    return jnp.minimum(strength / (part * x), np.ones((), x.dtype))


def lifted(x: list[Any]) -> list[Any]:
    """Return counts of at least `FEW`, at which rates show how they will grow; at 0 many of them are 0."""
    return [jnp.maximum(value, np.asarray(FEW_MOLECULES, value.dtype)) for value in x]


def shares(structure: Structure, a: list[Any], at_lifted: list[Any]) -> list[Any]:
    """Return for each reaction the largest share that it has in the turnover of a species that it changes, at most 1.

    The turnover is that of the propensities `a`, the reaction's part in it that at counts of at least `FEW`.
    """
    turnover = [weighted(structure, s, a, lambda change: float(abs(change))) for s in range(len(structure.species))]
    result = []
    for reaction, rate in zip(structure.reactions, at_lifted, strict=True):
        share = jnp.ones_like(rate) if reaction.effects else jnp.zeros_like(rate)
        for name, change in reaction.changes.items():
            if change:
                of, part = turnover[structure.species.index(name)], rate * rate.dtype.type(abs(change))
                share = jnp.maximum(share, jnp.where(part < of, part / of, np.ones((), rate.dtype)))
        result.append(share)
    return result


def weights_by_share(shares: list[Any], exact: list[Any], stale: ArrayLike) -> Weights:
    """Return the weights of leaping reactions by their shares, and of the exact ones beside them.

    An exact reaction counts in full, and for the drift `stale` times: where its clock runs on at the rate at which the
    leap began, no rule of higher order corrects it.
    """
    one = jnp.ones_like(shares[0])
    drift = [jnp.where(e, stale * one, share) for e, share in zip(exact, shares, strict=True)]
    return Weights(drift, [jnp.where(e, one, jnp.sqrt(share)) for e, share in zip(exact, shares, strict=True)])


def _largest(strengths: dict[int, Any], weights: list[Any]) -> Any:
    """Return the largest g over the reactions, each times its weight."""
    return reduce(jnp.maximum, [g * weights[r] for r, g in strengths.items()])


def _drift(structure: Structure, s: int, leaping: list[Any]) -> Any:
    """Return the expected change of species s per unit time (eq. 32a); None if nothing changes it."""
    return weighted(structure, s, leaping, float)


def _noise(structure: Structure, s: int, leaping: list[Any]) -> Any:
    """Return the variance of the change of species s per unit time (eq. 32b)."""
    return weighted(structure, s, leaping, lambda change: float(change * change))


def consumption(structure: Structure, s: int, leaping: list[Any]) -> Any:
    """Return the molecules of species s that are expected to be consumed per unit time."""
    return weighted(structure, s, leaping, lambda change: float(max(0, -change)))


def countable_size(structure: Structure, leaping: list[Any]) -> Float[Array, " L"]:
    """Return the leap beyond which the firings would no longer fit into int32."""
    total = jnp.zeros_like(leaping[0])
    for reaction, rate in zip(structure.reactions, leaping, strict=True):
        largest = max([1, *(abs(change) for change in reaction.changes.values())])
        total = total + rate * np.asarray(largest, rate.dtype)
    return total.dtype.type(MOST_FIRINGS) / total


def weighted(structure: Structure, s: int, leaping: list[Any], weight: Callable[..., Any] | type[Any]) -> Any:
    """Return the sum of the rates, each times the weight of its change of species s; None if all weights are 0."""
    total = None
    for reaction, rate in zip(structure.reactions, leaping, strict=True):
        factor = weight(reaction.changes.get(structure.species[s], 0))
        if factor:
            term = rate if factor == 1 else rate * np.asarray(factor, rate.dtype)
            total = term if total is None else total + term
    return total


def _strengths(dependence: Dependence, x: Array, orders: list[Any]) -> dict[int, Any]:
    """Return g of each reaction that reads the species (eq. 27)."""
    one = np.ones((), x.dtype)
    result = {r: orders[r] for r in dependence.others}
    for r, n, m in dependence.orders:
        value: Any = one
        for k in range(1, m):
            value = value + x / jnp.maximum(x - np.asarray(k, x.dtype), one)
        result[r] = value * np.asarray(n / m, x.dtype)
    return result


# How long a leap may be beside the time over which deviations from balance relax.
#
# Where fast reactions balance, the bounds on the change of propensities look at their noise alone. They allow leaps as
# long as deviations take to relax, over which a rule of first order makes the spread too wide (each variant says by how
# much, and so which part it may take), and beyond which the explicit step oscillates: it multiplies a deviation by
# 1 - tau times the rate of relaxation.

STABLE = 1.0  # of a relaxation time that a leap may take at most; explicit leaps are unstable from 2


def relaxation_size(
    structure: Structure, orders: list[Any], x: list[Any], leaping: list[Any], part: ArrayLike
) -> Float[Array, " L"]:
    """Return the leap that takes a part, at most half, of the shortest relaxation time of a species.

    A deviation of species s relaxes by what consumes it, and no faster than at the sum of order x rate / x_s; where
    what it turns into turns back, that adds as much again, at balance (Gershgorin's bound on the Jacobian matrix in
    relative counts, of which production that does not answer to the deviation is left out).
    """
    strong = [rate * order for rate, order in zip(leaping, orders, strict=True)]
    inverse = jnp.zeros_like(leaping[0])
    for s in range(len(structure.species)):
        consumed = consumption(structure, s, strong)
        if consumed is None:
            continue
        back = [rate if r in returns(structure, s) else jnp.zeros_like(rate) for r, rate in enumerate(strong)]
        returned = weighted(structure, s, back, lambda change: float(max(0, change)))
        if returned is not None:
            consumed = consumed + jnp.minimum(returned, consumed)
        inverse = jnp.maximum(inverse, consumed / jnp.maximum(x[s], np.ones((), x[s].dtype)))
    return jnp.minimum(part, inverse.dtype.type(STABLE)) / inverse


@lru_cache(maxsize=1024)
def returns(structure: Structure, s: int) -> frozenset[int]:
    """Return the reactions that make species s at a rate that reads something made where s is consumed.

    Examples
    --------
    >>> import jaxsim as js
    >>> pair = js.Network({"A": 1, "B": 0}, ["A -> B, 1", "B -> A, 1", "-> A, 1"]).structure
    >>> sorted(returns(pair, 0))
    [1]
    """
    species = structure.species[s]
    made = {
        name
        for reaction in structure.reactions
        if reaction.changes.get(species, 0) < 0
        for name, change in reaction.changes.items()
        if change > 0
    }
    return frozenset(
        r
        for r, reaction in enumerate(structure.reactions)
        if reaction.changes.get(species, 0) > 0 and names(reaction.rate) & made
    )


# How long a leap may be while rates vary in time.

_FINEST = 16.0  # leaps into which the bounds may cut one cell
_UNRESOLVED = (
    0.5  # of its largest value, by which a rate with moments of its own may vary in a cell that is leaped over
)
UNRESOLVED_FIRINGS = 0.01  # firings that a cell may leave unresolved


def variation_size(
    rates: Rates,
    state: Mapping[str, Any],
    given: Context,
    inputs: Inputs,
    cell: Array,
    like: Array,
    tolerance: Array,
) -> Float[Array, " L"]:
    """Return the leap over which no rate changes in time by more than a part sqrt(tolerance) of its bound.

    The change is taken as even over the cell, from the bounds that hold over it. A rate enters a leap by its
    value at the middle, so its mean over the leap errs by the change squared: hence the root.
    """
    size = jnp.full_like(like, jnp.inf)
    if not rates.varying:
        return size
    width = _width(inputs, cell, size)
    for r in rates.varying:
        low, high = _bounds_in_cell(rates, r, state, given, cell, size)
        part = jnp.sqrt(tolerance) * high / (high - low)
        limit = width * jnp.maximum(part, np.asarray(1 / _FINEST, size.dtype))
        size = jnp.where(high > low, jnp.minimum(size, limit), size)
    return size


def unresolved(
    program: Program, state: Mapping[str, Any], given: Context, inputs: Inputs, cell: Array, like: Array
) -> dict[int, Bool[Array, " L"]]:
    """Return the lanes in which leaps do not follow a rate through its cell, for each reaction that may be one.

    Cells end where a rate jumps or bends, and resolve what varies, as far as trajectories share the numbers. Where
    parameters that each trajectory draws decide on the moment, the reaction has to be exact in the cell that holds it.
    """
    rates = plan_rates(program.structure, program.sampled_parameters)
    width = _width(inputs, cell, like)
    result = {}
    for r in own_moments(program.structure, program.sampled_parameters):
        low, high = _bounds_in_cell(rates, r, state, given, cell, like)
        varies = high - low > high * high.dtype.type(_UNRESOLVED)
        result[r] = varies & ((high - low) * width > high.dtype.type(UNRESOLVED_FIRINGS))
    return result


@lru_cache(maxsize=256)
def own_moments(structure: Structure, sampled: tuple[str, ...]) -> tuple[int, ...]:
    """Return the reactions whose rates may change at moments that differ between trajectories.

    Smooth functions of inputs are not among them: the cells are graded for these.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"A": 9}, ["-> A @ if(t > b, 1, 0)", "A -> , d"], {"b": js.Lognormal(1.0, 0.1), "d": 1.0})
    >>> own_moments(net.structure, ("b",))
    (0,)
    """
    found = []
    for r in plan_rates(structure, sampled).varying:
        rate = structure.reactions[r].rate
        switches = smooth([rate], names_of_time(structure), frozenset(structure.parameters)).switches
        if names(rate) & frozenset(sampled) and ("t" in names(rate) or switches):
            found.append(r)
    return tuple(found)


def _width(inputs: Inputs, cell: Array, like: Array) -> Any:
    return (inputs.timeline.edges[1:] - inputs.timeline.edges[:-1]).astype(like.dtype)[cell]


def _bounds_in_cell(
    rates: Rates, r: int, state: Mapping[str, Any], given: Context, cell: Array, like: Array
) -> tuple[Any, Any]:
    """Return lower and upper bound of a propensity over the present cell, at the present counts."""
    boxes = {name: (value, value) for name, value in state.items()}
    boxes |= {name: (low[cell], high[cell]) for name, (low, high) in given.bounds.items()}
    low, high = (
        jnp.broadcast_to(jnp.asarray(end).astype(like.dtype), like.shape) for end in bounds(rates.expressions[r], boxes)
    )
    return low, high


# Critical reactions: those that few firings would leave without molecules (Cao, Gillespie & Petzold 2006, II.C).
#
# They fire at most once in a leap, at a time drawn from the exact clock, which ends the leap.

FIRINGS = 10  # n_c of the paper: a reaction is critical when fewer firings than this would exhaust a reactant


def critical_reactions(structure: Structure, x: tuple[Any, ...]) -> list[Any]:
    """Return for each reaction the lanes in which it is critical, bool [L].

    A reaction with an effect, which is no fixed change, always is: its effect is applied firing by firing.
    """
    result = []
    for reaction in structure.reactions:
        critical = jnp.full(x[0].shape, bool(reaction.effects))
        for name, change in reaction.changes.items():
            if change < 0:
                critical = critical | (x[structure.species.index(name)] < np.int32(FIRINGS * -change))
        result.append(critical)
    return result
