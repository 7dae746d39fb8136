"""Recognise mass action, so that many reactions can be data instead of code."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxsim.network import Binary, Expression, FallingFactorial, Name, Number, evaluate


class MassAction(NamedTuple):
    """A propensity: product of constants times a falling factorial of at most second order."""

    constants: tuple[Expression, ...]
    species: tuple[str, ...]
    """At most two names; the same name twice stands for x*(x-1)."""


def as_mass_action(rate: Expression, species: frozenset[str]) -> MassAction | None:
    """Return the parts of a mass-action propensity, or None for any other rate.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> as_mass_action(parse("k*A*B"), frozenset("AB")).species
    ('A', 'B')
    >>> as_mass_action(parse("k*A/(K + A)"), frozenset("AB")) is None
    True
    """
    constants: list[Expression] = []
    found: list[str] = []
    stack = [rate]
    while stack:
        node = stack.pop()
        match node:
            case Binary("*", left, right):
                stack += [right, left]
            case FallingFactorial(name, order):
                found += [name] * order
            case Name(name) if name in species:
                if name in found:  # A*A as text is x^2, not x*(x-1)
                    return None
                found.append(name)
            case Name(_) | Number(_):
                constants.append(node)
            case _:
                return None
    return MassAction(tuple(constants), tuple(found)) if len(found) <= 2 else None


def product(constants: tuple[Expression, ...], env: Mapping[str, Any]) -> Any:
    """Return the product of the constants of a propensity, in the dtype and shape of the values in `env`."""
    return math.prod(evaluate(factor, env) for factor in constants)
