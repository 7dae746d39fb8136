"""The score of an exact path, event by event: what fired, less the integral of the rates' derivatives.

Rates are linear in the drug curves, so that a rate's derivative h in a curve is a number between events. The integral
over the path, of h times the derivative g of the curve, is summed by parts, with G the integral of g: at each event
the change of h times G, and in the end h times G. So an event reads one row of the tables of g and G, and adds it to
one row of the score, in double precision since the parts are larger than their sum. What it reads is carried over the
edge of the loop, so that XLA makes it once and not for every free number.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.gradient.exact.drive import ExactDrive
from jaxsim.gradient.leap.chain import LeapChain
from jaxsim.gradient.leap.channels import Channel, channel_slopes
from jaxsim.kernels.rates import plan_rates


class ScoreTally(NamedTuple):
    """The score so far, without the last event, and what that will add; C channels."""

    score: Any
    """float64 [L, P]."""
    counted: tuple[Any, ...]
    """float32 [L] for each channel that is a parameter: its score."""
    piece: Any
    """int32 [L]: that of the last event."""
    at_slope: tuple[Any, ...]
    """float32 [L] for each channel in time: what the row of g at the last event is multiplied with."""
    at_reached: tuple[Any, ...]
    """float32 [L]: the same of G."""


class Span(NamedTuple):
    """The time to the next proposal, in which nothing changes."""

    x: Any
    """float32 [L] for each species."""
    after: Any
    """The same after what happens at its end."""
    exposure: Any
    """float32 [D, L]: every drug curve at its end."""
    time: Any
    """float64 [L]."""
    until: Any
    end: tuple[Any, Any]
    """int32 [L]: the piece in which it ends, and float64 [L]: the time since the start of that piece."""
    pending: Any
    """int32 [L]: the reaction that fires at its end; negative where none does."""


def first_tally(channels: tuple[Channel, ...], exact: ExactDrive, lanes: int) -> ScoreTally:
    """Return the tally at the start."""
    one = jnp.zeros((lanes,), jnp.float32)
    timed = (one,) * sum(channel.in_time for channel in channels)
    score = jnp.zeros((lanes, exact.slope.shape[2]), jnp.float64)
    return ScoreTally(score, (one,) * (len(channels) - len(timed)), one.astype(jnp.int32), timed, timed)


def piece_of(exact: ExactDrive, time: Array) -> tuple[Any, Any]:
    """Return the piece in which a time lies, and the time since its start."""
    last = np.int32(exact.slope.shape[0] - 1)
    since = time - exact.origin
    piece = jnp.clip((since * exact.pieces_per_time).astype(jnp.int32), np.int32(0), last)
    return piece, since - piece.astype(jnp.float64) * exact.piece


def exposure_at(exact: ExactDrive, piece: Array) -> Any:
    """Return every drug curve in a piece, [D, L]."""
    rows = [exact.drive.tables.exposure[piece, d] for d in range(exact.slope.shape[1])]
    return jnp.stack(rows) if rows else jnp.zeros((0, 1), jnp.float32)


def tallied(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    exact: ExactDrive,
    parameters: dict[str, Any],
    here: ScoreTally,
    span: Span,
) -> ScoreTally:
    """Return the tally with a new span."""
    if not channels:
        return here
    waited = (span.until - span.time).astype(jnp.float32)
    a, then = channel_slopes(chain, channels, span.x, span.exposure, parameters)
    between = _between(chain, channels, exact, parameters, span, then)
    fires = [span.pending == np.int32(r) for r in range(len(a))]
    read = sorted({r for channel in channels for r in channel.reactions})
    fired = _sum([jnp.where(fires[r], a[r], 0.0) for r in read])
    share = jnp.where(fired > 0.0, 1.0 / jnp.where(fired > 0.0, fired, 1.0), 0.0)
    next_h = _slopes_in_time(chain, channels, span.after, span.exposure, parameters)
    counted: list[Any] = []
    at_slope: list[Any] = []
    change: list[Any] = []
    for channel, jump, slope in zip(channels, then, between, strict=True):
        happened = share * _sum([jnp.where(fires[r], jump[r], 0.0) for r in channel.reactions])
        passed = _sum([slope[r] for r in channel.reactions])
        if channel.in_time:
            change.append(next_h[len(change)] - passed)
            at_slope.append(happened + change[-1] * span.end[1].astype(jnp.float32))
        else:
            counted.append(here.counted[len(counted)] + happened - passed * waited)
    return ScoreTally(here.score, tuple(counted), span.end[0], tuple(at_slope), tuple(change))


def settled_tally(channels: tuple[Channel, ...], exact: ExactDrive, here: ScoreTally) -> ScoreTally:
    """Return the tally with the last event added to the score."""
    return here._replace(score=_added(channels, exact, here.score, here.piece, here.at_slope, here.at_reached))


def score_now(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    exact: ExactDrive,
    parameters: dict[str, Any],
    slopes: dict[str, Any],
    here: ScoreTally,
    now: tuple[Any, Any],
) -> Any:
    """Return the score of a settled tally at counts [L] and a time, that of its last event; float32 [L, P]."""
    x, time = now
    piece, within = piece_of(exact, time)
    h = _slopes_in_time(chain, channels, x, exposure_at(exact, piece), parameters)
    at_slope = tuple(-rate * within.astype(jnp.float32) for rate in h)
    score = _added(channels, exact, here.score, piece, at_slope, tuple(-rate for rate in h))
    named = [channel.name for channel in channels if not channel.in_time]
    parts = [slopes[name].T * count[:, None] for name, count in zip(named, here.counted, strict=True)]
    return sum(parts, score.astype(jnp.float32))


def _slopes_in_time(
    chain: LeapChain, channels: tuple[Channel, ...], x: tuple[Any, ...], exposure: Array, parameters: dict[str, Any]
) -> list[Any]:
    """Return for each channel in time the derivative of the rates, [L]; that of a linear rate reads no curve."""
    timed = tuple(channel for channel in channels if channel.in_time)
    found = channel_slopes(chain, timed, x, exposure, parameters)[1]
    return [_sum([slope[r] for r in channel.reactions]) for channel, slope in zip(timed, found, strict=True)]


def _added(
    channels: tuple[Channel, ...],
    exact: ExactDrive,
    score: Array,
    piece: Array,
    at_slope: tuple[Any, ...],
    at_reached: tuple[Any, ...],
) -> Any:
    columns = [channel.column for channel in channels if channel.in_time]
    for column, first, second in zip(columns, at_slope, at_reached, strict=True):
        by, reached = exact.slope[:, column][piece], exact.slope_reached[:, column][piece]
        score = score + (by * first[:, None] + reached * second[:, None]).astype(jnp.float64)
    return score


def _between(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    exact: ExactDrive,
    parameters: dict[str, Any],
    span: Span,
    then: list[Any],
) -> Any:
    """Return the derivatives of the rates, averaged over a span: those at its end, unless a parameter's reads time."""
    varying = plan_rates(chain.structure, chain.sampled_parameters).varying
    if not any(not channel.in_time and set(channel.reactions) & set(varying) for channel in channels):
        return then
    ends = [(exact.reached[piece], exact.drive.tables.exposure[piece], since) for piece, since in
            (piece_of(exact, span.time), span.end)]  # fmt: skip
    left, right = (reached + since[:, None] * curve.astype(jnp.float64) for reached, curve, since in ends)
    waited = (span.until - span.time).astype(jnp.float32)
    mean = (right - left).astype(jnp.float32) / jnp.where(waited > 0.0, waited, 1.0)[:, None]
    return channel_slopes(chain, channels, span.x, mean.T, parameters)[1]


def _sum(parts: list[Any]) -> Any:
    return sum(parts[1:], parts[0])
