"""Exact paths with their scores: Gillespie's direct method by thinning, one proposal per iteration and lane.

The score of a path is the sum over events of d log a less the integral over time of d a0, from the start to the end,
the last interval without an event included (Glynn, Commun. ACM 33 (1990) 75; Plyasunov & Arkin, J. Comput. Phys. 221
(2007) 724). The integral between two proposals is taken from tables of the running integral of every drug curve and of
its derivatives, which is exact because every rate is linear in them; the accepted and rejected proposals themselves
would make a score of several times the variance. What one iteration proposes is applied at the top of the next: carried
over the edge of the loop, it is computed once and not in the update of every species.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsim.gradient.chain import Chain, begin, first_note, rates, reals, signals
from jaxsim.gradient.channels import Channel, parameter_slopes
from jaxsim.gradient.exact_drive import ExactDrive
from jaxsim.gradient.exact_tally import Span, Tally, exposure_at, first_tally, place, score_now, settled, tallied
from jaxsim.gradient.leap_score import Spread
from jaxsim.kernels.rates import Rates, leaves_before, plan_rates, propensity_bounds, total
from jaxsim.kernels.selection import choose, waiting_time
from jaxsim.network import stoichiometry
from jaxsim.random import threefry2x32, uniform

NONE, ENTER, REJECTED = -1, -2, -3


class ExactScores(NamedTuple):
    """What is kept of every trajectory."""

    numbers: Any
    """float32 [J, L]: F of each term."""
    scores: Any
    """float32 [J, P, L]: the score up to where each term is known; on the way [L, P] each, None where it is late."""
    faulty: Any
    """bool [L]: whether a rate was negative or not finite."""


class _Carry(NamedTuple):
    x: tuple[Any, ...]
    time: Any
    """float64 [L]."""
    cell: Any
    """int32 [L]; the number of cells where the path has ended."""
    draws: Any
    pending: Any
    """int32 [L]: a reaction, or what else the last proposal came to."""
    until: Any
    """float64 [L]: when it happens."""
    tally: Tally
    kept: ExactScores


@partial(jax.jit, static_argnums=(0, 1, 2))
def exact_scores(
    chain: Chain, channels: tuple[Channel, ...], late: tuple[bool, ...], exact: ExactDrive, spread: Spread
) -> ExactScores:
    """Run every lane from the start to the end; call within ``jax.enable_x64(True)``.

    `late` says of each term whether its score is that of the whole path, which then need not be noted on the way.
    """
    lanes = begin(chain, exact.drive)
    slopes = parameter_slopes(chain, channels, exact.drive, spread) if channels else {}
    cells = exact.lower.shape[0]

    def step(here: _Carry) -> _Carry:
        here = here._replace(tally=settled(channels, exact, here.tally))
        score = None if all(late) else score_now(channels, exact, slopes, here.tally)
        return _proposed(chain, channels, exact, lanes, _applied(chain, exact, lanes, here, score))

    now = signals(chain, reals(lanes.x), lanes.parameters)
    none = jnp.zeros((chain.lanes,), jnp.int32)
    tally = first_tally(channels, exact, chain.lanes)
    score = tally.score.astype(jnp.float32)
    apart = tuple(None if whole else score for whole in late)
    kept = ExactScores(first_note(chain, exact.drive, now), apart, none > 0)
    time = jnp.broadcast_to(exact.origin, none.shape)
    first = _Carry(lanes.x, time, none, none.astype(jnp.uint32), none + np.int32(NONE), time, tally, kept)
    first = _proposed(chain, channels, exact, lanes, first)
    last = lax.while_loop(lambda here: jnp.any(here.cell < np.int32(cells)), step, first)
    score = score_now(channels, exact, slopes, settled(channels, exact, last.tally))
    scores = [score if whole else noted for whole, noted in zip(late, last.kept.scores, strict=True)]
    return last.kept._replace(scores=jnp.swapaxes(jnp.stack(scores), 1, 2))


def late_terms(chain: Chain, exact: ExactDrive) -> tuple[bool, ...]:
    """Return for each term whether what it reads is known at the very end."""
    looks, cells = exact.drive.looks, exact.lower.shape[0]
    last = {"at": looks.at[cells], "integral": looks.weight[cells - 1] > 0.0}
    return tuple(bool(term.kind in last and last[term.kind][j]) for j, term in enumerate(chain.terms))


def _applied(chain: Chain, exact: ExactDrive, lanes: Any, here: _Carry, score: Any) -> _Carry:
    """Apply what is pending: an event, or the entry of the next cell with what is looked at and given there."""
    cells = exact.lower.shape[0]
    ended = here.cell >= np.int32(cells)
    cell = jnp.minimum(here.cell, np.int32(cells - 1))
    enters = (here.pending == np.int32(ENTER)) & ~ended
    before = signals(chain, reals(here.x), lanes.parameters)
    x = _changed(chain, exact, here, cell, enters)
    after = signals(chain, reals(x), lanes.parameters)
    kept = _noted(chain, exact, here, score, (cell, enters, ended), before, after)
    cell = jnp.where(enters, here.cell + np.int32(1), here.cell)
    return here._replace(x=x, time=here.until, cell=cell, kept=kept)


def _changed(chain: Chain, exact: ExactDrive, here: _Carry, cell: Any, enters: Any) -> tuple[Any, ...]:
    """Return the counts after the event, or after the doses of species given on entering a cell."""
    x = []
    for s, changes in enumerate(stoichiometry(chain.structure).tolist()):
        row = here.x[s]
        for r, change in enumerate(changes):
            if change:
                row = row + jnp.where(here.pending == np.int32(r), np.int32(change), np.int32(0))
        scale, shift = (table[cell + np.int32(1), s] for table in (exact.drive.multiply, exact.drive.add))
        same = ~enters | ((scale == 1.0) & (shift == 0.0))
        x.append(jnp.where(same, row, jnp.round(scale * row.astype(jnp.float32) + shift).astype(jnp.int32)))
    return tuple(x)


def _noted(
    chain: Chain, exact: ExactDrive, here: _Carry, score: Any, where: Any, before: Any, after: Any
) -> ExactScores:
    """Return what is kept once the pending change has been made."""
    cell, enters, ended = where
    looks, waited = exact.drive.looks, (here.until - here.time).astype(jnp.float32)
    numbers, scores = [], []
    for j, term in enumerate(chain.terms):
        so_far = here.kept.numbers[j]
        if term.kind == "at":
            looked = enters & looks.at[cell + np.int32(1), j]
            so_far = jnp.where(looked, after[j], so_far)
        elif term.kind == "integral":
            looked = (looks.weight[cell, j] > 0.0) & ~ended
            so_far = so_far + jnp.where(looked, before[j] * waited, 0.0)
        else:
            best = jnp.minimum if term.kind == "minimum" else jnp.maximum
            inside = looks.within[cell + np.int32(1), j] & (enters | looks.within[cell, j])
            looked = inside & ~ended
            so_far = jnp.where(looked, best(so_far, after[j]), so_far)
        numbers.append(so_far)
        noted = here.kept.scores[j]
        scores.append(None if noted is None else jnp.where(looked[:, None], score, noted))
    return here.kept._replace(numbers=jnp.stack(numbers), scores=tuple(scores))


def _proposed(chain: Chain, channels: Any, exact: ExactDrive, lanes: Any, here: _Carry) -> _Carry:
    """Propose the next event at the bounds of the cell, and accept it with the rate over its bound."""
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    cells = exact.lower.shape[0]
    cell = jnp.minimum(here.cell, np.int32(cells - 1))
    x = reals(here.x)
    upper = _bounds(chain, plan, exact, lanes, cell, x)
    sums = total(upper)
    words = threefry2x32(lanes.key[0], lanes.key[1], here.draws, jnp.zeros_like(here.draws))
    edge = exact.edges[cell + np.int32(1)]
    arrival = here.time + waiting_time(uniform(words[0]), sums[-1])
    until = jnp.minimum(arrival, edge)
    threshold = uniform(words[1]) * sums[-1]
    chosen = choose(threshold, sums)
    end = place(exact, until)  # of a path that has ended, its end
    exposure = exposure_at(exact, end[0])
    a = rates(chain, x, exposure, lanes.parameters)
    pending = chosen
    for r in plan.varying:
        above = sums[r - 1] + a[r] if r else a[r]
        pending = jnp.where((chosen == np.int32(r)) & ~(threshold < above), np.int32(REJECTED), pending)
    pending = jnp.where(arrival < edge, pending, np.int32(ENTER))
    wrong = ~(sums[-1] < np.float32(3e38)) | (jnp.stack([*upper, *a]) < 0.0).any(axis=0)
    ended = here.cell >= np.int32(cells)
    faulty = here.kept.faulty | (wrong & ~ended)
    pending = jnp.where(ended | wrong, np.int32(NONE), pending)
    span = Span(x, exposure, here.time, until, end, pending)
    return here._replace(
        pending=pending,
        until=jnp.where(ended | wrong, here.time, until),
        tally=tallied(chain, channels, exact, lanes.parameters, here.tally, span),
        cell=jnp.where(wrong, np.int32(cells), here.cell),
        draws=here.draws + np.uint32(1),
        kept=here.kept._replace(faulty=faulty),
    )


def _bounds(chain: Chain, plan: Rates, exact: ExactDrive, lanes: Any, cell: Any, x: Any) -> list[Any]:
    """Return an upper bound of every propensity over the cell of each lane, [L]."""
    env = leaves_before(plan, lanes.parameters, jnp.float32)
    env |= dict(zip(chain.structure.species, x, strict=True))
    leaves = {name: (exact.lower[cell, d], exact.upper[cell, d]) for d, (name, _) in enumerate(plan.in_time)}
    return propensity_bounds(plan, env, leaves, x[0])
