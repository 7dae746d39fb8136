"""Pairs of exact paths at two neighbouring points, coupled event by event.

Split coupling (Anderson, SIAM J. Numer. Anal. 50 (2012) 2237): each reaction fires on both sides at the smaller of its
two rates, and on one side alone at what the other lacks. By thinning that is one proposal at the larger rate, and one
uniform that both sides compare with their own: so a pair costs little more than a path, and its two halves part
slowly, as few events tell them apart.
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
)
from jaxsim.gradient.exact.scores import Settled, Side, applied, first_side, going, numbers_at_end
from jaxsim.gradient.exact.tally import exposure_at, piece_of
from jaxsim.gradient.leap.chain import LeapChain, begin_leaps, chain_rates, reals
from jaxsim.kernels.draws import running_sums
from jaxsim.kernels.rates import plan_rates
from jaxsim.runtime.programs import compiler_options


class Pairs(NamedTuple):
    """What is kept of every pair."""

    numbers: Any
    """float32 [2, J, L]: F of each term on both sides."""
    faulty: Any
    """bool [L]: whether a rate was negative or not finite."""


class _Pair(NamedTuple):
    sides: list[Side]
    """Without what is pending."""
    pending: Any
    """int32 [L]: that of both sides, 16 bits each, so that XLA makes at once what they share; NONE where both ended."""
    clock: Clock


def exact_pairs(chain: LeapChain, known: Settled, below: ExactDrive, above: ExactDrive) -> Pairs:
    """Run every pair from the start to the end; call within ``jax.enable_x64(True)``."""
    return _program(jax.devices()[0])(chain, known, below, above)


@lru_cache(maxsize=2)
def _program(device: jax.Device) -> Any:
    return jax.jit(_pairs, static_argnums=(0, 1), compiler_options=compiler_options(device))


def _pairs(chain: LeapChain, known: Settled, below: ExactDrive, above: ExactDrive) -> Pairs:
    drives = _shared(below, above)
    lanes = [begin_leaps(chain, exact.drive) for exact in drives]
    nothing = (None,) * len(chain.terms)

    def step(here: _Pair) -> _Pair:
        pending = _apart(here.pending)
        sides = [side._replace(pending=own) for side, own in zip(here.sides, pending, strict=True)]
        moved = [
            applied(chain, known, exact, own, side, here.clock, None)
            for exact, own, side in zip(drives, lanes, sides, strict=True)
        ]
        return _proposed(chain, drives, lanes, moved, entered(below, here.clock, pending[0]))

    start = [first_side(chain, exact, own, nothing) for exact, own in zip(drives, lanes, strict=True)]
    first = _proposed(chain, drives, lanes, start, first_clock(chain, below, lanes[0]))
    last, _, clock = lax.while_loop(lambda here: going(here.pending), step, first)
    numbers = [numbers_at_end(chain, known, own, side) for own, side in zip(lanes, last, strict=True)]
    return Pairs(jnp.stack(numbers), faulty(below, clock))


def _shared(below: ExactDrive, above: ExactDrive) -> tuple[ExactDrive, ExactDrive]:
    """Return the drives with bounds that hold on both sides, and one copy of what is the same, looked up once."""
    lower, upper = jnp.minimum(below.lower, above.lower), jnp.maximum(below.upper, above.upper)
    below = below._replace(lower=lower, upper=upper)
    drive = below.drive._replace(tables=above.drive.tables, initial=above.drive.initial)
    return below, below._replace(drive=drive)


def _proposed(
    chain: LeapChain, drives: tuple[ExactDrive, ...], lanes: list[Any], sides: list[Side], clock: Clock
) -> _Pair:
    """Propose the next event at the larger of the bounds of the cell; each side accepts it by its own rate."""
    plan, exact = plan_rates(chain.structure, chain.sampled_parameters), drives[0]
    x = [reals(side.x) for side in sides]
    bounds = [upper_bounds(chain, plan, d, own, clock, row) for d, own, row in zip(drives, lanes, x, strict=True)]
    larger = [jnp.maximum(one, other) for one, other in zip(*bounds, strict=True)]
    proposal = propose(exact, clock, running_sums(larger))
    piece, _ = piece_of(exact, proposal.until)
    found = [
        chain_rates(chain, row, exposure_at(drive, piece), own.parameters)
        for drive, own, row in zip(drives, lanes, x, strict=True)
    ]
    wrong, every = out_of_range(clock, proposal.sums[-1], [*larger, *found[0], *found[1]]), tuple(range(len(larger)))
    below, above = (accepted(exact, clock, proposal, a, every, wrong) for a in found)
    pending = (below & np.int32(0xFFFF)) | (above << np.int32(16))
    return _Pair([side._replace(pending=None) for side in sides], pending, drawn(lanes[0], clock, proposal))


def _apart(pending: Array) -> tuple[Any, Any]:
    """Return what is pending on each side."""
    half = np.int32(16)
    return (pending << half) >> half, pending >> half
