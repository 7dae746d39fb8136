"""The direct method for many mass-action reactions, by partial propensities.

Reactions stand in groups that share a reactant. The propensity of a group is the count of that reactant times
the sum of its partial propensities. Sums that change are kept: a firing moves them by a multiple of a row of
constants for each species it changes. The search goes by columns of groups, then groups, then members. The work of
an event grows with the number of species, not of reactions, and so does the compiled code with its square root.

Constants are rounded to float32 and their sums kept in float64, so that sums are exact while the constants of
one group, or of one column of groups that need no sum, times counts, span less than 2**29; beyond, what rounding
leaves behind cannot fire a reaction whose own propensity is zero. The search is in float64 on all levels, so that a
reaction keeps its share however small it is; the waiting time is float32.

Source: Ramaswamy, González-Segredo & Sbalzarini, J. Chem. Phys. 130 (2009) 244104 (partial-propensity direct
method); Slepoy, Thompson & Plimpton, J. Chem. Phys. 128 (2008) 205101 (search by groups).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float64, Int32

from jaxsim.kernels.context import Context
from jaxsim.kernels.draws import BELOW_ONE, draw_bits, resolved, wait_and_choice, waiting_time
from jaxsim.kernels.exact.direct import Direct
from jaxsim.kernels.exact.groups import Groups, GroupTables, group, group_tables
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import largest, total
from jaxsim.kernels.saving import save_before_event, watch
from jaxsim.kernels.state import NONE, TOO_FINE, Inputs, Lanes, Owner
from jaxsim.kernels.stepper import Stepper
from jaxsim.network import Network


class Grouped(NamedTuple):
    """The state of the lanes, with the species of a lane side by side. B bound groups, F free ones."""

    counts: Int32[Array, "L F"]
    """Counts of the species, then ones: the first stands for the missing reactant of reactions without."""
    hosts: Int32[Array, "L B"]
    """Counts of the hosts of the bound groups, a species as often as it has groups."""
    sums: Float64[Array, "L B"]
    """Sums of the partial propensities of the bound groups."""
    free: Float64[Array, "L C"]
    """Propensities of the free groups, added up in columns."""


@dataclass(frozen=True)
class PartialPropensities(Stepper):
    """One event per step; the species of a lane stand side by side, and reactions in groups that share a reactant."""

    method = "direct"

    @property
    def native(self) -> Stepper:
        """The same law with species and reactions as variables of their own."""
        return Direct()

    def step(self, program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Lanes:
        """Apply the pending reaction of every lane, then draw when and which reaction is next."""
        groups, tables, end = groups_of(program), inputs.tables, inputs.times[-1]
        running = lanes.t < end
        if program.saving is Saving.CROSSING:
            lanes = save_before_event(program, lanes, inputs.times)
        x, changed = _apply(groups, tables, lanes.x, lanes.pending, running)
        lanes = watch(program, lanes._replace(x=x), given.precise)

        columns = _columns(groups, x)
        whole = _in_memory(_sum([columns[:, n] for n in range(groups.columns)]))
        a0 = whole.astype(jnp.float32)
        wait, u = wait_and_choice(lanes.bits, jnp.float32)
        draws = lanes.iteration - owner.first
        fine = resolved(a0, lanes.t)
        good = (a0 <= largest(jnp.float32)) & fine & (draws < inputs.max_events)
        if program.checked_counts:
            good = good & (changed >= 0)
        proposed = lanes.t + waiting_time(wait, a0)
        t = jnp.where(good, jnp.where(proposed < end, proposed, end), jnp.inf)
        pending = jnp.where(fine, _choose(groups, tables, x, columns, u * whole), TOO_FINE)
        return lanes._replace(
            t=jnp.where(running, t, lanes.t),
            pending=jnp.where(running, pending, lanes.pending),
            bits=draw_bits(owner.key0, owner.key1, draws + np.uint32(1)),
            iteration=lanes.iteration + np.uint32(1),
        )

    def propensities(self, program: Program, inputs: Inputs, given: Context, lanes: Lanes) -> Any:
        """Return the propensities of the groups, [groups, L]."""
        return jnp.concatenate(group_propensities(inputs.tables, lanes.x), axis=1).T

    def cost(self, program: Program) -> float:
        """Return about what a step costs, in ns a lane."""
        return 6.0 + len(program.structure.reactions)

    def tables(self, network: Network, inputs: Inputs) -> GroupTables:
        """Return the constants of the groups."""
        return group_tables(network.structure, inputs.parameters, inputs.initial)

    def empty(self, program: Program) -> Grouped:
        """Return the counts of lanes without trajectories."""
        groups, lanes = groups_of(program), program.lanes
        counts, hosts = (jnp.ones((lanes, width), jnp.int32) for width in (groups.free, groups.bound))
        sums, free = (jnp.zeros((lanes, width), jnp.float64) for width in (groups.bound, groups.columns))
        return Grouped(counts, hosts, sums, free)

    def begin(self, program: Program, inputs: Inputs, counts: tuple[Any, ...], fresh: Any, x: Any) -> Any:
        """Return counts in groups: in fresh lanes those given, elsewhere `x`."""
        started = grouped(program, inputs, counts)
        return jax.tree.map(lambda new, old: jnp.where(fresh[:, None], new, old), started, x)

    def by_lane(self, program: Program, x: Any) -> Any:
        """Return the counts with the species of a lane side by side."""
        return x.counts[:, : len(program.structure.species)]

    def by_species(self, program: Program, x: Any) -> tuple[Any, ...]:
        """Return the counts as one array for each species."""
        return tuple(self.stacked(program, x)[s] for s in range(len(program.structure.species)))

    def stacked(self, program: Program, x: Any) -> Any:
        """Return the counts as one array."""
        return self.by_lane(program, x).T


def groups_of(program: Program) -> Groups:
    """Return the groups of a program that has them."""
    groups = group(program.structure)
    if groups is None:
        raise TypeError("these reactions do not stand in groups; choose_stepper sees to that")
    return groups


def grouped(program: Program, inputs: Inputs, counts: tuple[Any, ...]) -> Grouped:
    """Return the state of lanes at the start, from the counts of each species, [L] each.

    Species that are the same for all trajectories are added once for all; sums are exact in any order.
    """
    groups, tables = groups_of(program), inputs.tables
    shape = (program.lanes, groups.bound)
    start = jnp.broadcast_to(tables.counts, (program.lanes, groups.free))
    sums = jnp.broadcast_to(tables.sums, shape)
    columns = jnp.broadcast_to(tables.columns, (program.lanes, groups.columns))
    for name in program.sampled_species:
        s = program.structure.species.index(name)
        count = counts[s].astype(jnp.float64)[:, None]
        start = start.at[:, s].set(counts[s])
        sums = sums + count * tables.influence[s].astype(jnp.float64)[None]
        columns = columns.at[:, s // groups.height].add(count[:, 0] * tables.free[s].astype(jnp.float64))
    return Grouped(start, start[:, groups.host[: groups.bound]], sums, columns)


def group_propensities(tables: GroupTables, x: Grouped) -> tuple[Any, Any]:
    """Return the propensities of the bound groups and of the free ones, [L, B] and [L, F]."""
    return _bound(x), _propensity(x.counts, tables.free[None])


def _bound(x: Grouped) -> Any:
    return _propensity(x.hosts, x.sums)


def _propensity(count: Array, partial: Array) -> Any:
    return _not_negative(count.astype(jnp.float64) * partial.astype(jnp.float64))


def _not_negative(value: Array) -> Any:
    """Return 0 for what rounding has left below it; what is not a number stays so."""
    return jnp.where(value < 0, np.float64(0.0), value)


def _apply(groups: Groups, tables: GroupTables, x: Grouped, pending: Array, running: Array) -> tuple[Grouped, Any]:
    """Return the state after the pending reactions, and the least count that they changed."""
    row, live = jnp.maximum(pending, np.int32(0)), running & (pending >= 0)
    most = groups.changes.species.shape[1]
    # one look-up for all
    packed = np.concatenate([groups.changes.species, groups.changes.species // groups.height, groups.changes.change], 1)
    found = _at(packed, row)
    species, columns, change = (found[:, n * most : (n + 1) * most] for n in range(3))
    change = jnp.where(live[:, None], change, np.int32(0))
    index = jnp.arange(pending.shape[0], dtype=jnp.int32)[:, None] * np.int32(groups.free) + species
    counts = x.counts.reshape(-1).at[index].add(change, mode="promise_in_bounds")
    after, least = _at(counts, index), jnp.zeros_like(pending)
    hosts, sums, free = x.hosts, x.sums, x.free
    host_of = jnp.asarray(groups.host[: groups.bound])[None, :]
    column_of = jnp.arange(groups.columns, dtype=jnp.int32)[None, :]
    moved = change.astype(jnp.float64) * _at(tables.free, species).astype(jnp.float64)
    for n in range(most):
        s, by = species[:, n], change[:, n]
        least = jnp.minimum(least, after[:, n])
        exact = by.astype(jnp.float64)
        hosts = hosts + jnp.where(host_of == s[:, None], by[:, None], np.int32(0))
        sums = sums + exact[:, None] * _at(tables.influence, s).astype(jnp.float64)
        free = free + jnp.where(column_of == columns[:, n, None], moved[:, n, None], np.float64(0.0))
    return Grouped(counts.reshape(x.counts.shape), hosts, sums, free), least


def _at(array: ArrayLike, index: Array) -> Any:
    """Return rows or elements at places that are known to be inside."""
    return jnp.asarray(array).at[index].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _columns(groups: Groups, x: Grouped) -> Any:
    """Return the sums over rows of groups, [L, columns]; written out, since a reduction is not vectorised."""
    width, bound = groups.columns, _bound(x)
    columns = _not_negative(x.free)
    for at in range(0, groups.bound, width):
        columns = columns + bound[:, at : at + width]
    return columns


def _choose(groups: Groups, tables: GroupTables, x: Grouped, columns: Array, threshold: Array) -> Any:
    """Return the reaction at the threshold: first the column, then the group in it, then the member."""
    lane = jnp.arange(threshold.shape[0], dtype=jnp.int32)
    column, rest = _written(groups, *_search(columns, threshold))
    row, rest = _search(_column_of_groups(groups, tables, x, column), rest)
    rows = np.int32(groups.bound // groups.columns)
    in_bound, in_free = column + row * np.int32(groups.columns), column * np.int32(groups.height) + row - rows
    chosen = jnp.where(row < rows, in_bound, np.int32(groups.bound) + in_free)
    start, counts = lane * np.int32(groups.free), x.counts.reshape(-1)
    host = _at(counts, start + _at(groups.host, chosen)).astype(jnp.float64)
    chosen, rest = _written(groups, chosen, rest / host)

    missing = np.int32(len(groups.partner))
    partner = np.append(groups.partner, np.int32(0))[groups.members]
    others = _at(counts, start[:, None] + _at(partner, chosen)).astype(jnp.float64)
    if groups.offset.any():
        offset = np.append(groups.offset, False)[groups.members].astype(np.float64)
        others = others - _at(offset, chosen)
    weights = _at(tables.members, chosen).astype(jnp.float64) * others
    member, _ = _search(weights, rest)
    width = np.int32(groups.members.shape[1])
    reaction = _at(groups.members.reshape(-1), chosen * width + member)
    fires = (reaction < missing) & (_at(weights.reshape(-1), lane * width + member) > 0) & jnp.isfinite(rest)
    return jnp.where(fires, reaction, NONE)


def _column_of_groups(groups: Groups, tables: GroupTables, x: Grouped, column: Array) -> Any:
    """Return the propensities of the groups that stand in one column, [L, rows]."""
    lane = jnp.arange(column.shape[0], dtype=jnp.int32)
    counts = _at(x.counts.reshape(-1, groups.height), lane * np.int32(groups.columns) + column)
    free = _propensity(counts, _at(tables.free.reshape(-1, groups.height), column))
    if not groups.bound:
        return free
    rows = np.arange(0, groups.bound, groups.columns, dtype=np.int32)[None]
    at = (lane * np.int32(groups.bound) + column)[:, None] + rows
    bound = _propensity(_at(x.hosts.reshape(-1), at), _at(x.sums.reshape(-1), at))
    return jnp.concatenate([bound, free], axis=1)


def _search(weights: Array, threshold: Array) -> tuple[Any, Any]:
    """Return the place of the threshold among the weights [L, n], and how far into that place it is.

    Rounding may let the threshold reach the sum of all; it is then taken to be just below. So a place without weight
    is found only where there is none with weight.
    """
    sums = total([weights[:, n] for n in range(weights.shape[1])])
    most = sums[-1] * BELOW_ONE
    threshold = jnp.where(threshold < most, threshold, most)
    starts, inside = [jnp.zeros_like(threshold), *sums[:-1]], jnp.zeros(threshold.shape, jnp.int32)
    never = jnp.full_like(threshold, jnp.inf)
    while len(starts) > 1:  # halving: a few selections wait for each other, not as many as there are places
        half = (len(starts) + 1) // 2
        passed = threshold >= starts[half]
        upper = [*starts[half:], never][:half]
        starts = [jnp.where(passed, high, low) for high, low in zip(upper, starts[:half], strict=True)]
        inside = inside + jnp.where(passed, np.int32(half), np.int32(0))
    return inside, threshold - starts[0]


def _sum(values: list[Any]) -> Any:
    """Return the sum, in pairs: fewer additions wait for each other."""
    while len(values) > 1:
        values = [sum(values[n : n + 2][1:], values[n]) for n in range(0, len(values), 2)]
    return values[0]


def _written(groups: Groups, index: Array, rest: Array) -> tuple[Any, Any]:
    """Return an index and a float64 by way of memory, packed in one number: the index in the last bits of the other."""
    last = np.uint64((1 << len(groups.host).bit_length()) - 1)
    packed = _in_memory((lax.bitcast_convert_type(rest, jnp.uint64) & ~last) | index.astype(jnp.uint64))
    return (packed & last).astype(jnp.int32), lax.bitcast_convert_type(packed & ~last, jnp.float64)


def _in_memory(value: Array) -> Any:
    """Return the same values, by way of memory.

    XLA would compute them afresh for every element of the wider arrays that read them, which costs five times
    as much. A scatter is not fused with its readers.
    """
    lane = jnp.arange(value.shape[0], dtype=jnp.int32)
    return jnp.zeros_like(value).at[lane].set(value, mode="promise_in_bounds", unique_indices=True)
