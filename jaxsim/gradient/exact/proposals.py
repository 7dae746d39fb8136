"""Proposals of exact paths: when the next one is, of what, and whether it is accepted.

Paths are proposed to at upper bounds of their rates over a cell of time, or enter the next cell (Lewis & Shedler, Naval
Res. Logist. 26 (1979) 403, theorem 1). All that follows from a proposal is one code for each lane, `pending`: the end
of a path and a fault too, so that nothing that happens once in a path is computed at every proposal.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxsim.gradient.exact.drive import ExactDrive
from jaxsim.gradient.leap.chain import ChainLanes, LeapChain
from jaxsim.kernels.draws import choose, draw_bits, falls_below, resolved, wait_and_choice, waiting_time
from jaxsim.kernels.rates import Rates, leaves_before, propensity_bounds

NO_EVENT, ENTER, _REJECTED, _FAULT = -1, -2, -3, -4


class Clock(NamedTuple):
    """When the last proposal happens, and what the next one is drawn from."""

    time: Any
    """float64 [L]: where the proposal before happened."""
    until: Any
    """float64 [L]."""
    cell: Any
    """int32 [L]; the number of cells where the path has ended, and more after a fault."""
    draws: Any
    """uint32: all lanes make one proposal an iteration."""
    bits: Any
    """uint64 [L]: random bits of the next proposal, which XLA would otherwise make again wherever they are read."""


class Proposal(NamedTuple):
    """An event proposed at the bounds."""

    sums: list[Any]
    """float64 [L]: running sums of the bounds."""
    threshold: Any
    """float64 [L]: where among them it lies."""
    chosen: Any
    """int32 [L]: the reaction there."""
    inside: Any
    """bool [L]: whether it is within the cell."""
    until: Any
    """float64 [L]: when it happens, at the latest the edge of the cell."""


def first_clock(chain: LeapChain, exact: ExactDrive, lanes: ChainLanes) -> Clock:
    """Return the clock before the first proposal."""
    time, none = jnp.full((chain.lanes,), exact.origin), jnp.zeros((chain.lanes,), jnp.int32)
    return Clock(time, time, none, np.uint32(0), next_bits(lanes, np.uint32(0)))


def next_bits(lanes: ChainLanes, draws: ArrayLike) -> Any:
    """Return the random bits of a proposal, by its number."""
    return draw_bits(lanes.key[0], lanes.key[1], jnp.broadcast_to(draws, lanes.key[0].shape))


def entered(exact: ExactDrive, clock: Clock, pending: Array) -> Clock:
    """Return the clock at the next proposal, in the next cell where that is pending."""
    cell = clock.cell + (pending == np.int32(ENTER)).astype(jnp.int32)
    cell = jnp.where(pending == np.int32(_FAULT), np.int32(exact.lower.shape[0] + 1), cell)
    return clock._replace(time=clock.until, cell=cell)


def faulty(exact: ExactDrive, clock: Clock) -> Any:
    """Return the lanes that have ended by a fault."""
    return clock.cell > np.int32(exact.lower.shape[0])


def propose(exact: ExactDrive, clock: Clock, sums: list[Any]) -> Proposal:
    """Return the next proposal, from running sums of bounds over the cell."""
    edge = exact.edges[within(exact, clock) + np.int32(1)]
    wait, u = wait_and_choice(clock.bits, jnp.float32)
    arrival = clock.time + waiting_time(wait, sums[-1].astype(jnp.float32))
    threshold = u * sums[-1]
    return Proposal(sums, threshold, choose(threshold, sums), arrival < edge, jnp.minimum(arrival, edge))


def within(exact: ExactDrive, clock: Clock) -> Any:
    """Return the cell of every lane, the last one where the path has ended."""
    return jnp.minimum(clock.cell, np.int32(exact.lower.shape[0] - 1))


def drawn(lanes: ChainLanes, clock: Clock, proposal: Proposal) -> Clock:
    """Return the clock after a proposal."""
    draws = clock.draws + np.uint32(1)
    return clock._replace(until=proposal.until, draws=draws, bits=next_bits(lanes, draws))


def accepted(
    exact: ExactDrive, clock: Clock, proposal: Proposal, a: list[Any], thinned: tuple[int, ...], wrong: Array
) -> Any:
    """Return what a proposal comes to for rates of which some are below their bounds."""
    pending, sums = proposal.chosen, proposal.sums
    for r in thinned:
        refused = (proposal.chosen == np.int32(r)) & ~falls_below(proposal.threshold, sums, r, a[r])
        pending = jnp.where(refused, np.int32(_REJECTED), pending)
    pending = jnp.where(proposal.inside, pending, np.int32(ENTER))
    pending = jnp.where(wrong, np.int32(_FAULT), pending)
    return jnp.where(clock.cell >= np.int32(exact.lower.shape[0]), np.int32(NO_EVENT), pending)


def out_of_range(clock: Clock, total_rate: Array, found: list[Any]) -> Any:
    """Return the lanes in which a rate is negative, the total not finite, or too large for the clock."""
    wrong = ~((total_rate < 3e38) & resolved(total_rate, clock.time))
    for rate in found:
        wrong = wrong | (rate < 0.0)
    return wrong


def upper_bounds(
    chain: LeapChain, plan: Rates, exact: ExactDrive, lanes: ChainLanes, clock: Clock, x: tuple[Any, ...]
) -> list[Any]:
    """Return an upper bound of every propensity over the cell of each lane, [L]."""
    cell, env = within(exact, clock), leaves_before(plan, lanes.parameters, jnp.float32)
    env |= dict(zip(chain.structure.species, x, strict=True))
    leaves = {name: (exact.lower[cell, d], exact.upper[cell, d]) for d, (name, _) in enumerate(plan.in_time)}
    return propensity_bounds(plan, env, leaves, x[0])
