"""How long a leap may be: the step selection of Cao, Gillespie & Petzold, J. Chem. Phys. 124 (2006) 044109.

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

from functools import reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsim.kernels.orders import Dependence, plan_dependence
from jaxsim.network import Structure

FEW = 10.0  # molecules
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
        mean, variance = drift(structure, s, leaping), noise(structure, s, leaping)
        if not (dependence.orders or dependence.others) or mean is None:
            continue
        strength = _strengths(dependence, x[s], orders)
        by_drift = _inverse_change(_largest(strength, weights.drift), allowance.drift, x[s])
        by_noise = _inverse_change(_largest(strength, weights.noise), allowance.noise, x[s])
        inverse = jnp.maximum(inverse, jnp.maximum(jnp.abs(mean) * by_drift, variance * (by_noise * by_noise)))
    return 1 / inverse


def _inverse_change(strength: Any, part: Any, x: Any) -> Any:
    """Return 1 / max(part x / strength, 1): the bound on the change, inverted."""
    return jnp.minimum(strength / (part * x), np.ones((), x.dtype))


def lifted(x: list[Any]) -> list[Any]:
    """Return counts of at least `FEW`, at which rates show how they will grow; at 0 many of them are 0."""
    return [jnp.maximum(value, np.asarray(FEW, value.dtype)) for value in x]


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


def weighed(shares: list[Any], exact: list[Any], stale: Any) -> Weights:
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


def drift(structure: Structure, s: int, leaping: list[Any]) -> Any:
    """Return the expected change of species s per unit time (eq. 32a); None if nothing changes it."""
    return weighted(structure, s, leaping, float)


def noise(structure: Structure, s: int, leaping: list[Any]) -> Any:
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


def weighted(structure: Structure, s: int, leaping: list[Any], weight: Any) -> Any:
    """Return the sum of the rates, each times the weight of its change of species s; None if all weights are 0."""
    total = None
    for reaction, rate in zip(structure.reactions, leaping, strict=True):
        factor = weight(reaction.changes.get(structure.species[s], 0))
        if factor:
            term = rate if factor == 1 else rate * np.asarray(factor, rate.dtype)
            total = term if total is None else total + term
    return total


def _strengths(dependence: Dependence, x: Any, orders: list[Any]) -> dict[int, Any]:
    """Return g of each reaction that reads the species (eq. 27)."""
    one = np.ones((), x.dtype)
    result = {r: orders[r] for r in dependence.others}
    for r, n, m in dependence.orders:
        value: Any = one
        for k in range(1, m):
            value = value + x / jnp.maximum(x - np.asarray(k, x.dtype), one)
        result[r] = value * np.asarray(n / m, x.dtype)
    return result
