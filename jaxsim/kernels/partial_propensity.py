"""The direct method for many mass-action reactions, by partial propensities.

Reactions stand in groups that share a reactant. The propensity of a group is the count of that reactant times
the sum of its partial propensities, which is kept: a firing changes it by a multiple of a row of constants for
each species it changes. The search goes by columns of groups, then groups, then members. The work of an event
grows with the number of species, not of reactions, and so does the compiled code with its square root.

Constants are rounded to float32 and their sums kept in float64, so that sums are exact while the constants of
one group, times counts, span less than 2**29; beyond, what rounding leaves behind cannot fire a reaction
whose own propensity is zero.

Source: Ramaswamy, González-Segredo & Sbalzarini, J. Chem. Phys. 130 (2009) 244104 (partial-propensity direct
method); Slepoy, Thompson & Plimpton, J. Chem. Phys. 128 (2008) 205101 (search by groups).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32

from jaxsim.kernels.codes import NONE
from jaxsim.kernels.context import Context
from jaxsim.kernels.groups import Groups, GroupTables, group
from jaxsim.kernels.passage import watch
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.randomness import HALF, draw_bits, two_uniforms
from jaxsim.kernels.rates import largest
from jaxsim.kernels.saving import save_before_event
from jaxsim.kernels.selection import waiting_time
from jaxsim.kernels.state import Inputs, Lanes, Owner


class Grouped(NamedTuple):
    """The state of the lanes, with the species of a lane side by side. W groups."""

    counts: Int32[Array, "L W"]
    """Counts of the species, then ones: the first stands for the missing reactant of reactions without."""
    sums: Float64[Array, "L W"]
    """Sums of the partial propensities of each group."""


def arrangement(program: Program) -> Groups:
    """Return the groups of a program that has them."""
    groups = group(program.structure)
    assert groups is not None
    return groups


def grouped(program: Program, inputs: Inputs, given: Context, counts: tuple[Any, ...]) -> Grouped:
    """Return the state of lanes at the start, from the counts of each species, [L] each.

    Species that are the same for all trajectories are added once for all; sums are exact in any order.
    """
    groups, names = arrangement(program), program.structure.species
    assert given.groups is not None
    influence = given.groups.influence.astype(jnp.float64)
    shared = [0 if name in program.sampled_species else inputs.initial[name] for name in names]
    sums = given.groups.fixed + jnp.stack([jnp.asarray(n).astype(jnp.float64) for n in shared]) @ influence[:-1]
    sums = jnp.broadcast_to(sums[None], (program.lanes, groups.width))
    for name in program.sampled_species:
        s = names.index(name)
        sums = sums + counts[s].astype(jnp.float64)[:, None] * influence[s][None]
    ones = (jnp.ones_like(counts[0]),) * (groups.width - len(names))
    return Grouped(jnp.stack([*counts, *ones], axis=1), sums)


def empty_groups(program: Program) -> Grouped:
    """Return the state of lanes without trajectories."""
    shape = (program.lanes, arrangement(program).width)
    return Grouped(jnp.ones(shape, jnp.int32), jnp.zeros(shape, jnp.float64))


def group_propensities(x: Grouped, real: Any) -> Any:
    """Return the propensity of every group, [L, W]."""
    return jnp.maximum(x.counts.astype(real) * x.sums.astype(real), jnp.zeros((), real))


def partial_propensity_step(program: Program, inputs: Inputs, owner: Owner, given: Context, lanes: Lanes) -> Lanes:
    """Apply the pending reaction of every lane, then draw when and which reaction is next."""
    groups, real, end = arrangement(program), program.real, inputs.times[-1]
    assert given.groups is not None
    running = lanes.t < end
    if program.saving is Saving.CROSSING:
        lanes = save_before_event(program, lanes, inputs.times)
    x, changed = _apply(groups, given.groups, lanes.x, lanes.pending, running)
    lanes = watch(program, lanes._replace(x=x), given.env)

    columns = _columns(groups, group_propensities(x, real))
    total = columns[:, 0]
    for column in range(1, groups.columns):
        total = total + columns[:, column]
    u_time, u_choice = two_uniforms(lanes.bits, real)
    draws = lanes.iteration - owner.first
    good = (total <= largest(real)) & (draws < inputs.max_events)
    if program.checked_counts:
        good = good & (changed >= 0)
    proposed = lanes.t + waiting_time(u_time, total)
    return lanes._replace(
        t=jnp.where(good, jnp.where(proposed < end, proposed, end), jnp.inf),
        pending=_choose(groups, given.groups, x, columns, u_choice * total, real),
        bits=draw_bits(owner.key0, owner.key1, draws + np.uint32(1)),
        iteration=lanes.iteration + np.uint32(1),
    )


def _apply(groups: Groups, constants: GroupTables, x: Grouped, pending: Any, running: Any) -> tuple[Grouped, Any]:
    """Return the state after the pending reactions, and the least count that they changed."""
    row, lane = jnp.maximum(pending, np.int32(0)), jnp.arange(pending.shape[0], dtype=jnp.int32)
    live = running & (pending >= 0)
    counts, sums, least = x.counts, x.sums, jnp.zeros_like(pending)
    for column in range(groups.changed.shape[1]):
        species = jnp.asarray(groups.changed[:, column])[row]
        change = jnp.where(live, jnp.asarray(groups.change[:, column])[row], np.int32(0))
        counts = counts.at[lane, species].add(change, mode="promise_in_bounds", unique_indices=True)
        least = jnp.minimum(least, counts[lane, species])
        sums = sums + change.astype(jnp.float64)[:, None] * constants.influence[species].astype(jnp.float64)
    return Grouped(counts, sums), least


def _columns(groups: Groups, propensities: Any) -> Any:
    """Return the sums over rows of groups, [L, columns]; written out, since a reduction is not vectorised."""
    width = groups.columns
    columns = propensities[:, :width]
    for row in range(1, groups.rows):
        columns = columns + propensities[:, row * width : (row + 1) * width]
    return columns


def _choose(groups: Groups, constants: GroupTables, x: Grouped, columns: Any, threshold: Any, real: Any) -> Any:
    """Return the reaction at the threshold: first the column, then the group in it, then the member."""
    lane = jnp.arange(threshold.shape[0], dtype=jnp.int32)
    column, rest = _written(*_search(columns, threshold))
    at = (lane * np.int32(groups.width) + column)[:, None] + _row_starts(groups)
    flat = Grouped(x.counts.reshape(-1)[at], x.sums.reshape(-1)[at])
    row, rest = _search(group_propensities(flat, real), rest)
    host = column + row * np.int32(groups.columns)
    host, rest = _written(host, rest / x.counts.reshape(-1)[lane * np.int32(groups.width) + host].astype(real))

    missing = np.int32(len(groups.partner))
    partner = np.append(groups.partner, np.int32(0))[groups.members]
    others = x.counts.reshape(-1)[(lane * np.int32(groups.width))[:, None] + jnp.asarray(partner)[host]].astype(real)
    if groups.offset.any():
        offset = np.append(groups.offset, False)[groups.members].astype(np.float32)
        others = others - jnp.asarray(offset)[host].astype(real)
    weights = constants.constants[host] * others
    member, _ = _search(weights, rest)
    reaction = jnp.asarray(groups.members)[host, member]
    fires = (reaction < missing) & (weights[lane, member] > 0)
    return jnp.where(fires, reaction, NONE)


def _row_starts(groups: Groups) -> np.ndarray:
    return np.arange(groups.rows, dtype=np.int32)[None] * np.int32(groups.columns)


def _search(weights: Any, threshold: Any) -> tuple[Any, Any]:
    """Return the place of the threshold among the weights [L, n], and how far into that place it is.

    Rounding may let the threshold pass the sum of all; the last place with a positive weight is taken then.
    """
    inside, last = jnp.zeros(threshold.shape, jnp.int32), jnp.zeros(threshold.shape, jnp.int32)
    running, below = jnp.zeros_like(threshold), jnp.zeros_like(threshold)
    for n in range(weights.shape[1]):
        weight = weights[:, n]
        running = running + weight
        passed = threshold >= running
        inside = inside + passed.astype(jnp.int32)
        below = jnp.where(passed, running, below)
        last = jnp.where(weight > 0, np.int32(n), last)
    return jnp.minimum(inside, last), threshold - below


def _written(index: Any, rest: Any) -> tuple[Any, Any]:
    """Return the same values, by way of memory.

    XLA would compute them afresh for every element of the wider arrays that read them, which costs five times
    as much. A scatter is not fused with its readers; and one packed array is one scatter.
    """
    packed = (lax.bitcast_convert_type(rest, jnp.uint32).astype(jnp.uint64) << HALF) | index.astype(jnp.uint64)
    lane = jnp.arange(packed.shape[0], dtype=jnp.int32)
    packed = jnp.zeros_like(packed).at[lane].set(packed, mode="promise_in_bounds", unique_indices=True)
    rest = lax.bitcast_convert_type((packed >> HALF).astype(jnp.uint32), jnp.float32)
    return packed.astype(jnp.uint32).astype(jnp.int32), rest
