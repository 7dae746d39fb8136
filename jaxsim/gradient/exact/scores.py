"""Exact paths with their scores: Gillespie's direct method by thinning, one proposal per iteration and lane.

The score of a path is the sum over events of d log a less the integral over time of d a0, from the start to the end,
the last interval without an event included (Glynn, Commun. ACM 33 (1990) 75; Plyasunov & Arkin, J. Comput. Phys. 221
(2007) 724). The integral between two proposals is taken from tables of the running integral of every drug curve and of
its derivatives, which is exact because every rate is linear in them; the accepted and rejected proposals themselves
would make a score of several times the variance. What one iteration proposes is applied at the top of the next: carried
over the edge of the loop, it is computed once and not in the update of every species.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.exact.critic import Control, ExactCritic, first_control, followed
from jaxsim.gradient.exact.drive import ExactDrive
from jaxsim.gradient.exact.proposals import (
    ENTER,
    NO_EVENT,
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
from jaxsim.gradient.functionals import PathEvent
from jaxsim.gradient.leap.chain import (
    ChainLanes,
    LeapChain,
    begin_leaps,
    chain_rates,
    dosed,
    first_note,
    reals,
    signals,
)
from jaxsim.gradient.leap.channels import Channel, parameter_slopes
from jaxsim.gradient.leap.scores import Spread
from jaxsim.kernels.draws import running_sums
from jaxsim.kernels.rates import plan_rates
from jaxsim.network import stoichiometry
from jaxsim.runtime.programs import compiler_options


class Settled(NamedTuple):
    """What the compiled loop need not look up at every event; part of what shapes it."""

    late: tuple[bool, ...]
    """For each term whether it, and with it its score, is known at the very end."""
    dosed: tuple[bool, ...]
    """For each species whether it is ever given."""


class ExactScores(NamedTuple):
    """What is kept of every trajectory."""

    numbers: Any
    """float32 [J, L]: F of each term."""
    scores: Any
    """float32 [J, P, L]: the score up to where each term is known."""
    faulty: Any
    """bool [L]: whether a rate was negative or not finite."""
    total: Any = None
    """float32 [P, L]: the score of the whole path, where critics follow it."""
    martingale: Any = None
    """float32 [C, L]: of each critic."""
    bracket: Any = None
    """float32 [C, P, L]: what each critic sees of the rates' moves."""


class Kept(NamedTuple):
    """The same on the way, of each term."""

    numbers: tuple[Any, ...]
    """float32 [L]."""
    scores: tuple[Any, ...]
    """float32 [L, P]; None where it is late."""


class Side(NamedTuple):
    """What is a path's own; two that are coupled share the rest."""

    x: tuple[Any, ...]
    pending: Any
    """int32 [L]: a reaction, or what else the last proposal came to; NONE where the path has ended."""
    kept: Kept


class _Carry(NamedTuple):
    side: Side
    clock: Clock
    tally: ScoreTally
    control: Control | None


def exact_scores(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    known: Settled,
    exact: ExactDrive,
    spread: Spread,
    critic: ExactCritic | None = None,
) -> ExactScores:
    """Run every lane from the start to the end; call within ``jax.enable_x64(True)``."""
    return _program(jax.devices()[0])(chain, channels, known, exact, spread, critic)


@lru_cache(maxsize=2)
def _program(device: jax.Device) -> Any:
    return jax.jit(_scores, static_argnums=(0, 1, 2), compiler_options=compiler_options(device))


def _scores(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    known: Settled,
    exact: ExactDrive,
    spread: Spread,
    critic: ExactCritic | None,
) -> ExactScores:
    lanes = begin_leaps(chain, exact.drive)
    slopes = parameter_slopes(chain, channels, exact.drive, spread) if channels else {}

    def step(here: _Carry) -> _Carry:
        tally = settled_tally(channels, exact, here.tally)
        clock = entered(exact, here.clock, here.side.pending)
        x = changed(chain, known, exact, here.side, here.clock)
        score = (
            None
            if all(known.late)
            else score_now(chain, channels, exact, lanes.parameters, slopes, tally, (reals(x), clock.time))
        )
        side = applied(chain, known, exact, lanes, here.side, here.clock, score)
        return proposed(_Carry(side, clock, tally, here.control))

    def proposed(here: _Carry) -> _Carry:
        span, side, clock = _proposed(chain, known, exact, lanes, here.side, here.clock)
        tally = tallied(chain, channels, exact, lanes.parameters, here.tally, span)
        control = here.control
        if critic is not None and control is not None:
            control = followed(chain, channels, exact, critic, lanes.parameters, slopes, control, span)
        return _Carry(side, clock, tally, control)

    tally = first_tally(channels, exact, chain.lanes)
    apart = tuple(None if late else tally.score.astype(jnp.float32) for late in known.late)
    control = None if critic is None else first_control(critic, chain.lanes)
    first = _Carry(first_side(chain, exact, lanes, apart), first_clock(chain, exact, lanes), tally, control)
    last = lax.while_loop(lambda here: going(here.side.pending), step, proposed(first))
    ended = (reals(last.side.x), last.clock.until)
    score = score_now(
        chain, channels, exact, lanes.parameters, slopes, settled_tally(channels, exact, last.tally), ended
    )
    scores = [score if late else noted for late, noted in zip(known.late, last.side.kept.scores, strict=True)]
    result = ExactScores(
        numbers=numbers_at_end(chain, known, lanes, last.side),
        scores=jnp.swapaxes(jnp.stack(scores), 1, 2),
        faulty=faulty(exact, last.clock),
    )
    if last.control is None:
        return result
    bracket = jnp.swapaxes(jnp.stack(last.control.bracket), 1, 2)
    return result._replace(total=score.T, martingale=jnp.stack(last.control.martingale), bracket=bracket)


def settled_terms(chain: LeapChain, exact: ExactDrive) -> Settled:
    """Return what is known of a drive before the loop is compiled."""
    looks, cells, drive = exact.drive.looks, exact.lower.shape[0], exact.drive
    late = tuple(
        term.functional.late(looks.at[cells, j], looks.weight[cells - 1, j]) for j, term in enumerate(chain.terms)
    )
    given = np.any((drive.multiply != 1.0) | (drive.add != 0.0), axis=0)
    return Settled(late, tuple(bool(dose) for dose in given))


def first_side(chain: LeapChain, exact: ExactDrive, lanes: ChainLanes, scores: tuple[Any, ...]) -> Side:
    """Return a path before its first proposal."""
    now = signals(chain, reals(lanes.x), lanes.parameters)
    nothing = jnp.full((chain.lanes,), NO_EVENT, jnp.int32)
    return Side(lanes.x, nothing, Kept(tuple(first_note(chain, exact.drive, now)), scores))


def going(pending: Array) -> Any:
    """Return whether a path has not ended."""
    return jnp.any(pending != np.int32(NO_EVENT))


def numbers_at_end(chain: LeapChain, known: Settled, lanes: ChainLanes, last: Side) -> Any:
    """Return F of each term [J, L]; what is read at the very end is read here."""
    now = signals(chain, reals(last.x), lanes.parameters)
    final = [late and term.functional.instant for late, term in zip(known.late, chain.terms, strict=True)]
    return jnp.stack([now[j] if late else last.kept.numbers[j] for j, late in enumerate(final)])


def applied(
    chain: LeapChain,
    known: Settled,
    exact: ExactDrive,
    lanes: ChainLanes,
    here: Side,
    clock: Clock,
    score: Array | None,
) -> Side:
    """Apply what is pending: an event, or the entry of the next cell with what is looked at and given there."""
    enters, ended = here.pending == np.int32(ENTER), here.pending == np.int32(NO_EVENT)
    before = signals(chain, reals(here.x), lanes.parameters)
    x = changed(chain, known, exact, here, clock)
    after = signals(chain, reals(x), lanes.parameters)
    waited = (clock.until - clock.time).astype(jnp.float32)
    kept = _noted(chain, known, exact, here.kept, score, (within(exact, clock), enters, ended, waited), before, after)
    return here._replace(x=x, kept=kept)


def changed(chain: LeapChain, known: Settled, exact: ExactDrive, here: Side, clock: Clock) -> tuple[Any, ...]:
    """Return the counts after the event, or after the doses of species given on entering a cell."""
    cell, enters = within(exact, clock), here.pending == np.int32(ENTER)
    x = []
    for s, changes in enumerate(stoichiometry(chain.structure).tolist()):
        row = here.x[s]
        for r, change in enumerate(changes):
            if change:
                row = row + jnp.where(here.pending == np.int32(r), np.int32(change), np.int32(0))
        if not known.dosed[s]:
            x.append(row)
            continue
        scale, whole = (table[cell + np.int32(1), s] for table in (exact.drive.multiply, exact.drive.whole))
        x.append(jnp.where(enters, dosed(scale, whole, row), row))
    return tuple(x)


def _noted(
    chain: LeapChain,
    known: Settled,
    exact: ExactDrive,
    here: Kept,
    score: Any,
    moment: Any,
    before: Array,
    after: Array,
) -> Kept:
    """Return what is kept once the pending change has been made."""
    cell, enters, ended, waited = moment
    looks = exact.drive.looks
    numbers, scores = [], []
    for j, term in enumerate(chain.terms):
        so_far, noted = here.numbers[j], here.scores[j]
        if term.functional.instant and known.late[j]:  # which is read at the very end
            numbers.append(so_far)
            scores.append(noted)
            continue
        at, weight = looks.at[cell + np.int32(1), j], looks.weight[cell, j]
        here_and_next = looks.within[cell, j], looks.within[cell + np.int32(1), j]
        where = PathEvent(at, weight, *here_and_next, enters, ended, waited)
        so_far, looked = term.functional.event(so_far, before[j], after[j], where)
        numbers.append(so_far)
        scores.append(None if noted is None else jnp.where(looked[:, None], score, noted))
    return Kept(tuple(numbers), tuple(scores))


def _proposed(
    chain: LeapChain, known: Settled, exact: ExactDrive, lanes: ChainLanes, here: Side, clock: Clock
) -> tuple[Span, Side, Clock]:
    """Propose the next event at the bounds of the cell, and accept it with the rate over its bound."""
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    x = reals(here.x)
    upper = upper_bounds(chain, plan, exact, lanes, clock, x)
    proposal = propose(exact, clock, running_sums(upper))
    end = piece_of(exact, proposal.until)  # of a path that has ended, its end
    exposure = exposure_at(exact, end[0])
    a = chain_rates(chain, x, exposure, lanes.parameters)
    pending = accepted(exact, clock, proposal, a, plan.varying, out_of_range(clock, proposal.sums[-1], [*upper, *a]))
    here = here._replace(pending=pending)
    after = reals(changed(chain, known, exact, here, clock))
    span = Span(x, after, exposure, clock.time, proposal.until, end, pending)
    return span, here, drawn(lanes, clock, proposal)
