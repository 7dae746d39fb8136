"""The surrogate: each reaction treated by score or along the path, in one scalar whose derivative is the estimator.

Counts stay whole. Where a reaction is treated along the path, its firings K carry the derivative psi dm of their mean
m = a tau with psi = (K + m) / 2m, which is that of the Gaussian K = m + sqrt(m) Z read backwards ("Gaussian
straight-through"): in one leap the trapezoidal rule for the difference f(K + 1) - f(K), exact for quadratics at every
count. A carrier of value zero takes the derivative from species to species. Where a reaction is scored, the
log-likelihood of its firings is kept, which sees the carriers of the species that its rate reads.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient

from jaxsim.gradient.influence import Ends, Levels, loss
from jaxsim.gradient.leap.branching import Branching, seen
from jaxsim.gradient.leap.chain import (
    ChainLanes,
    Drive,
    LeapChain,
    begin_leaps,
    chain_rates,
    dosed_at,
    firings_at,
    first_note,
    noted,
    reals,
    signals,
)
from jaxsim.gradient.leap.paths import checkpointed_scan
from jaxsim.gradient.tables import Tables
from jaxsim.network import stoichiometry
from jaxsim.paths.leap import fire

_SMALLEST = 1e-6  # mean number of firings below which psi is 1


@dataclass(frozen=True)
class Surrogate:
    """Everything that shapes the compiled code."""

    chain: LeapChain
    scored: tuple[bool, ...]
    """For each reaction."""
    dying: int = -1
    """Position of the species whose branching critic follows the scored firings; -1 without."""

    def __hash__(self) -> int:
        return hash((self.chain, self.scored, self.dying))


class _Carry(NamedTuple):
    """The carry of the steps."""

    x: tuple[Any, ...]
    """int32 [L]."""
    carriers: tuple[Any, ...]
    """float32 [L], zero in value; their derivatives are those of the counts along the path."""
    firings: Any
    """Of the step that begins at `x`; carried over the edge of the loop, see `leap_paths`."""
    signals: Any
    likelihood: Any
    """float32 [L]: of the scored firings so far."""
    control: tuple[Any, ...]
    """float32 [L]: martingale and bracket of the critic; empty without."""
    ends: Ends


@partial(jax.jit, static_argnums=0)
def surrogate_gradient(
    program: Surrogate, drive: Drive, levels: Levels, critic: Branching | None = None
) -> tuple[Any, Ends]:
    """Return the gradient with respect to the tables, over one batch, and what the trajectories end with."""

    def scalar(tables: Tables) -> tuple[Any, Ends]:
        ends = surrogate_ends(program, drive._replace(tables=tables), critic)
        return loss(program.chain.terms, levels, ends), ends

    return jax.grad(scalar, has_aux=True)(drive.tables)


def surrogate_ends(program: Surrogate, drive: Drive, critic: Branching | None = None) -> Ends:
    """Run every lane from the start to the end, differentiable in the tables."""
    chain = program.chain
    lanes = begin_leaps(chain, drive)

    def step(here: _Carry, index: Array) -> _Carry:
        a = chain_rates(chain, _real(here.x, here.carriers), drive.tables.exposure[index], lanes.parameters)
        mean = [rate * drive.width[index] for rate in a]
        likelihood = here.likelihood + _likelihood(program, mean, here.firings)
        control = () if critic is None else _controlled(program, critic, index, here, mean)
        x, held = fire(chain.structure, here.x, here.firings)
        carriers = _carried(program, here, mean, x)
        changed = dosed_at(drive, index + 1, x)
        carriers = tuple(drive.multiply[index + 1, s] * row for s, row in enumerate(carriers))
        after = signals(chain, _real(changed, carriers), lanes.parameters)
        faulty = here.ends.faulty | jnp.any(here.firings < 0, axis=0)
        ends = _noted(chain, drive, index, here, after, likelihood)
        ends = ends._replace(held=here.ends.held | held, faulty=faulty)
        firings = firings_at(chain, drive, lanes, index + 1, changed)
        return _Carry(changed, carriers, firings, after, likelihood, control, ends)

    first = first_carry(chain, drive, lanes, critic is not None)
    last = checkpointed_scan(step, first, drive.width.shape[0])
    if critic is None:
        return last.ends
    martingale, bracket = last.control
    return last.ends._replace(whole=last.likelihood, martingale=martingale, bracket=bracket)


def first_carry(chain: LeapChain, drive: Drive, lanes: ChainLanes, controlled: bool) -> _Carry:
    """Return the carry at the start."""
    zero = jnp.zeros((chain.lanes,), jnp.float32)
    none = jnp.zeros((chain.lanes,), bool)
    now = signals(chain, reals(lanes.x), lanes.parameters)
    apart = jnp.zeros((len(chain.terms), chain.lanes), jnp.float32)
    ends = Ends(first_note(chain, drive, now), apart, apart, none, none)
    firings = firings_at(chain, drive, lanes, np.int32(0), lanes.x)
    return _Carry(lanes.x, (zero,) * len(lanes.x), firings, now, zero, (zero,) * (2 * controlled), ends)


def _real(x: tuple[Any, ...], carriers: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(count + carrier for count, carrier in zip(reals(x), carriers, strict=True))


def _likelihood(program: Surrogate, mean: list[Any], firings: Array) -> Any:
    """Return the log-likelihood of the scored firings of one step, up to a constant, [L]."""
    total = jnp.zeros_like(mean[0])
    for r, scored in enumerate(program.scored):
        if scored:
            alive = mean[r] > 0.0
            log = jnp.log(jnp.where(alive, mean[r], 1.0))
            total = total + jnp.where(alive, firings[r].astype(jnp.float32) * log, 0.0) - mean[r]
    return total


def _controlled(program: Surrogate, critic: Branching, index: Array, here: _Carry, mean: list[Any]) -> tuple[Any, Any]:
    """Return martingale and bracket after one step."""
    leap, x = jax.tree.map(lambda leaf: leaf[index], critic), reals(here.x)
    expected = [rate if scored else None for rate, scored in zip(mean, program.scored, strict=True)]
    surprise = [
        None if rate is None else here.firings[r].astype(jnp.float32) - stop_gradient(rate)
        for r, rate in enumerate(expected)
    ]
    added = [
        sum(leap.weight[c] * row for c, row in enumerate(seen(leap, program.dying, x, parts)))
        for parts in (surprise, expected)
    ]
    return here.control[0] + added[0], here.control[1] + added[1]


def _carried(program: Surrogate, here: _Carry, mean: list[Any], x: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the carriers after one step; a count held at zero takes no derivative on."""
    moves = []
    for r, scored in enumerate(program.scored):
        fixed = stop_gradient(mean[r])
        some = fixed > _SMALLEST
        psi = jnp.where(some, 0.5 * (here.firings[r].astype(jnp.float32) / jnp.where(some, fixed, 1.0) + 1.0), 1.0)
        moves.append(None if scored else psi * (mean[r] - fixed))
    rows = []
    for s, changes in enumerate(stoichiometry(program.chain.structure).tolist()):
        row, count = here.carriers[s], here.x[s]
        for r, change in enumerate(changes):
            if change:
                count = count + here.firings[r] * np.int32(change)
                move = moves[r]
                row = row if move is None else row + np.float32(change) * move
        rows.append(jnp.where(count < 0, 0.0, row))
    return tuple(rows)


def _noted(chain: LeapChain, drive: Drive, index: Array, here: _Carry, after: Array, likelihood: Array) -> Ends:
    """Return what is kept after one step."""
    numbers = noted(chain, drive, index, here.ends.numbers, here.signals, after)
    likelihoods, credit = [], []
    many = np.float32(chain.lanes / (chain.lanes - 1))
    for j, term in enumerate(chain.terms):
        weight = drive.looks.weight[index, j]
        seen = term.functional.seen(drive.looks.at[index + 1, j], weight, drive.looks.within[index + 1, j])
        likelihoods.append(jnp.where(seen, likelihood, here.ends.likelihoods[j]))
        if not term.credited:
            credit.append(here.ends.credit[j])
            continue
        left, right = (stop_gradient(value[j] - jnp.mean(value[j])) for value in (here.signals, after))
        part = 0.5 * many * weight * (left * here.likelihood + right * likelihood)
        credit.append(here.ends.credit[j] + part)
    return Ends(numbers, jnp.stack(likelihoods), jnp.stack(credit), here.ends.held, here.ends.faulty)
