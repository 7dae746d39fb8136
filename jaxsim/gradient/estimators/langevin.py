"""Pathwise derivatives of the chemical Langevin equation on the leap grid (Euler-Maruyama), float32.

Gillespie, J. Chem. Phys. 113 (2000) 297. Propensities are read at max(x, 0) and the state is left as it comes, as in
the simulator's own Langevin method. The normal variates come from the same uniforms as the firings of the leap chain.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxsim.gradient.estimators.leap_score import leap_anchors
from jaxsim.gradient.estimators.surrogate import drive_from, from_batches
from jaxsim.gradient.influence import Ends, Levels, loss
from jaxsim.gradient.leap.chain import (
    ChainLanes,
    Drive,
    LeapChain,
    begin_leaps,
    chain_rates,
    first_note,
    noted,
    reals,
    signals,
    step_words,
)
from jaxsim.gradient.leap.paths import checkpointed_scan
from jaxsim.gradient.problem import GradientEstimate, Problem, chain_of, drive_of, lanes_of
from jaxsim.gradient.tables import Tables
from jaxsim.gradient.validity import refuse_jumping_rates, refuse_jumps
from jaxsim.kernels.continuous.langevin import starved
from jaxsim.network import stoichiometry
from jaxsim.random import normal, uniform

_SMALLEST = 1e-12  # mean number of firings at which the derivative of the square root is taken as 0
_BIAS = (
    "that of the Langevin equation and its steps: wrong within a few molecules of zero, of the order of 1/N elsewhere"
)


class _Carry(NamedTuple):
    x: tuple[Any, ...]
    noise: Any
    signals: Any
    ends: Ends


def refuse(problem: Problem) -> None:
    """Refuse an objective, or a rate, that jumps with the state."""
    refuse_jumps(problem.objective, "langevin")
    refuse_jumping_rates(problem, "langevin")


def estimate(problem: Problem) -> GradientEstimate:
    """Average the pathwise gradients of batches."""
    refuse(problem)
    chain = chain_of(problem, lanes_of(problem, between=True))
    drive = drive_of(problem)
    anchor = leap_anchors(problem, drive)

    def call(first: int, levels: Levels) -> tuple[Any, Ends]:
        return langevin_gradient(chain, drive_from(drive, first), levels)

    return from_batches(problem, chain.lanes, anchor, call, _BIAS)


@partial(jax.jit, static_argnums=0)
def langevin_gradient(chain: LeapChain, drive: Drive, levels: Levels) -> tuple[Any, Ends]:
    """Return the gradient with respect to the tables, over one batch, and what the trajectories end with."""

    def scalar(tables: Tables) -> tuple[Any, Ends]:
        ends = _ends(chain, drive._replace(tables=tables))
        return loss(chain.terms, levels, ends), ends

    return jax.grad(scalar, has_aux=True)(drive.tables)


def _ends(chain: LeapChain, drive: Drive) -> Ends:
    lanes = begin_leaps(chain, drive)

    def step(here: _Carry, index: Array) -> _Carry:
        read = tuple(jnp.maximum(row, 0.0) for row in here.x)
        a = chain_rates(chain, read, drive.tables.exposure[index], lanes.parameters)
        fired = [_fired(rate * drive.width[index], here.noise[r]) for r, rate in enumerate(a)]
        x = _moved(chain, here.x, fired)
        x = tuple(drive.multiply[index + 1, s] * row + drive.add[index + 1, s] for s, row in enumerate(x))
        after = signals(chain, x, lanes.parameters)
        numbers = noted(chain, drive, index, here.ends.numbers, here.signals, after)
        faulty = here.ends.faulty | ~jnp.all(jnp.isfinite(jnp.stack(a)) & (jnp.stack(a) >= 0.0), axis=0)
        faulty = faulty | starved(chain.structure, jnp.stack(here.x), jnp.stack(a))
        held = here.ends.held | jnp.any(jnp.stack(x) < 0.0, axis=0)
        ends = here.ends._replace(numbers=numbers, faulty=faulty, held=held)
        return _Carry(x, _noise(chain, lanes, index + 1), after, ends)

    return checkpointed_scan(step, _first(chain, drive, lanes), drive.width.shape[0]).ends


def _first(chain: LeapChain, drive: Drive, lanes: ChainLanes) -> _Carry:
    x = reals(lanes.x)
    now = signals(chain, x, lanes.parameters)
    apart, none = jnp.zeros((len(chain.terms), chain.lanes), jnp.float32), jnp.zeros((chain.lanes,), bool)
    return _Carry(
        x, _noise(chain, lanes, np.int32(0)), now, Ends(first_note(chain, drive, now), apart, apart, none, none)
    )


def _noise(chain: LeapChain, lanes: ChainLanes, step: ArrayLike) -> Any:
    words = step_words(lanes.key, len(chain.structure.reactions), jnp.asarray(step).astype(jnp.uint32))
    return normal(uniform(words), uniform(~words))


def _fired(mean: Array, noise: Array) -> Any:
    some = mean > _SMALLEST
    return mean + jnp.where(some, jnp.sqrt(jnp.where(some, mean, 1.0)), 0.0) * noise


def _moved(chain: LeapChain, x: tuple[Any, ...], fired: list[Any]) -> tuple[Any, ...]:
    rows = []
    for s, changes in enumerate(stoichiometry(chain.structure).tolist()):
        row = x[s]
        for r, change in enumerate(changes):
            if change:
                row = row + np.float32(change) * fired[r]
        rows.append(row)
    return tuple(rows)
