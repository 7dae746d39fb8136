"""How long a leap may be: the step selection of Cao, Gillespie & Petzold, J. Chem. Phys. 124 (2006) 044109.

The leap is the longest over which no propensity is expected to change by more than a part `tolerance` of
itself, in mean and in standard deviation. The paper bounds the propensities through their reactants: species
i may change by max(tolerance x_i / g_i, 1), where g_i says how strongly rates depend on it.

Mass action: g_i is the largest over the reactions of (n / m) (1 + x/(x-1) + ... + x/(x-m+1)), for a reaction
of order n that takes m molecules of the species; for n up to 3 these are the values of eq. 27 there.
Any other rate: n is its present order, the sum over the species that it reads of |x da/dx| / a, by forward
differentiation and at least 1, and g_i = n. It falls back to 1 in saturation, where a rate hardly depends on
its reactants, and rises to the Hill coefficient of a Hill rate; a jump of a rate (floor, if) is not foreseen.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxsim.kernels.rates import Rates
from jaxsim.network import Binary, Expression, FallingFactorial, Name, Structure, evaluate, names

STABLE = 0.5  # of a species' molecules that a leap may be expected to consume; explicit leaps are unstable from 2
MOST_FIRINGS = 2.0**29  # expected in a leap, so that counts stay within int32, or visibly leave it


class Dependence(NamedTuple):
    """How the rates depend on one species."""

    orders: tuple[tuple[int, int], ...]
    """(n, m) of the mass-action reactions that take m of their n molecules from this species."""
    others: tuple[int, ...]
    """Reactions of any other rate that reads the species."""


@lru_cache(maxsize=256)
def plan_dependence(structure: Structure) -> tuple[Dependence, ...]:
    """Sort the reactions by species that their rates read."""
    species = frozenset(structure.species)
    taken = [molecules(reaction.rate, species) for reaction in structure.reactions]
    plan = []
    for name in structure.species:
        orders = {(sum(m.values()), m[name]) for m in taken if m is not None and name in m}
        others = [
            r for r, reaction in enumerate(structure.reactions) if taken[r] is None and name in names(reaction.rate)
        ]
        plan.append(Dependence(tuple(sorted(orders)), tuple(others)))
    return tuple(plan)


def molecules(rate: Expression, species: frozenset[str]) -> dict[str, int] | None:
    """Return how many molecules of each species a mass-action rate takes, or None for any other rate.

    Examples
    --------
    >>> from jaxsim.network import mass_action, parse
    >>> molecules(mass_action(parse("k/V"), (("A", 2), ("B", 1))), frozenset("AB")) == {"A": 2, "B": 1}
    True
    >>> molecules(parse("k*A/(K + A)"), frozenset("AB")) is None
    True
    """
    found: dict[str, int] = {}
    stack = [rate]
    while stack:
        node = stack.pop()
        if not names(node) & species:
            continue
        match node:
            case Binary("*", left, right):
                stack += [left, right]
            case Binary("/", left, right) if not names(right) & species:
                stack.append(left)
            case FallingFactorial(name, order) if name not in found:
                found[name] = order
            case Name(name) if name not in found:
                found[name] = 1
            case _:
                return None
    return found


def leap_size(
    structure: Structure,
    rates: Rates,
    state: Mapping[str, Any],
    x: list[Any],
    a: list[Any],
    leaping: list[Any],
    tolerance: Any,
) -> Float[Array, " L"]:
    """Return the longest leap tau' of eq. 33; infinite where nothing that is leaped over changes a rate.

    `a` are all propensities and `leaping` those of the reactions that are not critical, 0 for the others;
    `x` are the counts as real numbers.
    """
    inverse = jnp.zeros_like(a[0])
    order: dict[int, Any] = {}
    for s, dependence in enumerate(plan_dependence(structure)):
        mean, variance = drift(structure, s, leaping), noise(structure, s, leaping)
        if not (dependence.orders or dependence.others) or mean is None:
            continue
        for r in dependence.others:
            if r not in order:
                order[r] = _present_order(structure, rates, state, r, a[r])
        g = _dependence(dependence, x[s], order)
        # 1 / max(tolerance x / g, 1): the bound on the change, inverted
        one = jnp.minimum(g / (tolerance * x[s]), np.ones((), x[s].dtype))
        inverse = jnp.maximum(inverse, jnp.maximum(jnp.abs(mean) * one, variance * (one * one)))
    return 1 / inverse


def drift(structure: Structure, s: int, leaping: list[Any]) -> Any:
    """Return the expected change of species s per unit time (eq. 32a); None if nothing changes it."""
    return _weighted(structure, s, leaping, float)


def noise(structure: Structure, s: int, leaping: list[Any]) -> Any:
    """Return the variance of the change of species s per unit time (eq. 32b)."""
    return _weighted(structure, s, leaping, lambda change: float(change * change))


def consumption(structure: Structure, s: int, leaping: list[Any]) -> Any:
    """Return the molecules of species s that are expected to be consumed per unit time."""
    return _weighted(structure, s, leaping, lambda change: float(max(0, -change)))


def relaxation_size(structure: Structure, x: list[Any], leaping: list[Any], part: Any) -> Float[Array, " L"]:
    """Return the leap over which a part of the molecules of some species, at most half, is expected to be consumed.

    Where two fast reactions balance, the bounds of the paper look at their noise alone. They allow leaps as long as
    the species takes to relax, over which a rule of first order makes its spread too wide (each variant says by how
    much, and so which part it may take), and beyond which the explicit step oscillates: it multiplies a deviation by
    1 - tau times the rate of consumption.
    """
    inverse = jnp.zeros_like(leaping[0])
    for s in range(len(structure.species)):
        consumed = consumption(structure, s, leaping)
        if consumed is not None:
            inverse = jnp.maximum(inverse, consumed / jnp.maximum(x[s], np.ones((), x[s].dtype)))
    return jnp.minimum(part, inverse.dtype.type(STABLE)) / inverse


def countable_size(structure: Structure, leaping: list[Any]) -> Float[Array, " L"]:
    """Return the leap beyond which the firings would no longer fit into int32."""
    total = jnp.zeros_like(leaping[0])
    for reaction, rate in zip(structure.reactions, leaping, strict=True):
        largest = max([1, *(abs(change) for change in reaction.changes.values())])
        total = total + rate * np.asarray(largest, rate.dtype)
    return total.dtype.type(MOST_FIRINGS) / total


def _weighted(structure: Structure, s: int, leaping: list[Any], weight: Any) -> Any:
    total = None
    for reaction, rate in zip(structure.reactions, leaping, strict=True):
        factor = weight(reaction.changes.get(structure.species[s], 0))
        if factor:
            term = rate if factor == 1 else rate * np.asarray(factor, rate.dtype)
            total = term if total is None else total + term
    return total


def _dependence(dependence: Dependence, x: Any, order: Mapping[int, Any]) -> Any:
    """Return g_i (eq. 27)."""
    one = np.ones((), x.dtype)
    g: Any = None
    for n, m in dependence.orders:
        value: Any = one
        for k in range(1, m):
            value = value + x / jnp.maximum(x - np.asarray(k, x.dtype), one)
        value = value * np.asarray(n / m, x.dtype)
        g = value if g is None else jnp.maximum(g, value)
    for r in dependence.others:
        g = order[r] if g is None else jnp.maximum(g, order[r])
    return g


def _present_order(structure: Structure, rates: Rates, state: Mapping[str, Any], r: int, a: Any) -> Any:
    """Return the sum of |x da/dx| / a over the species that rate r reads, at least 1."""
    read = names(rates.expressions[r])
    total = jnp.zeros_like(a)
    for name in structure.species:
        if name in read:

            def rate(value: Any, name: str = name) -> Any:
                found = evaluate(rates.expressions[r], {**state, name: value})
                return jnp.broadcast_to(jnp.asarray(found).astype(a.dtype), a.shape)

            slope = jax.jvp(rate, (state[name],), (jnp.ones_like(state[name]),))[1]
            total = total + jnp.abs(state[name] * slope)
    return jnp.where(total > a, total / a, np.ones((), a.dtype))
