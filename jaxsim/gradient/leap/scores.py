"""Scores of the leap chain, accumulated forward: the likelihood-ratio estimator in memory that no path enters.

Given the state, the number of firings K of a reaction in a leap is Poisson of mean a tau, so the score with respect to
a number c in its rate is (K/a - tau) da/dc, and the score of the path is the sum over leaps and reactions (Plyasunov &
Arkin, J. Comput. Phys. 221 (2007) 724, for exact paths). It is unbiased for the law of the chain, for any objective.

Doses and free numbers reach the rates through few channels (leaves in time, parameters), the same for every
trajectory: a channel's score is computed once per step and spread over the P free numbers by a table, so P costs
little. What a term reads at a time is paired with the score up to that time, and each part of an integral with the
score so far (causal credit).
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.leap.chain import (
    ChainLanes,
    Drive,
    LeapChain,
    begin_leaps,
    dosed_at,
    firings_at,
    first_note,
    noted,
    reals,
    signals,
)
from jaxsim.gradient.leap.channels import Channel, channel_slopes, parameter_slopes
from jaxsim.paths.leap import fire


class Spread(NamedTuple):
    """How the score of a channel becomes that of the free numbers."""

    exposure: Any
    """float32 [n, D, P]."""
    parameters: dict[str, Any]
    """float32 [P] each, or a distribution with leaves [P]."""


class Scores(NamedTuple):
    """What is kept of every trajectory."""

    numbers: Any
    """float32 [J, L]: F of each term."""
    scores: Any
    """float32 [J, P, L]: the score up to where each term is known."""
    credit: Any
    """float32 [J, P, L]: for integrals, the sum over time of the centred rate times the score so far."""
    total: Any
    """float32 [P, L]: the score of the whole path."""
    martingale: Any
    """float32 [C, L]: of each critic; C = 0 without."""
    bracket: Any
    """float32 [C, P, L]: what each critic sees of the rates' moves."""
    held: Any
    faulty: Any


class _Carry(NamedTuple):
    x: tuple[Any, ...]
    firings: Any
    """Of the step that begins at `x`; carried over the edge of the loop, see `leap_paths`."""
    signals: Any
    kept: Scores


@partial(jax.jit, static_argnums=(0, 1))
def leap_scores(
    chain: LeapChain, channels: tuple[Channel, ...], drive: Drive, spread: Spread, critics: Array | None = None
) -> Scores:
    """Run every lane from the start to the end with its score, and with the martingales of `critics` [n, C, R]."""
    lanes = begin_leaps(chain, drive)
    slopes = parameter_slopes(chain, channels, drive, spread)

    def step(here: _Carry, index: Array) -> tuple[_Carry, None]:
        exposure, width = drive.tables.exposure[index], drive.width[index]
        a, by_channel = channel_slopes(chain, channels, reals(here.x), exposure, lanes.parameters)
        by_number = [_by_number(channel, spread.exposure[index], slopes) for channel in channels]
        score = here.kept.total + _increment(channels, a, by_channel, here.firings, width, by_number)
        x, held = fire(chain.structure, here.x, here.firings)
        x = dosed_at(drive, index + 1, x)
        after = signals(chain, reals(x), lanes.parameters)
        kept = _noted(chain, drive, index, here, after, score)
        if critics is not None:
            kept = _judged(kept, channels, a, by_channel, here.firings, width, by_number, critics[index])
        faulty = here.kept.faulty | jnp.any(here.firings < 0, axis=0)
        kept = kept._replace(held=here.kept.held | held, faulty=faulty)
        return _Carry(x, firings_at(chain, drive, lanes, index + 1, x), after, kept), None

    number = 0 if critics is None else critics.shape[1]
    last, _ = lax.scan(
        step, _first(chain, drive, lanes, spread, number), jnp.arange(drive.width.shape[0], dtype=jnp.int32)
    )
    return last.kept


def _first(chain: LeapChain, drive: Drive, lanes: ChainLanes, spread: Spread, critics: int) -> _Carry:
    now = signals(chain, reals(lanes.x), lanes.parameters)
    none = jnp.zeros((chain.lanes,), bool)
    score = jnp.zeros((spread.exposure.shape[2], chain.lanes), jnp.float32)
    apart = jnp.zeros((len(chain.terms), *score.shape), jnp.float32)
    martingale = jnp.zeros((critics, chain.lanes), jnp.float32)
    bracket = jnp.zeros((critics, *score.shape), jnp.float32)
    kept = Scores(first_note(chain, drive, now), apart, apart, score, martingale, bracket, none, none)
    return _Carry(lanes.x, firings_at(chain, drive, lanes, np.int32(0), lanes.x), now, kept)


def _by_number(channel: Channel, exposure: Array, slopes: dict[str, Any]) -> Any:
    """Return how a channel moves with the free numbers, [P, 1] or [P, L]."""
    return exposure[channel.column][:, None] if channel.in_time else slopes[channel.name]


def _increment(
    channels: tuple[Any, ...], a: list[Any], by_channel: list[Any], firings: Array, width: Array, by_number: list[Any]
) -> Any:
    """Return the score of one step, [P, L]."""
    excess = []
    for r, rate in enumerate(a):
        alive = rate > 0.0
        excess.append(jnp.where(alive, firings[r].astype(jnp.float32) / jnp.where(alive, rate, 1.0), 0.0) - width)
    total = jnp.zeros((by_number[0].shape[0], a[0].shape[0]), jnp.float32)
    for channel, slope, moves in zip(channels, by_channel, by_number, strict=True):
        parts = [excess[r] * slope[r] for r in channel.reactions]
        total = total + moves * sum(parts[1:], parts[0])[None, :]
    return total


def _judged(
    kept: Scores,
    channels: tuple[Any, ...],
    a: list[Any],
    by_channel: list[Any],
    firings: Array,
    width: Array,
    by_number: list[Any],
    critics: Array,
) -> Scores:
    """Add what the critics see of one step, D W [C, R]."""
    martingale, bracket = [], []
    for c in range(critics.shape[0]):
        surprises = [(firings[r].astype(jnp.float32) - rate * width) * critics[c, r] for r, rate in enumerate(a)]
        martingale.append(kept.martingale[c] + sum(surprises[1:], surprises[0]))
        seen = kept.bracket[c]
        for channel, slope, moves in zip(channels, by_channel, by_number, strict=True):
            parts = [width * slope[r] * critics[c, r] for r in channel.reactions]
            seen = seen + moves * sum(parts[1:], parts[0])[None, :]
        bracket.append(seen)
    return kept._replace(martingale=jnp.stack(martingale), bracket=jnp.stack(bracket))


def _noted(chain: LeapChain, drive: Drive, index: Array, here: _Carry, after: Array, score: Array) -> Scores:
    """Return what is kept after one step."""
    numbers = noted(chain, drive, index, here.kept.numbers, here.signals, after)
    scores, credit = [], []
    many = np.float32(chain.lanes / (chain.lanes - 1))
    for j, term in enumerate(chain.terms):
        weight = drive.looks.weight[index, j]
        seen = term.functional.seen(drive.looks.at[index + 1, j], weight, drive.looks.within[index + 1, j])
        scores.append(jnp.where(seen, score, here.kept.scores[j]))
        if not term.credited:
            credit.append(here.kept.credit[j])
            continue
        half = 0.5 * many * weight
        left, right = (value[j] - jnp.mean(value[j]) for value in (here.signals, after))
        credit.append(here.kept.credit[j] + half * (left[None, :] * here.kept.total + right[None, :] * score))
    return here.kept._replace(numbers=numbers, scores=jnp.stack(scores), credit=jnp.stack(credit), total=score)
