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
from jax import lax

from jaxsim.ensemble.compiler import compiler_options
from jaxsim.gradient.chain import Chain, begin, first_note, rates, reals, signals
from jaxsim.gradient.channels import Channel, parameter_slopes
from jaxsim.gradient.exact_critic import Control, ExactCritic, first_control, followed
from jaxsim.gradient.exact_drive import ExactDrive
from jaxsim.gradient.exact_tally import Span, Tally, exposure_at, first_tally, place, score_now, settled, tallied
from jaxsim.gradient.leap_score import Spread
from jaxsim.kernels.randomness import draw_bits, two_uniforms
from jaxsim.kernels.rates import Rates, leaves_before, plan_rates, propensity_bounds, total
from jaxsim.kernels.selection import choose, waiting_time
from jaxsim.network import stoichiometry

NONE, ENTER, REJECTED = -1, -2, -3


class Settled(NamedTuple):
    """What the compiled loop need not look up at every event; part of what shapes it."""

    late: tuple[bool, ...]
    """For each term whether it, and with it its score, is known at the very end."""
    dosed: tuple[bool, ...]
    """For each species whether it is ever given."""


class ExactScores(NamedTuple):
    """What is kept of every trajectory."""

    numbers: Any
    """float32 [J, L]: F of each term; on the way [L] each."""
    scores: Any
    """float32 [J, P, L]: the score up to where each term is known; on the way [L, P] each, None where it is late."""
    faulty: Any
    """bool [L]: whether a rate was negative or not finite."""
    total: Any = None
    """float32 [P, L]: the score of the whole path, where critics follow it."""
    martingale: Any = None
    """float32 [C, L]: of each critic."""
    bracket: Any = None
    """float32 [C, P, L]: what each critic sees of the rates' moves."""


class Carry(NamedTuple):
    x: tuple[Any, ...]
    time: Any
    """float64 [L]."""
    cell: Any
    """int32 [L]; the number of cells where the path has ended."""
    draws: Any
    bits: Any
    """uint64 [L]: random bits of the next proposal, which XLA would otherwise make again wherever they are read."""
    pending: Any
    """int32 [L]: a reaction, or what else the last proposal came to."""
    until: Any
    """float64 [L]: when it happens."""
    tally: Tally
    kept: ExactScores
    control: Control | None = None


def exact_scores(
    chain: Chain,
    channels: tuple[Channel, ...],
    known: Settled,
    exact: ExactDrive,
    spread: Spread,
    critic: ExactCritic | None = None,
) -> ExactScores:
    """Run every lane from the start to the end; call within ``jax.enable_x64(True)``."""
    return _program(jax.devices()[0])(chain, channels, known, exact, spread, critic)


@lru_cache(maxsize=2)
def _program(device: Any) -> Any:
    return jax.jit(_scores, static_argnums=(0, 1, 2), compiler_options=compiler_options(device))


def _scores(
    chain: Chain,
    channels: tuple[Channel, ...],
    known: Settled,
    exact: ExactDrive,
    spread: Spread,
    critic: ExactCritic | None,
) -> ExactScores:
    lanes = begin(chain, exact.drive)
    slopes = parameter_slopes(chain, channels, exact.drive, spread) if channels else {}
    cells = exact.lower.shape[0]

    def step(here: Carry) -> Carry:
        here = here._replace(tally=settled(channels, exact, here.tally))
        score = None if all(known.late) else score_now(channels, exact, slopes, here.tally)
        return proposed(applied(chain, known, exact, lanes, here, score))

    def proposed(here: Carry) -> Carry:
        span, here = _proposed(chain, channels, exact, lanes, here)
        if critic is None or here.control is None:
            return here
        return here._replace(
            control=followed(chain, channels, exact, critic, lanes.parameters, slopes, here.control, span)
        )

    tally = first_tally(channels, exact, chain.lanes)
    apart = tuple(None if late else tally.score.astype(jnp.float32) for late in known.late)
    first = at_start(chain, exact, lanes, tally, apart)
    first = proposed(first._replace(control=None if critic is None else first_control(critic, chain.lanes)))
    last = lax.while_loop(lambda here: jnp.any(here.cell < np.int32(cells)), step, first)
    score = score_now(channels, exact, slopes, settled(channels, exact, last.tally))
    scores = [score if late else noted for late, noted in zip(known.late, last.kept.scores, strict=True)]
    kept = last.kept._replace(numbers=numbers_at_end(chain, known, lanes, last))
    kept = kept._replace(scores=jnp.swapaxes(jnp.stack(scores), 1, 2))
    if last.control is None:
        return kept
    bracket = jnp.swapaxes(jnp.stack(last.control.bracket), 1, 2)
    return kept._replace(total=score.T, martingale=jnp.stack(last.control.martingale), bracket=bracket)


def settled_terms(chain: Chain, exact: ExactDrive) -> Settled:
    """Return what is known of a drive before the loop is compiled."""
    looks, cells, drive = exact.drive.looks, exact.lower.shape[0], exact.drive
    last = {"at": looks.at[cells], "integral": looks.weight[cells - 1] > 0.0}
    late = tuple(bool(term.kind in last and last[term.kind][j]) for j, term in enumerate(chain.terms))
    dosed = np.any((drive.multiply != 1.0) | (drive.add != 0.0), axis=0)
    return Settled(late, tuple(bool(given) for given in dosed))


def at_start(chain: Chain, exact: ExactDrive, lanes: Any, tally: Tally, scores: tuple[Any, ...]) -> Carry:
    """Return the carry before the first proposal."""
    none = jnp.zeros((chain.lanes,), jnp.int32)
    now = signals(chain, reals(lanes.x), lanes.parameters)
    kept = ExactScores(tuple(first_note(chain, exact.drive, now)), scores, none > 0)
    time = jnp.broadcast_to(exact.origin, none.shape)
    draws = none.astype(jnp.uint32)
    nothing = none + np.int32(NONE)
    return Carry(lanes.x, time, none, draws, next_bits(lanes, draws), nothing, time, tally, kept)


def next_bits(lanes: Any, draws: Any) -> Any:
    """Return the random bits of a proposal, by its number."""
    return draw_bits(lanes.key[0], lanes.key[1], draws)


def numbers_at_end(chain: Chain, known: Settled, lanes: Any, last: Carry) -> Any:
    """Return F of each term [J, L]; what is read at the very end is read here."""
    now = signals(chain, reals(last.x), lanes.parameters)
    final = [late and term.kind == "at" for late, term in zip(known.late, chain.terms, strict=True)]
    return jnp.stack([now[j] if late else last.kept.numbers[j] for j, late in enumerate(final)])


def applied(chain: Chain, known: Settled, exact: ExactDrive, lanes: Any, here: Carry, score: Any) -> Carry:
    """Apply what is pending: an event, or the entry of the next cell with what is looked at and given there."""
    cells = exact.lower.shape[0]
    ended = here.cell >= np.int32(cells)
    cell = jnp.minimum(here.cell, np.int32(cells - 1))
    enters = (here.pending == np.int32(ENTER)) & ~ended
    before = signals(chain, reals(here.x), lanes.parameters)
    x = _changed(chain, known, exact, here, cell, enters)
    after = signals(chain, reals(x), lanes.parameters)
    kept = _noted(chain, known, exact, here, score, (cell, enters, ended), before, after)
    cell = jnp.where(enters, here.cell + np.int32(1), here.cell)
    return here._replace(x=x, time=here.until, cell=cell, kept=kept)


def _changed(chain: Chain, known: Settled, exact: ExactDrive, here: Carry, cell: Any, enters: Any) -> tuple[Any, ...]:
    """Return the counts after the event, or after the doses of species given on entering a cell."""
    x = []
    for s, changes in enumerate(stoichiometry(chain.structure).tolist()):
        row = here.x[s]
        for r, change in enumerate(changes):
            if change:
                row = row + jnp.where(here.pending == np.int32(r), np.int32(change), np.int32(0))
        if not known.dosed[s]:
            x.append(row)
            continue
        scale, shift = (table[cell + np.int32(1), s] for table in (exact.drive.multiply, exact.drive.add))
        same = ~enters | ((scale == 1.0) & (shift == 0.0))
        x.append(jnp.where(same, row, jnp.round(scale * row.astype(jnp.float32) + shift).astype(jnp.int32)))
    return tuple(x)


def _noted(
    chain: Chain, known: Settled, exact: ExactDrive, here: Carry, score: Any, where: Any, before: Any, after: Any
) -> ExactScores:
    """Return what is kept once the pending change has been made."""
    cell, enters, ended = where
    looks, waited = exact.drive.looks, (here.until - here.time).astype(jnp.float32)
    numbers, scores = [], []
    for j, term in enumerate(chain.terms):
        so_far, noted = here.kept.numbers[j], here.kept.scores[j]
        if term.kind == "at" and known.late[j]:
            numbers.append(so_far)
            scores.append(noted)
            continue
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
        scores.append(None if noted is None else jnp.where(looked[:, None], score, noted))
    return here.kept._replace(numbers=tuple(numbers), scores=tuple(scores))


def _proposed(chain: Chain, channels: Any, exact: ExactDrive, lanes: Any, here: Carry) -> tuple[Span, Carry]:
    """Propose the next event at the bounds of the cell, and accept it with the rate over its bound."""
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    cells = exact.lower.shape[0]
    cell = jnp.minimum(here.cell, np.int32(cells - 1))
    x = reals(here.x)
    upper = upper_bounds(chain, plan, exact, lanes, cell, x)
    sums = total(upper)
    edge = exact.edges[cell + np.int32(1)]
    u_time, u_choice = two_uniforms(here.bits, jnp.float32)
    arrival = here.time + waiting_time(u_time, sums[-1])
    until = jnp.minimum(arrival, edge)
    threshold = u_choice * sums[-1]
    chosen = choose(threshold, sums)
    end = place(exact, until)  # of a path that has ended, its end
    exposure = exposure_at(exact, end[0])
    a = rates(chain, x, exposure, lanes.parameters)
    pending = chosen
    for r in plan.varying:
        above = sums[r - 1] + a[r] if r else a[r]
        pending = jnp.where((chosen == np.int32(r)) & ~(threshold < above), np.int32(REJECTED), pending)
    pending = jnp.where(arrival < edge, pending, np.int32(ENTER))
    wrong = out_of_range(sums[-1], [*upper, *a])
    ended = here.cell >= np.int32(cells)
    faulty = here.kept.faulty | (wrong & ~ended)
    pending = jnp.where(ended | wrong, np.int32(NONE), pending)
    span = Span(x, exposure, here.time, until, end, pending)
    return span, here._replace(
        pending=pending,
        until=jnp.where(ended | wrong, here.time, until),
        tally=tallied(chain, channels, exact, lanes.parameters, here.tally, span),
        cell=jnp.where(wrong, np.int32(cells), here.cell),
        draws=here.draws + np.uint32(1),
        bits=next_bits(lanes, here.draws + np.uint32(1)),
        kept=here.kept._replace(faulty=faulty),
    )


def out_of_range(total_rate: Any, found: list[Any]) -> Any:
    """Return the lanes in which a rate is negative or the total not finite."""
    wrong = ~(total_rate < np.float32(3e38))
    for rate in found:
        wrong = wrong | (rate < 0.0)
    return wrong


def upper_bounds(chain: Chain, plan: Rates, exact: ExactDrive, lanes: Any, cell: Any, x: Any) -> list[Any]:
    """Return an upper bound of every propensity over the cell of each lane, [L]."""
    env = leaves_before(plan, lanes.parameters, jnp.float32)
    env |= dict(zip(chain.structure.species, x, strict=True))
    leaves = {name: (exact.lower[cell, d], exact.upper[cell, d]) for d, (name, _) in enumerate(plan.in_time)}
    return propensity_bounds(plan, env, leaves, x[0])
