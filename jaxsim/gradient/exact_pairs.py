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
from jax import lax

from jaxsim.ensemble.compiler import compiler_options
from jaxsim.gradient.chain import Chain, begin, rates, reals
from jaxsim.gradient.exact_drive import ExactDrive
from jaxsim.gradient.exact_proposals import (
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
from jaxsim.gradient.exact_score import Settled, Side, applied, first_side, going, numbers_at_end
from jaxsim.gradient.exact_tally import exposure_at, place
from jaxsim.kernels.rates import plan_rates, total


class Pairs(NamedTuple):
    """What is kept of every pair."""

    numbers: Any
    """float32 [2, J, L]: F of each term on both sides."""
    faulty: Any
    """bool [L]: whether a rate was negative or not finite."""


def exact_pairs(chain: Chain, known: Settled, below: ExactDrive, above: ExactDrive) -> Pairs:
    """Run every pair from the start to the end; call within ``jax.enable_x64(True)``."""
    return _program(jax.devices()[0])(chain, known, below, above)


@lru_cache(maxsize=2)
def _program(device: Any) -> Any:
    return jax.jit(_pairs, static_argnums=(0, 1), compiler_options=compiler_options(device))


def _pairs(chain: Chain, known: Settled, below: ExactDrive, above: ExactDrive) -> Pairs:
    drives = _shared(below, above)
    lanes = [begin(chain, exact.drive) for exact in drives]
    nothing = (None,) * len(chain.terms)

    def step(here: tuple[list[Side], Clock]) -> tuple[list[Side], Clock]:
        sides, clock = here
        moved = [
            applied(chain, known, exact, own, side, clock, None)
            for exact, own, side in zip(drives, lanes, sides, strict=True)
        ]
        return _proposed(chain, drives, lanes, moved, entered(below, clock, sides[0].pending))

    start = [first_side(chain, exact, own, nothing) for exact, own in zip(drives, lanes, strict=True)]
    first = _proposed(chain, drives, lanes, start, first_clock(chain, below, lanes[0]))
    last, clock = lax.while_loop(lambda here: going(*here[0]), step, first)
    numbers = [numbers_at_end(chain, known, own, side) for own, side in zip(lanes, last, strict=True)]
    return Pairs(jnp.stack(numbers), faulty(below, clock))


def _shared(below: ExactDrive, above: ExactDrive) -> tuple[ExactDrive, ExactDrive]:
    """Return the drives with bounds that hold on both sides, and one copy of what is the same, looked up once."""
    lower, upper = jnp.minimum(below.lower, above.lower), jnp.maximum(below.upper, above.upper)
    below = below._replace(lower=lower, upper=upper)
    drive = below.drive._replace(tables=above.drive.tables, initial=above.drive.initial)
    return below, below._replace(drive=drive)


def _proposed(
    chain: Chain, drives: tuple[ExactDrive, ...], lanes: list[Any], sides: list[Side], clock: Clock
) -> tuple[list[Side], Clock]:
    """Propose the next event at the larger of the bounds of the cell; each side accepts it by its own rate."""
    plan, exact = plan_rates(chain.structure, chain.sampled_parameters), drives[0]
    x = [reals(side.x) for side in sides]
    bounds = [upper_bounds(chain, plan, d, own, clock, row) for d, own, row in zip(drives, lanes, x, strict=True)]
    larger = [jnp.maximum(one, other) for one, other in zip(*bounds, strict=True)]
    proposal = propose(exact, clock, total(larger))
    piece, _ = place(exact, proposal.until)
    found = [
        rates(chain, row, exposure_at(d, piece), own.parameters) for d, own, row in zip(drives, lanes, x, strict=True)
    ]
    wrong, every = out_of_range(proposal.sums[-1], [*larger, *found[0], *found[1]]), tuple(range(len(larger)))
    sides = [
        side._replace(pending=accepted(exact, clock, proposal, a, every, wrong))
        for side, a in zip(sides, found, strict=True)
    ]
    return sides, drawn(lanes[0], clock, proposal)
