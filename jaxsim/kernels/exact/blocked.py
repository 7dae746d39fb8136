"""The direct method for many reactions: propensities are rows of an array, searched in two levels.

The sums of blocks of reactions are searched first, then the one block that holds the chosen reaction; only
the species that it changes are touched. The compiled code does not grow with mass-action reactions.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.kernels.change import ChangeTable, tabulate_changes
from jaxsim.kernels.context import Context
from jaxsim.kernels.draws import BELOW_ONE, choose, draw_bits, resolved, running_sums, wait_and_choice, waiting_time
from jaxsim.kernels.exact.direct import Direct
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import Rates, as_mass_action, largest, product, state_values, total
from jaxsim.kernels.saving import save_before_event, watch
from jaxsim.kernels.state import TOO_FINE, Inputs, Lanes, Owner
from jaxsim.kernels.stepper import Stepper
from jaxsim.network import Expression, Structure, evaluate, names


class Layout(NamedTuple):
    """The static arrangement of reactions in rows: mass action first, then all others."""

    order: tuple[int, ...]
    """Reaction in each row."""
    constants: tuple[tuple[Expression, ...], ...]
    """Constant factors of each mass-action row."""
    first: np.ndarray
    """Row of x of the first factor; the row of ones if there is none."""
    second: np.ndarray
    offset: np.ndarray
    """1 where the second factor is x - 1."""
    others: tuple[Expression, ...]
    block: int
    rows: int
    """Rows including those without a reaction that complete the last block."""
    changes: ChangeTable
    """Of each row that holds a reaction."""


@lru_cache(maxsize=64)
def arrange(structure: Structure, plan: Rates) -> Layout:
    """Sort the reactions into rows and tabulate what they change."""
    row_of = {name: s for s, name in enumerate(structure.species)}
    differences = frozenset(name for name, _ in plan.differences)
    ones = len(row_of)  # x has one more row, of ones, for factors that are missing
    rates = plan.expressions
    forms = [None if differences & names(rate) else as_mass_action(rate, frozenset(row_of)) for rate in rates]
    simple = [r for r, form in enumerate(forms) if form is not None]
    other = [r for r, form in enumerate(forms) if form is None]
    order = (*simple, *other)
    block = max(4, math.isqrt(4 * len(order)))
    rows = -(-len(order) // block) * block
    missing = 0 if other else rows - len(order)  # rows of constant zero that complete the last block
    factors = [forms[r].species for r in simple]  # type: ignore[union-attr]
    return Layout(
        order,
        tuple(forms[r].constants for r in simple),  # type: ignore[union-attr]
        _padded([row_of[f[0]] if f else ones for f in factors], missing, ones),
        _padded([row_of[f[1]] if len(f) > 1 else ones for f in factors], missing, ones),
        np.array([len(f) > 1 and f[0] == f[1] for f in factors] + [False] * missing),
        tuple(plan.expressions[r] for r in other),
        block,
        rows,
        tabulate_changes(structure, order),
    )


def _padded(values: list[int], missing: int, fill: int) -> np.ndarray:
    return np.array(values + [fill] * missing, np.int32)


@dataclass(frozen=True)
class Blocked(Stepper):
    """One event per step; species and reactions are rows of arrays: int32 [species + 1, L] with a last row of ones."""

    method = "direct"

    @property
    def native(self) -> Stepper:
        """The same law with species and reactions as variables of their own."""
        return Direct()

    def step(self, program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Lanes:
        """Apply the pending reaction of every lane, then draw when and which reaction is next."""
        layout, real, end = arrange(program.structure, program.rates), program.real, inputs.times[-1]
        running = lanes.t < end
        if program.saving is Saving.CROSSING:
            lanes = save_before_event(program, lanes, inputs.times)
        x = _apply(layout, lanes.x, lanes.pending, running)
        lanes = watch(program, lanes._replace(x=x), given.precise)

        a = blocked_propensities(program, given, x)
        wait, u = wait_and_choice(lanes.bits, real)
        blocks = list(jnp.sum(a.reshape(-1, layout.block, a.shape[1]), axis=1))
        sums = running_sums(blocks)
        a0 = total(blocks)[-1]
        draws = lanes.iteration - owner.first
        fine = resolved(a0, lanes.t)
        good = (a0 <= largest(real)) & fine & (draws < inputs.max_events)
        if program.checked_counts:
            good = good & (jnp.min(x, axis=0) >= 0)
        if program.checked_rates:
            good = good & (jnp.min(a, axis=0) >= 0)
        proposed = lanes.t + waiting_time(wait, a0)
        t = jnp.where(good, jnp.where(proposed < end, proposed, end), jnp.inf)
        pending = jnp.where(fine, _choose(layout, u, sums, a), TOO_FINE)
        return lanes._replace(
            t=jnp.where(running, t, lanes.t),
            pending=jnp.where(running, pending, lanes.pending),
            bits=draw_bits(owner.key0, owner.key1, draws + np.uint32(1)),
            iteration=lanes.iteration + np.uint32(1),
        )

    def propensities(self, program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Any:
        """Return the propensities, [rows, L]."""
        return blocked_propensities(program, given, lanes.x)

    def cost(self, program: Program) -> float:
        """Return about what a step costs, in ns a lane."""
        return 6.0 + len(program.structure.reactions)

    def empty(self, program: Program) -> Any:
        """Return the counts of lanes without trajectories."""
        return jnp.ones((len(program.structure.species) + 1, program.lanes), jnp.int32)

    def begin(self, program: Program, inputs: Inputs, counts: tuple[Any, ...], fresh: Any, x: Any) -> Any:
        """Return counts in rows: in fresh lanes those given, elsewhere `x`."""
        return jnp.where(fresh[None, :], jnp.stack([*counts, jnp.ones_like(counts[0])]), x)

    def by_lane(self, program: Program, x: Any) -> Any:
        """Return the counts with the species of a lane side by side."""
        return x[:-1].T

    def by_species(self, program: Program, x: Any) -> tuple[Any, ...]:
        """Return the counts as one array for each species."""
        return tuple(x[:-1][s] for s in range(len(program.structure.species)))

    def stacked(self, program: Program, x: Any) -> Any:
        """Return the counts as one array."""
        return x[:-1]

    def applied(self, program: Program, inputs: Inputs, lanes: Lanes) -> Any:
        """Return what the next step applies, by the reaction in each row."""
        code = super().applied(program, inputs, lanes)
        order = np.array(arrange(program.structure, program.rates).order, np.int32)
        return jnp.where(code >= 0, jnp.asarray(order)[jnp.maximum(code, np.int32(0))], code)


def _apply(layout: Layout, x: Array, pending: Array, running: Array) -> Any:
    row = jnp.maximum(pending, np.int32(0))
    lane = jnp.arange(x.shape[1], dtype=jnp.int32)
    live = running & (pending >= 0)
    for changed, amount in zip(layout.changes.species.T, layout.changes.change.T, strict=True):
        species = jnp.where(live, jnp.asarray(changed)[row], np.int32(x.shape[0]))  # outside: dropped
        change = jnp.asarray(amount)[row]
        x = x.at[species, lane].add(change, mode="drop", unique_indices=True)
    return x


def blocked_propensities(program: Program, given: Context, x: Array) -> Any:
    """Return the propensities [rows, L], in the order of the layout."""
    layout, real, lanes = arrange(program.structure, program.rates), program.real, x.shape[1]
    parts = []
    if layout.constants:
        first, second = x[layout.first].astype(real), x[layout.second].astype(real)
        if layout.offset.any():
            second = second - jnp.asarray(layout.offset[:, None]).astype(real)
        parts.append(_constants(layout, given.env, lanes, real) * first * second)
    if layout.others:
        counts = zip(program.structure.species, program.stepper.by_species(program, x), strict=True)
        state = state_values(program.rates, given.env, given.precise, counts, real)
        values = [jnp.asarray(evaluate(rate, state)).astype(real) for rate in layout.others]
        parts.append(jnp.stack([jnp.broadcast_to(value, (lanes,)) for value in values]))
        missing = layout.rows - len(layout.order)
        if missing:
            parts.append(jnp.zeros((missing, lanes), real))
    return jnp.concatenate(parts) if len(parts) > 1 else parts[0]


def _constants(layout: Layout, env: dict[str, Any], lanes: int, real: Any) -> Any:
    """Return the rate constants, [rows, 1] or [rows, L] where some differ between trajectories."""
    values = [jnp.asarray(product(factors, env)).astype(real) for factors in layout.constants]
    values += [jnp.zeros((), real)] * (layout.first.size - len(values))
    if all(value.ndim == 0 for value in values):
        return jnp.stack(values)[:, None]
    return jnp.stack([jnp.broadcast_to(value, (lanes,)) for value in values])


def _choose(layout: Layout, u: Array, sums: list[Any], a: Array) -> Any:
    """Return the row of the chosen reaction: first its block, by running sums over blocks, then inside the block.

    The sum of a block has been rounded to the precision of propensities. Where the threshold lies in the block is
    therefore taken as a share of it, so that each reaction has its share of the block, however small.
    """
    threshold = u * sums[-1]
    block, below, height = jnp.zeros(threshold.shape, jnp.int32), jnp.zeros_like(threshold), sums[0]
    for value, following in pairwise(sums):
        passed = threshold >= value
        block, below = block + passed.astype(jnp.int32), jnp.where(passed, value, below)
        height = jnp.where(passed, following - value, height)
    lane = jnp.arange(a.shape[1], dtype=jnp.int32)
    rows = [block * np.int32(layout.block) + np.int32(k) for k in range(layout.block)]
    inner = running_sums([a.at[row, lane].get(mode="promise_in_bounds") for row in rows])
    inside = choose((threshold - below) / height * (inner[-1] * BELOW_ONE), inner)
    return block * np.int32(layout.block) + inside
