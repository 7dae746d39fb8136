"""Propensities, with everything that does not change inside the loop pulled out of it, and their orders."""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike, DTypeLike

from jaxsim.dosing import Timeline
from jaxsim.network import (
    Binary,
    Expression,
    FallingFactorial,
    Name,
    Number,
    Structure,
    bounds,
    evaluate,
    evaluate_all,
    hoist_all,
    names,
    names_of_time,
    united,
)
from jaxsim.network.arithmetic import as_number
from jaxsim.network.cancellation import NARROW, Ranges, pull_cancelling

SLACK = 1e-6  # relative widening of bounds, ten times the rounding of float32


class Rates(NamedTuple):
    """The static plan of all propensities.

    A rate is an expression of species, of parameters and of leaves: `before` are computed once per
    trajectory, `in_time` once per proposed event, with a bound per cell that is computed beforehand, and
    `differences` at every event, in double precision from the whole counts.
    """

    expressions: tuple[Expression, ...]
    before: tuple[tuple[str, Expression], ...]
    in_time: tuple[tuple[str, Expression], ...]
    varying: tuple[int, ...]
    """Reactions that read a leaf in time."""
    differences: tuple[tuple[str, Expression], ...] = ()


@lru_cache(maxsize=256)
def plan_rates(structure: Structure, sampled: tuple[str, ...], ranges: Ranges = NARROW) -> Rates:
    """Pull leaves out of the rates: functions of time first, then constants of a trajectory, then differences.

    `ranges` says which numbers are so large that their differences are computed in double precision.
    """
    time = names_of_time(structure)
    shared = frozenset(structure.parameters) - frozenset(sampled)
    raw = tuple(reaction.rate for reaction in structure.reactions)
    varying = tuple(r for r, rate in enumerate(raw) if time & names(rate))
    timed, leaves = hoist_all([raw[r] for r in varying], shared | time, "in time ")
    in_time = tuple((name, value) for name, value in leaves.items() if time & names(value))
    constant = [(name, value) for name, value in leaves.items() if not time & names(value)]
    rates = list(raw)
    for r, rate in zip(varying, timed, strict=True):
        rates[r] = rate
    known = frozenset(structure.parameters) | {name for name, _ in constant}
    final, before = hoist_all(rates, known, "before ")
    found: dict[Expression, str] = {}

    def pull(part: Expression) -> Expression:
        return Name(found.setdefault(part, f"difference {len(found)}"))

    counts = frozenset({*structure.species, *structure.variables})
    final = united([pull_cancelling(rate, ranges, counts, pull) for rate in final])
    differences = tuple((name, part) for part, name in found.items())
    return Rates(final, (*constant, *before.items()), in_time, varying, differences)


def parameter_values(shared: Mapping[str, Any], sampled: Mapping[str, Any], real: DTypeLike) -> dict[str, Any]:
    """Return the parameters in the dtype of propensities: scalars, or [L] where they are sampled."""
    return {name: jnp.asarray(sampled.get(name, value)).astype(real) for name, value in shared.items()}


def leaves_before(rates: Rates, parameters: Mapping[str, Any], real: DTypeLike) -> dict[str, Any]:
    """Add the constants of a trajectory to its parameters."""
    env = dict(parameters)
    for name, expression in rates.before:
        env[name] = jnp.asarray(evaluate(expression, env)).astype(real)
    return env


def rounded(values: Mapping[str, Any], real: DTypeLike) -> dict[str, Any]:
    """Return values that were computed in double precision in the dtype of propensities."""
    return {name: jnp.asarray(value).astype(real) for name, value in values.items()}


def state_values(
    rates: Rates, env: Mapping[str, Any], precise: Mapping[str, Any], counts: Iterable[tuple[str, Any]], real: DTypeLike
) -> Any:
    """Return all that rates read in a state, by name, but for leaves in time.

    `env` and `precise` hold parameters and constants in the dtype of propensities and in float64; `counts` are pairs
    of the names of species and variables and their values.
    """
    counts = tuple(counts)
    state = {**env, **{name: value.astype(real) for name, value in counts}}
    if rates.differences:
        whole = {**precise, **{name: value.astype(jnp.float64) for name, value in counts}}
        for name, part in rates.differences:
            state[name] = jnp.asarray(as_number(evaluate(part, whole))).astype(real)
    return state


def propensities(rates: Rates, env: Mapping[str, Any], which: tuple[int, ...], like: Array) -> list[Any]:
    """Evaluate some propensities, each [L]."""
    values = evaluate_all([rates.expressions[r] for r in which], env)
    return [_lanes(value, like) for value in values]


def propensity_bounds(rates: Rates, env: Mapping[str, Any], leaves: Mapping[str, Any], like: Array) -> list[Any]:
    """Return for each reaction its propensity, or the upper bound over the cell if it varies in time."""
    boxes = {name: (value, value) for name, value in env.items()} | dict(leaves)
    fixed = [r for r in range(len(rates.expressions)) if r not in rates.varying]
    known = dict(zip(fixed, evaluate_all([rates.expressions[r] for r in fixed], env), strict=True))
    result = [
        _lanes(known[r] if r in known else bounds(expression, boxes)[1], like)
        for r, expression in enumerate(rates.expressions)
    ]
    return result or [jnp.zeros_like(like)]  # of a network of events alone


def propensity_floors(rates: Rates, env: Mapping[str, Any], leaves: Mapping[str, Any], like: Array) -> list[Any]:
    """Return the lower bound over the cell of each reaction that varies in time."""
    boxes = {name: (value, value) for name, value in env.items()} | dict(leaves)
    return [_lanes(bounds(rates.expressions[r], boxes)[0], like) for r in rates.varying]


def _lanes(value: ArrayLike, like: Array) -> Any:
    return jnp.broadcast_to(jnp.asarray(value).astype(like.dtype), like.shape)


def leaf_bounds(
    rates: Rates, structure: Structure, parameters: Mapping[str, Any], timeline: Timeline
) -> dict[str, tuple[Any, Any]]:
    """Bound every leaf in time over every cell: float64 [C] lower and upper, widened by SLACK.

    `parameters` are those shared by all trajectories.
    """
    env: dict[str, Any] = {"t": (timeline.edges[:-1], timeline.edges[1:])}
    for index, name in enumerate(structure.inputs):
        env[name] = (timeline.lower[:, index], timeline.upper[:, index])
    shape = timeline.edges[1:].shape
    for name, value in parameters.items():
        number = jnp.broadcast_to(jnp.asarray(value).astype(jnp.float64), shape)
        env[name] = (number, number)
    result = {}
    for name, expression in rates.in_time:
        lower, upper = (
            jnp.broadcast_to(jnp.asarray(end).astype(jnp.float64), shape) for end in bounds(expression, env)
        )
        result[name] = (lower - SLACK * jnp.abs(lower), upper + SLACK * jnp.abs(upper))
    return result


def leaves_in_time(
    rates: Rates,
    structure: Structure,
    env: Mapping[str, Any],
    timeline: Timeline,
    cell: ArrayLike,
    t: ArrayLike,
    real: DTypeLike,
    shared: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Evaluate the leaves at time t, [L], inside cell `cell`.

    Inputs are functions of the time since the cell began, so they keep full precision in float32; a
    leaf that reads the time itself is evaluated in float64, with the parameters that trajectories share as `shared`
    has them, if given: rounded to float32 they would move the moment at which it jumps.
    """
    read = frozenset().union(*(names(expression) for _, expression in rates.in_time))
    since = t - timeline.edges[cell]
    inputs = {
        name: _input(timeline, index, cell, since, real) for index, name in enumerate(structure.inputs) if name in read
    }
    result = {}
    for name, expression in rates.in_time:
        if "t" in names(expression):
            known = {**env, **inputs} | {name: value for name, value in (shared or {}).items() if name in read}
            precise = {key: jnp.asarray(value).astype(jnp.float64) for key, value in known.items()}
            value = evaluate(expression, {**precise, "t": t})
        else:
            value = evaluate(expression, {**env, **inputs})
        result[name] = jnp.asarray(value).astype(real)
    return result


def _input(timeline: Timeline, index: int, cell: ArrayLike, since: Array, real: DTypeLike) -> Any:
    """Return base + sum of amplitude * exp(-rate * since) for one input."""
    value = timeline.base[:, index].astype(real)[cell]
    short = since.astype(real)
    for mode in range(timeline.rate.shape[1]):
        amplitude = timeline.amplitude[:, index, mode].astype(real)[cell]
        value = value + amplitude * jnp.exp(-timeline.rate[index, mode].astype(real) * short)
    return value


def total(values: list[Any]) -> list[Any]:
    """Return the running sums; the last is the total propensity."""
    assert values, "a network without reactions has one propensity that is zero"
    sums = [values[0]]
    for value in values[1:]:
        sums.append(sums[-1] + value)
    return sums


def largest(real: DTypeLike) -> Any:
    """Return the largest total propensity that counts as finite."""
    return np.finfo(np.float64 if real == jnp.float64 else np.float32).max


# Recognise mass action, so that many reactions can be data instead of code.


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


# How strongly propensities depend on the counts that they read: their orders.
#
# The order of a mass-action rate is the number of molecules it takes. That of any other rate is its present order, the
# sum over the species that it reads of |x da/dx| / a, by forward differentiation and at least 1: it falls back to 1 in
# saturation, where a rate hardly depends on its reactants, and rises to the Hill coefficient of a Hill rate; a jump
# of a rate (floor, if) is not foreseen.


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


def _present_order(structure: Structure, rates: Rates, state: Mapping[str, Any], r: int, a: Array) -> Any:
    """Return the sum of |x da/dx| / a over the species that rate r reads, at least 1."""
    read = names(rates.expressions[r])
    total = jnp.zeros_like(a)
    for name in structure.species:
        if name in read:

            def rate(value: Array, name: str = name) -> Any:
                found = evaluate(rates.expressions[r], {**state, name: value})
                return jnp.broadcast_to(jnp.asarray(found).astype(a.dtype), a.shape)

            slope = jax.jvp(rate, (state[name],), (jnp.ones_like(state[name]),))[1]
            total = total + jnp.abs(state[name] * slope)
    return jnp.where(total > a, total / a, np.ones((), a.dtype))
