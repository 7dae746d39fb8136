"""Propensities of a state that is real instead of whole.

A propensity is continued from whole counts to real ones as it is written: ``k*A*(A - 1)`` stays a quadratic and does
not become ``k*A^2``, so that for two molecules the rate equations start with the exact rate. Mass action (the falling
factorial) vanishes below the number of molecules that it needs: ``A*(A - 1)`` is 0, not negative, between 0 and 1.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float64, Int

from jaxsim.dosing import Timeline
from jaxsim.kernels.moments import branches
from jaxsim.network import (
    Binary,
    Call,
    Expression,
    FallingFactorial,
    Name,
    Number,
    Structure,
    Unary,
    evaluate_all,
    names_of_time,
    united,
)
from jaxsim.network.expression import fold
from jaxsim.network.functions import RANDOM
from jaxsim.network.moments import TimeSwitch, smooth


class RealRates(NamedTuple):
    """What the drift of real counts is made of: smooth in the time while no switch changes its branch."""

    propensities: tuple[Expression, ...]
    effects: dict[tuple[str, int], Expression]
    """For each species and reaction with an effect, the expected value after firing."""
    switches: tuple[TimeSwitch, ...]


@lru_cache(maxsize=256)
def real_drift(structure: Structure) -> RealRates:
    """Return propensities and expected effects for real counts, with what jumps or bends in the time taken out."""
    propensities = [fold(reaction.rate, _continued) for reaction in structure.reactions]
    effects = expected_effects(structure)
    found = smooth([*propensities, *effects.values()], names_of_time(structure), frozenset(structure.parameters))
    first, rest = found.expressions[: len(propensities)], found.expressions[len(propensities) :]
    return RealRates(united(first), dict(zip(effects, rest, strict=True)), found.switches)


def real_rates(structure: Structure) -> tuple[Expression, ...]:
    """Return the propensity of every reaction, written for real counts.

    Examples
    --------
    >>> from jaxsim.network import Network, to_string
    >>> [to_string(rate) for rate in real_rates(Network({"A": 5}, ["2 A -> , k"], {"k": 1.0}).structure)]
    ['k*(A*max(A - 1, 0))']
    """
    return real_drift(structure).propensities


def _continued(node: Expression, children: list[Expression]) -> Expression:
    if isinstance(node, FallingFactorial):
        product: Expression = Name(node.name)
        for fewer in range(1, node.order):
            above = Call("max", (Binary("-", Name(node.name), Number(fewer)), Number(0.0)))
            product = Binary("*", product, above)
        return product
    return node.rebuild(tuple(children)) if children else node


def inputs_at(structure: Structure, timeline: Timeline, cell: Array, since: Array) -> dict[str, Any]:
    """Return every input at time `since` after the cell began, in closed form."""
    decay = jnp.exp(-timeline.rate * since)
    values = timeline.base[cell] + jnp.sum(timeline.amplitude[cell] * decay, axis=1)
    return {name: values[index] for index, name in enumerate(structure.inputs)}


def environment(structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], x: Array) -> Any:
    """Return the values by name that propensities read: species at least 0, whatever a solver or step made of them.

    The derivative at 0 is that from above, so that a species which starts at 0 has one. Branches of switches in time
    are those that `timed` holds, or where it holds none those of the moment itself.
    """
    state = {name: jnp.where(x[s] >= 0.0, x[s], 0.0 * x[s]) for s, name in enumerate(structure.species)}
    switches = real_drift(structure).switches
    held = {} if not switches or switches[0].name in timed else branches(switches, {**parameters, **timed})
    return {**parameters, **timed, **held, **state}


def real_propensities(structure: Structure, env: Mapping[str, Any], like: Array) -> Any:
    """Return the propensities [R, ...] in the shape and dtype of `like`."""
    values = evaluate_all(real_rates(structure), env)
    return jnp.stack([jnp.broadcast_to(jnp.asarray(value).astype(like.dtype), like.shape) for value in values])


def enter(timeline: Timeline, cell: Array, x: Array) -> Any:
    """Give the doses that act when the cell is entered, to a state [S]."""
    return timeline.multiply[cell] * x + timeline.add[cell]


def signs(propensities: Array) -> Any:
    """Return whether some propensity is negative beyond the rounding of the others."""
    return jnp.any(propensities < -1e-6 * jnp.max(jnp.abs(propensities), axis=0, keepdims=True), axis=0)


def finite(values: Array) -> Any:
    """Return whether all values along the first axis are finite."""
    return jnp.all(jnp.isfinite(values), axis=0)


def whole_counts(x: Array) -> Any:
    """Return the counts just below a real state, from 0 on."""
    return jnp.maximum(jnp.floor(x), np.float64(0.0))


# The points at which a continuous solution stops: every edge of the timeline, every save time and every moment at
# which a rate jumps or bends, in order.


class _Points(NamedTuple):
    """P = C + K + M points; the solution is smooth between neighbours."""

    time: Float64[Array, " P"]
    entered: Int[Array, " P"]
    """Cell that begins at the point; C, which there is not, at a save time or moment."""
    saves: Int[Array, " K"]
    """Where the save times stand among the points."""


def arrange_points(timeline: Timeline, times: Float64[Any, " K"], moments: Float64[Any, " M"]) -> _Points:
    """Merge edges, save times and moments.

    At equal times edges come first, so that a dose has been given when saved.
    """
    cells = timeline.base.shape[0]
    raw = jnp.concatenate([timeline.edges[:cells], times, moments])
    order = jnp.argsort(raw, stable=True)
    place = jnp.argsort(order, stable=True)
    return _Points(raw[order], jnp.minimum(order, cells), place[cells : cells + times.shape[0]])


# What firing does on average where a reaction sets species by an effect.

NONLINEAR = 2


@lru_cache(maxsize=256)
def expected_effects(structure: Structure) -> dict[tuple[str, int], Expression]:
    """Return, for each species and reaction with an effect, the expected value after firing.

    ``binomial(n, p)`` becomes ``n*p``; an assignment is rounded down on firing, which the expectation leaves out.

    Examples
    --------
    >>> from jaxsim.network import Network, Reaction, to_string
    >>> net = Network({"T": 9}, [Reaction({}, {}, "0.1", {"T": "binomial(T, 0.5)"})])
    >>> {key: to_string(value) for key, value in expected_effects(net.structure).items()}
    {('T', 0): 'T*0.5'}
    """
    return {
        (species, r): fold(value, _expectation)
        for r, reaction in enumerate(structure.reactions)
        for species, value in reaction.effects
    }


def nonlinear_effect(structure: Structure) -> tuple[int, str] | None:
    """Return the first reaction and species whose effect is not linear in the counts, so that its mean is unknown.

    Examples
    --------
    >>> from jaxsim.network import Network, Reaction
    >>> net = Network({"T": 9}, [Reaction({}, {}, "0.1", {"T": "floor(T/2)"})])
    >>> nonlinear_effect(net.structure)
    (0, 'T')
    """
    for r, reaction in enumerate(structure.reactions):
        for species, value in reaction.effects:
            if degree(value, frozenset(structure.species)) >= NONLINEAR:
                return r, species
    return None


def degree(expression: Expression, species: frozenset[str]) -> int:
    """Return 0, 1 or more for an expression that is constant, linear or not linear in the species.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> [degree(parse(text), frozenset("AB")) for text in ("k*t", "A + 2*B", "A*B")]
    [0, 1, 2]
    """

    def visit(node: Expression, below: list[int]) -> int:
        match node:
            case Number(_):
                return 0
            case Name(name):
                return int(name in species)
            case FallingFactorial(name, order):
                return order if name in species else 0
            case Binary("+" | "-", _, _) | Unary("-", _):
                return max(below)
            case Binary("*", _, _):
                return sum(below)
            case Binary("/", _, _) | Call("binomial", (_, _)):
                return below[0] if below[1] == 0 else NONLINEAR
            case Call(function, _) if function in RANDOM:
                return NONLINEAR
            case Call("if", _):
                return max(below[1:]) if below[0] == 0 else NONLINEAR
        return 0 if max(below) == 0 else NONLINEAR

    return fold(expression, visit)


def _expectation(node: Expression, children: list[Expression]) -> Expression:
    if isinstance(node, Call) and node.function == "binomial" and len(children) == 2:
        return Binary("*", *children)
    return node.rebuild(tuple(children)) if children else node
