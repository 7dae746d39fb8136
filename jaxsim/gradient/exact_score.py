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
from jaxsim.gradient.channels import Channel, channel_slopes, parameter_slopes
from jaxsim.gradient.exact_drive import ExactDrive
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
    """float32 [J, P, L]: the score up to where each term is known."""
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
    score: Any
    """float32 [P, L]: so far."""
    kept: ExactScores


@partial(jax.jit, static_argnums=(0, 1))
def exact_scores(chain: Chain, channels: tuple[Channel, ...], exact: ExactDrive, spread: Spread) -> ExactScores:
    """Run every lane from the start to the end; call within ``jax.enable_x64(True)``."""
    lanes = begin(chain, exact.drive)
    slopes = parameter_slopes(chain, channels, exact.drive, spread) if channels else {}
    cells = exact.lower.shape[0]

    def step(here: _Carry) -> _Carry:
        here = _scored(chain, channels, exact, lanes, slopes, here)
        here = _applied(chain, exact, lanes, here)
        return _proposed(chain, exact, lanes, here)

    number = exact.slope.shape[2]
    now = signals(chain, reals(lanes.x), lanes.parameters)
    none = jnp.zeros((chain.lanes,), jnp.int32)
    score = jnp.zeros((number, chain.lanes), jnp.float32)
    apart = jnp.zeros((len(chain.terms), *score.shape), jnp.float32)
    kept = ExactScores(first_note(chain, exact.drive, now), apart, none > 0)
    time = jnp.broadcast_to(exact.origin, none.shape)
    first = _Carry(lanes.x, time, none, none.astype(jnp.uint32), none + np.int32(NONE), time, score, kept)
    first = _proposed(chain, exact, lanes, first)
    return lax.while_loop(lambda here: jnp.any(here.cell < np.int32(cells)), step, first).kept


def _place(exact: ExactDrive, time: Any) -> tuple[Any, Any]:
    """Return the piece in which a time lies, and the time since its start."""
    last = np.int32(exact.slope.shape[0] - 1)
    since = time - exact.origin
    piece = jnp.clip((since / exact.piece).astype(jnp.int32), np.int32(0), last)
    return piece, since - piece.astype(jnp.float64) * exact.piece


def _scored(chain: Chain, channels: Any, exact: ExactDrive, lanes: Any, slopes: Any, here: _Carry) -> _Carry:
    """Add the compensator from `time` to `until`, and the event's own part."""
    if not channels:
        return here
    before, after = _place(exact, here.time), _place(exact, here.until)
    waited = (here.until - here.time).astype(jnp.float32)
    mean, moved, at_event = [], [], []
    for d in range(exact.reached.shape[1]):
        ends = [
            exact.reached[p, d] + s * exact.drive.tables.exposure[p, d].astype(jnp.float64) for p, s in (before, after)
        ]
        mean.append(((ends[1] - ends[0]).astype(jnp.float32)) / jnp.where(waited > 0.0, waited, 1.0))
        sums = [
            exact.slope_reached[p, d].T + s[None, :] * exact.slope[p, d].T.astype(jnp.float64)
            for p, s in (before, after)
        ]
        moved.append((sums[1] - sums[0]).astype(jnp.float32))
        at_event.append(exact.drive.tables.exposure[after[0], d])
    x = reals(here.x)
    _, between = channel_slopes(chain, channels, x, _rows(mean), lanes.parameters)
    a, then = channel_slopes(chain, channels, x, _rows(at_event), lanes.parameters)
    score = here.score
    for channel, slope, jump in zip(channels, between, then, strict=True):
        passed = sum((slope[r] for r in channel.reactions[1:]), slope[channel.reactions[0]])
        happened = jnp.zeros_like(passed)
        for r in channel.reactions:
            fires = (here.pending == np.int32(r)) & (a[r] > 0.0)
            happened = happened + jnp.where(fires, jump[r] / jnp.where(fires, a[r], 1.0), 0.0)
        if channel.in_time:
            by = exact.slope[after[0], channel.column].T
            score = score + by * happened[None, :] - moved[channel.column] * passed[None, :]
        else:
            score = score + slopes[channel.name] * (happened - passed * waited)[None, :]
    return here._replace(score=score)


def _rows(rows: list[Any]) -> Any:
    return jnp.stack(rows) if rows else jnp.zeros((0, 1), jnp.float32)


def _applied(chain: Chain, exact: ExactDrive, lanes: Any, here: _Carry) -> _Carry:
    """Apply what is pending: an event, or the entry of the next cell with what is looked at and given there."""
    cells = exact.lower.shape[0]
    ended = here.cell >= np.int32(cells)
    cell = jnp.minimum(here.cell, np.int32(cells - 1))
    enters = (here.pending == np.int32(ENTER)) & ~ended
    before = signals(chain, reals(here.x), lanes.parameters)
    x = _changed(chain, exact, here, cell, enters)
    after = signals(chain, reals(x), lanes.parameters)
    kept = _noted(chain, exact, here, (cell, enters, ended), before, after)
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


def _noted(chain: Chain, exact: ExactDrive, here: _Carry, where: Any, before: Any, after: Any) -> ExactScores:
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
        scores.append(jnp.where(looked[None, :], here.score, here.kept.scores[j]))
    return here.kept._replace(numbers=jnp.stack(numbers), scores=jnp.stack(scores))


def _proposed(chain: Chain, exact: ExactDrive, lanes: Any, here: _Carry) -> _Carry:
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
    piece, _ = _place(exact, until)
    exposure = [exact.drive.tables.exposure[piece, d] for d in range(exact.reached.shape[1])]
    a = rates(chain, x, _rows(exposure), lanes.parameters)
    pending = chosen
    for r in plan.varying:
        above = sums[r - 1] + a[r] if r else a[r]
        pending = jnp.where((chosen == np.int32(r)) & ~(threshold < above), np.int32(REJECTED), pending)
    pending = jnp.where(arrival < edge, pending, np.int32(ENTER))
    wrong = ~(sums[-1] < np.float32(3e38)) | (jnp.stack([*upper, *a]) < 0.0).any(axis=0)
    ended = here.cell >= np.int32(cells)
    faulty = here.kept.faulty | (wrong & ~ended)
    return here._replace(
        pending=jnp.where(ended | wrong, np.int32(NONE), pending),
        until=jnp.where(ended | wrong, here.time, until),
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
