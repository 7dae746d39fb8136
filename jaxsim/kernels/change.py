"""Apply a pending change to the counts: reactions, doses, triggered events, random effects."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Int32

from jaxsim.dosing import Timeline
from jaxsim.network import Expression, Structure, evaluate
from jaxsim.network.functions import is_random

_Draw = Callable[..., Any]

_LARGEST = float(2**31 - 1)


class Changes(NamedTuple):
    """The static plan: what each species does under which code."""

    steps: tuple[tuple[tuple[int, tuple[int, ...]], ...], ...]
    """For each species, pairs of (constant change, codes)."""
    assignments: tuple[tuple[tuple[int, Expression], ...], ...]
    """For each species, pairs of (code, expression of the state before)."""
    settings: tuple[tuple[tuple[int, Expression], ...], ...]
    """The same for each variable."""
    slow: tuple[int, ...]
    """Codes with a random effect; they wait for the turnover."""


@lru_cache(maxsize=256)
def plan_changes(structure: Structure) -> Changes:
    """Sort the changes of reactions and events by species."""
    codes = list(enumerate(structure.reactions))
    sets = [(code, reaction.effects) for code, reaction in codes]
    sets += [(len(codes) + 1 + e, event.set) for e, event in enumerate(structure.events)]
    slow = tuple(code for code, effects in sets if any(is_random(value) for _, value in effects))
    steps, assignments = [], []
    for species in structure.species:
        by_change: dict[int, list[int]] = {}
        for code, reaction in codes:
            change = reaction.changes.get(species, 0)
            if change:
                by_change.setdefault(change, []).append(code)
        steps.append(tuple((change, tuple(found)) for change, found in by_change.items()))
        assignments.append(_of(species, sets))
    settings = tuple(_of(variable, sets) for variable in structure.variables)
    return Changes(tuple(steps), tuple(assignments), settings, slow)


def _of(name: str, sets: list[tuple[int, Any]]) -> tuple[tuple[int, Expression], ...]:
    return tuple((code, value) for code, effects in sets for target, value in effects if target == name)


def apply_change(
    structure: Structure,
    plan: Changes,
    x: tuple[Any, ...],
    pending: Array,
    env: Mapping[str, Any],
    draw: _Draw | None = None,
) -> tuple[Any, ...]:
    """Apply the pending code of each lane; with `draw`, the slow codes, and without it all others.

    `env` holds what assignments read, in float64: see :func:`values_before`.
    """
    changed = []
    for value, steps, assignments in zip(x, plan.steps, plan.assignments, strict=True):
        new = _step(value, pending, [(c, _mine(codes, plan.slow, draw)) for c, codes in steps])
        for code, expression in assignments:
            if (code in plan.slow) == (draw is not None):
                assigned = to_count(evaluate(expression, env, draw), value)
                new = jnp.where(pending == np.int32(code), assigned, new)
        changed.append(new)
    return tuple(changed)


def set_variables(
    structure: Structure,
    plan: Changes,
    variables: tuple[Any, ...],
    pending: Array,
    env: Mapping[str, Any],
    draw: _Draw | None = None,
) -> tuple[Any, ...]:
    """Return the variables after the pending code of each lane; `draw` as in :func:`apply_change`."""
    changed = []
    for value, assignments in zip(variables, plan.settings, strict=True):
        new = value
        for code, expression in assignments:
            if (code in plan.slow) == (draw is not None):
                assigned = jnp.asarray(evaluate(expression, env, draw)).astype(jnp.float64)
                new = jnp.where(pending == np.int32(code), jnp.broadcast_to(assigned, value.shape), new)
        changed.append(new)
    return tuple(changed)


def values_before(
    structure: Structure, parameters: Mapping[str, Any], x: tuple[Any, ...], variables: tuple[Any, ...], t: Array
) -> dict[str, Any]:
    """Return all that assignments and triggers read, in float64: parameters, counts, variables and the time."""
    values = [
        *parameters.items(),
        *zip(structure.species, x, strict=True),
        *zip(structure.variables, variables, strict=True),
    ]
    return {name: jnp.asarray(value).astype(jnp.float64) for name, value in values} | {"t": t}


def _mine(codes: tuple[int, ...], slow: tuple[int, ...], draw: _Draw | None) -> list[int]:
    return [code for code in codes if (code in slow) == (draw is not None)]


def _step(value: Array, pending: Array, steps: list[tuple[int, list[int]]]) -> Any:
    delta = None
    for change, codes in steps:
        if not codes:
            continue
        hit = pending == np.int32(codes[0])
        for code in codes[1:]:
            hit = hit | (pending == np.int32(code))
        delta = jnp.where(hit, np.int32(change), np.int32(0) if delta is None else delta)
    return value if delta is None else value + delta


def to_count(value: ArrayLike, like: Array) -> Any:
    """Round an assigned value down to a count; what does not fit becomes negative, which is a fault."""
    number = jnp.broadcast_to(jnp.floor(jnp.asarray(value).astype(jnp.float64)), like.shape)
    large = jnp.where(number > _LARGEST, -_LARGEST, number)
    return jnp.where(large >= -_LARGEST, large, -1.0).astype(jnp.int32)


def enter_cell(
    structure: Structure, dosed: tuple[str, ...], x: tuple[Any, ...], timeline: Timeline, cell: Array, entering: Array
) -> tuple[Any, ...]:
    """Give the doses that act when a cell is entered: species become multiply * x + add."""
    result = list(x)
    for name in dosed:
        s = structure.species.index(name)
        multiply, add = timeline.multiply[:, s][cell], timeline.add[:, s][cell]
        result[s] = jnp.where(entering, to_count(multiply * x[s].astype(jnp.float64) + add, x[s]), x[s])
    return tuple(result)


# What each reaction changes, as arrays: so that applying a reaction is a look-up, not code of its own.


class ChangeTable(NamedTuple):
    """Species that each reaction changes, and by how much; as many columns as the reaction that changes most has."""

    species: Int32[np.ndarray, "reaction most"]
    """The number of species where there is none."""
    change: Int32[np.ndarray, "reaction most"]
    """0 where there is none."""


def tabulate_changes(structure: Structure, order: Sequence[int]) -> ChangeTable:
    """Tabulate the constant changes of the reactions, in the order given.

    Examples
    --------
    >>> import jaxsim as js
    >>> table = tabulate_changes(js.Network({"A": 1, "B": 0}, ["A -> B, 1", "-> A, 1"]).structure, [1, 0])
    >>> table.species.tolist(), table.change.tolist()
    ([[0, 2], [0, 1]], [[1, 0], [-1, 1]])
    """
    row_of = {name: s for s, name in enumerate(structure.species)}
    deltas = [[(row_of[n], c) for n, c in structure.reactions[r].changes.items() if c] for r in order]
    shape = (len(deltas), max(1, *map(len, deltas)) if deltas else 1)
    species, change = np.full(shape, len(row_of), np.int32), np.zeros(shape, np.int32)
    for row, delta in enumerate(deltas):
        for column, (s, c) in enumerate(delta):
            species[row, column], change[row, column] = s, c
    return ChangeTable(species, change)
