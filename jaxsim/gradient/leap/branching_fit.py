"""Fit branching critics: least squares of the objective on martingales of other trajectories."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.influence import influences
from jaxsim.gradient.leap.branching import BLOCKS, Branching, branching_tables, dying_species, seen
from jaxsim.gradient.leap.chain import (
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
from jaxsim.gradient.problem import Problem, batches, first_words
from jaxsim.gradient.summaries import Anchor
from jaxsim.paths.leap import fire
from jaxsim.runtime.workers import run_batches

_FITTED_FROM = 3 << 30  # number of the first trajectory of the fit
_FEWEST, _MOST = 1024, 4096  # trajectories of the fit, for some forty weights; a quarter of those of the gradient
LEAST_SHARE = 0.05  # of the variance, below which the critic is left out


def fitted_critic(
    problem: Problem, chain: LeapChain, scored: tuple[bool, ...], drive: Drive, anchor: list[Anchor | None]
) -> tuple[int, Branching | None]:
    """Return the species that may die out and the tables with fitted weights; -1 and None where that does not pay."""
    dying = dying_species(problem.objective, problem.network.structure)
    number = min(_MOST, problem.trajectories // 4)
    if dying is None or number < _FEWEST:
        return -1, None
    species = problem.network.structure.species.index(dying[0])
    tables = branching_tables(chain, drive, species, dying[1])
    block = np.arange(drive.width.size) * BLOCKS // drive.width.size

    def call(first: int) -> tuple[Any, Any]:
        return _martingales(chain, scored, species, drive._replace(first=first_words(first)), tables, block)

    parts = list(run_batches(call, batches(problem.first + _FITTED_FROM, number, chain.lanes)))
    rows = np.concatenate([m.reshape(-1, m.shape[-1]) for _, m in parts], axis=1).astype(np.float64)
    numbers = np.concatenate([found for found, _ in parts], axis=1).astype(np.float64)
    phi = influences(problem.objective, anchor, numbers)
    rows, phi = rows - rows.mean(axis=1, keepdims=True), phi - phi.mean()
    weight = np.linalg.lstsq(rows.T, phi, rcond=1e-4)[0]
    if np.var(phi - weight @ rows) > (1.0 - LEAST_SHARE) * np.var(phi):
        return -1, None
    return species, tables._replace(weight=weight.reshape(BLOCKS, -1)[block].astype(np.float32))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _martingales(
    chain: LeapChain, scored: tuple[bool, ...], species: int, drive: Drive, tables: Branching, block: Array
) -> tuple[Any, Any]:
    """Return F of each term [J, L] and the martingale of each critic in each block of time [B, 2 + S, L]."""
    lanes = begin_leaps(chain, drive)

    def step(here: tuple[Any, ...], index: Array) -> tuple[Any, None]:
        x, firings, numbers, before, sums = here
        a = chain_rates(chain, reals(x), drive.tables.exposure[index], lanes.parameters)
        fired = firings.astype(jnp.float32)
        parts = [fired[r] - rate * drive.width[index] if scored[r] else None for r, rate in enumerate(a)]
        rows = jnp.stack(seen(jax.tree.map(lambda leaf: leaf[index], tables), species, reals(x), parts))
        now = (np.arange(BLOCKS) == block[index]).astype(jnp.float32)
        sums = sums + now[:, None, None] * rows[None]
        x = dosed_at(drive, index + 1, fire(chain.structure, x, firings)[0])
        after = signals(chain, reals(x), lanes.parameters)
        numbers = noted(chain, drive, index, numbers, before, after)
        return (x, firings_at(chain, drive, lanes, index + 1, x), numbers, after, sums), None

    now = signals(chain, reals(lanes.x), lanes.parameters)
    sums = jnp.zeros((BLOCKS, tables.weight.shape[1], chain.lanes), jnp.float32)
    first = (lanes.x, firings_at(chain, drive, lanes, np.int32(0), lanes.x), first_note(chain, drive, now), now, sums)
    last, _ = lax.scan(step, first, jnp.arange(drive.width.shape[0], dtype=jnp.int32))
    return last[2], last[4]
