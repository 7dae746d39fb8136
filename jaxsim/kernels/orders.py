"""How strongly propensities depend on the counts that they read: their orders.

The order of a mass-action rate is the number of molecules it takes. That of any other rate is its present order, the
sum over the species that it reads of |x da/dx| / a, by forward differentiation and at least 1: it falls back to 1 in
saturation, where a rate hardly depends on its reactants, and rises to the Hill coefficient of a Hill rate; a jump of a
rate (floor, if) is not foreseen.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.rates import Rates
from jaxsim.network import Binary, Expression, FallingFactorial, Name, Structure, evaluate, names


class Dependence(NamedTuple):
    """How the rates depend on one species."""

    orders: tuple[tuple[int, int, int], ...]
    """(r, n, m) of the mass-action reactions r that take m of their n molecules from this species."""
    others: tuple[int, ...]
    """Reactions of any other rate that reads the species."""


@lru_cache(maxsize=256)
def plan_dependence(structure: Structure) -> tuple[Dependence, ...]:
    """Sort the reactions by species that their rates read."""
    species = frozenset(structure.species)
    taken = [molecules(reaction.rate, species) for reaction in structure.reactions]
    plan = []
    for name in structure.species:
        orders = [(r, sum(m.values()), m[name]) for r, m in enumerate(taken) if m is not None and name in m]
        others = [
            r for r, reaction in enumerate(structure.reactions) if taken[r] is None and name in names(reaction.rate)
        ]
        plan.append(Dependence(tuple(orders), tuple(others)))
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


def orders(structure: Structure, rates: Rates, state: Mapping[str, Any], a: list[Any]) -> list[Any]:
    """Return the order of every reaction, [L] or a number: 0 for a rate that reads no species."""
    species = frozenset(structure.species)
    result: list[Any] = []
    for r, reaction in enumerate(structure.reactions):
        taken = molecules(reaction.rate, species)
        if taken is not None:
            result.append(a[r].dtype.type(sum(taken.values())))
        else:
            result.append(_present_order(structure, rates, state, r, a[r]))
    return result


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
