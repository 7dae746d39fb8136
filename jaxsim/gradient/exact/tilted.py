"""Exact paths under tilted rates: each rate times a factor, with the likelihood ratio and the score of the true law.

The factor depends on the reaction, on a bin of time, and on the stage of the path: how near its level is to the rare
event. Between events all three are constant but for the bin, which changes where a cell of thinning does. So the
logarithm of the likelihood ratio is the sum over events of -log factor, and the integral over time of (factor - 1)
times the rate, which tables of the drug curves' running integrals hold exactly (Bremaud, Point Processes and Queues,
1981, theorem VI.T3).
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.exact.drive import ExactDrive
from jaxsim.gradient.exact.proposals import (
    Clock,
    accepted,
    drawn,
    entered,
    faulty,
    first_clock,
    out_of_range,
    propose,
    upper_bounds,
    within,
)
from jaxsim.gradient.exact.scores import Settled, Side, applied, changed, first_side, going, numbers_at_end
from jaxsim.gradient.exact.tally import (
    ScoreTally,
    Span,
    exposure_at,
    first_tally,
    piece_of,
    score_now,
    settled_tally,
    tallied,
)
from jaxsim.gradient.functionals import MAXIMUM
from jaxsim.gradient.leap.chain import ChainLanes, LeapChain, begin_leaps, chain_rates, reals, signals
from jaxsim.gradient.leap.channels import Channel, parameter_slopes
from jaxsim.gradient.leap.scores import Spread
from jaxsim.kernels.draws import running_sums
from jaxsim.kernels.rates import plan_rates
from jaxsim.runtime.programs import compiler_options


class Tilt(NamedTuple):
    """Factors of the rates; S stages, the last where the event holds, and K bins of time."""

    factor: Any
    """float32 [S, K, R]."""
    edges: Any
    """float32 [S - 2]: levels at which a stage before the last begins, rising."""


class Firings(NamedTuple):
    """What a better tilt is learnt from; nothing where none is learnt."""

    number: Any
    """float32 [L, S * K, R]: of each reaction."""
    expected: Any
    """The integral of each rate."""


class TiltedPaths(NamedTuple):
    """What is kept of every trajectory."""

    numbers: Any
    """float32 [2, L]: the condition and the level."""
    log_weight: Any
    """float64 [L]."""
    score: Any
    """float32 [P, L]."""
    faulty: Any
    """bool [L]."""
    firings: Firings | None


class _Carry(NamedTuple):
    side: Side
    clock: Clock
    tally: ScoreTally
    log_weight: Any
    firings: Firings | None


def tilted_paths(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    known: Settled,
    learning: bool,
    exact: ExactDrive,
    spread: Spread | None,
    tilt: Tilt,
) -> TiltedPaths:
    """Run every lane from the start to the end; call within ``jax.enable_x64(True)``."""
    return _program(jax.devices()[0])(chain, channels, known, learning, exact, spread, tilt)


@lru_cache(maxsize=2)
def _program(device: jax.Device) -> Any:
    return jax.jit(_paths, static_argnums=(0, 1, 2, 3), compiler_options=compiler_options(device))


def _paths(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    known: Settled,
    learning: bool,
    exact: ExactDrive,
    spread: Spread | None,
    tilt: Tilt,
) -> TiltedPaths:
    lanes = begin_leaps(chain, exact.drive)
    slopes = {} if spread is None or not channels else parameter_slopes(chain, channels, exact.drive, spread)

    def step(here: _Carry) -> _Carry:
        tally = settled_tally(channels, exact, here.tally)
        clock = entered(exact, here.clock, here.side.pending)
        side = applied(chain, known, exact, lanes, here.side, here.clock, None)
        return proposed(here._replace(side=side, clock=clock, tally=tally))

    def proposed(here: _Carry) -> _Carry:
        row, factor = _factors(chain, exact, lanes, tilt, here)
        span, side, clock = _proposed(chain, known, exact, lanes, here, factor)
        tally = tallied(chain, channels, exact, lanes.parameters, here.tally, span)
        fired, expected = _passed(chain, exact, lanes, span)
        ratio = jnp.sum((factor - np.float32(1.0)) * expected - fired * jnp.log(factor), axis=1)
        firings = here.firings
        if firings is not None:
            lane = jnp.arange(chain.lanes)
            firings = Firings(firings.number.at[lane, row].add(fired), firings.expected.at[lane, row].add(expected))
        return _Carry(side, clock, tally, here.log_weight + ratio.astype(jnp.float64), firings)

    first = _Carry(
        first_side(chain, exact, lanes, (None,) * len(chain.terms)),
        first_clock(chain, exact, lanes),
        first_tally(channels, exact, chain.lanes),
        jnp.zeros((chain.lanes,), jnp.float64),
        _no_firings(chain, tilt) if learning else None,
    )
    last = lax.while_loop(lambda here: going(here.side.pending), step, proposed(first))
    ended = (reals(last.side.x), last.clock.until)
    score = score_now(
        chain, channels, exact, lanes.parameters, slopes, settled_tally(channels, exact, last.tally), ended
    )
    return TiltedPaths(
        numbers_at_end(chain, known, lanes, last.side),
        last.log_weight,
        score.T,
        faulty(exact, last.clock),
        last.firings,
    )


def _no_firings(chain: LeapChain, tilt: Tilt) -> Firings:
    stages, bins, reactions = tilt.factor.shape
    nothing = jnp.zeros((chain.lanes, stages * bins, reactions), jnp.float32)
    return Firings(nothing, nothing)


def _factors(chain: LeapChain, exact: ExactDrive, lanes: ChainLanes, tilt: Tilt, here: _Carry) -> tuple[Any, Any]:
    """Return the row of the table in which each lane is, and the factors there, [L, R]."""
    stages, bins, reactions = tilt.factor.shape
    now = signals(chain, reals(here.side.x), lanes.parameters)
    holds = now[0] > np.float32(0.5)
    if chain.terms[0].functional == MAXIMUM:  # what has happened once need not be steered any more
        holds = here.side.kept.numbers[0] > np.float32(0.5)
    stage = jnp.searchsorted(tilt.edges, now[1], side="right").astype(jnp.int32)
    stage = jnp.where(holds, np.int32(stages - 1), stage)
    row = stage * np.int32(bins) + within(exact, here.clock) * np.int32(bins) // np.int32(exact.lower.shape[0])
    return row, tilt.factor.reshape(stages * bins, reactions)[row]


def _proposed(
    chain: LeapChain, known: Settled, exact: ExactDrive, lanes: ChainLanes, here: _Carry, factor: Array
) -> tuple[Span, Side, Clock]:
    """Propose the next event at the tilted bounds of the cell, and accept it with the tilted rate over its bound."""
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    clock, x = here.clock, reals(here.side.x)
    upper = [factor[:, r] * bound for r, bound in enumerate(upper_bounds(chain, plan, exact, lanes, clock, x))]
    proposal = propose(exact, clock, running_sums(upper))
    end = piece_of(exact, proposal.until)
    exposure = exposure_at(exact, end[0])
    a = [factor[:, r] * rate for r, rate in enumerate(chain_rates(chain, x, exposure, lanes.parameters))]
    pending = accepted(exact, clock, proposal, a, plan.varying, out_of_range(clock, proposal.sums[-1], [*upper, *a]))
    side = here.side._replace(pending=pending)
    after = reals(changed(chain, known, exact, side, clock))
    span = Span(x, after, exposure, clock.time, proposal.until, end, pending)
    return span, side, drawn(lanes, clock, proposal)


def _passed(chain: LeapChain, exact: ExactDrive, lanes: ChainLanes, span: Span) -> tuple[Any, Any]:
    """Return which reaction fires at the end of a span and the integral of each true rate over it, [L, R]."""
    waited = (span.until - span.time).astype(jnp.float32)
    mean = span.exposure
    if exact.slope.shape[1]:
        left, right = (
            exact.reached[piece] + since[:, None] * exact.drive.tables.exposure[piece].astype(jnp.float64)
            for piece, since in (piece_of(exact, span.time), span.end)
        )
        mean = ((right - left).astype(jnp.float32) / jnp.where(waited > 0.0, waited, np.float32(1.0))[:, None]).T
    a = jnp.stack([jnp.broadcast_to(rate, waited.shape) for rate in chain_rates(chain, span.x, mean, lanes.parameters)])
    number = jnp.arange(a.shape[0], dtype=jnp.int32)
    fired = (span.pending[:, None] == number[None, :]).astype(jnp.float32)
    return fired, (a * waited[None, :]).T
