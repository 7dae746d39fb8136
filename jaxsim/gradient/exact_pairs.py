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
from jax import lax

from jaxsim.ensemble.compiler import compiler_options
from jaxsim.gradient.chain import Chain, begin, rates, reals
from jaxsim.gradient.exact_drive import ExactDrive
from jaxsim.gradient.exact_score import (
    ENTER,
    NONE,
    REJECTED,
    Carry,
    Settled,
    applied,
    at_start,
    next_bits,
    numbers_at_end,
    out_of_range,
    upper_bounds,
)
from jaxsim.gradient.exact_tally import exposure_at, first_tally, place
from jaxsim.kernels.randomness import two_uniforms
from jaxsim.kernels.rates import plan_rates, total
from jaxsim.kernels.selection import choose, waiting_time


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
    cells, nothing = below.lower.shape[0], (None,) * len(chain.terms)

    def step(sides: list[Carry]) -> list[Carry]:
        moved = [applied(chain, known, *one, None) for one in zip(drives, lanes, sides, strict=True)]
        return _proposed(chain, drives, lanes, moved)

    nowhere = first_tally((), below, 0)
    start = [at_start(chain, exact, own, nowhere, nothing) for exact, own in zip(drives, lanes, strict=True)]
    first = _proposed(chain, drives, lanes, start)
    last = lax.while_loop(lambda sides: jnp.any(sides[0].cell < np.int32(cells)), step, first)
    numbers = [numbers_at_end(chain, known, own, side) for own, side in zip(lanes, last, strict=True)]
    return Pairs(jnp.stack(numbers), last[0].kept.faulty)


def _shared(below: ExactDrive, above: ExactDrive) -> tuple[ExactDrive, ExactDrive]:
    """Return the drives with bounds that hold on both sides, and one copy of what is the same, looked up once."""
    lower, upper = jnp.minimum(below.lower, above.lower), jnp.maximum(below.upper, above.upper)
    below = below._replace(lower=lower, upper=upper)
    drive = below.drive._replace(tables=above.drive.tables, initial=above.drive.initial)
    return below, below._replace(drive=drive)


def _proposed(chain: Chain, drives: tuple[ExactDrive, ...], lanes: list[Any], sides: list[Carry]) -> list[Carry]:
    """Propose the next event at the larger of the bounds of the cell; each side accepts it by its own rate."""
    plan, here, cells = plan_rates(chain.structure, chain.sampled_parameters), sides[0], drives[0].lower.shape[0]
    cell = jnp.minimum(here.cell, np.int32(cells - 1))
    x = [reals(side.x) for side in sides]
    bounds = [upper_bounds(chain, plan, d, own, cell, row) for d, own, row in zip(drives, lanes, x, strict=True)]
    larger = [jnp.maximum(one, other) for one, other in zip(*bounds, strict=True)]
    sums = total(larger)
    edge = drives[0].edges[cell + np.int32(1)]
    u_time, u_choice = two_uniforms(here.bits, jnp.float32)
    arrival = here.time + waiting_time(u_time, sums[-1])
    until = jnp.minimum(arrival, edge)
    threshold = u_choice * sums[-1]
    chosen = choose(threshold, sums)
    piece, _ = place(drives[0], until)
    ended = here.cell >= np.int32(cells)
    found = [
        rates(chain, row, exposure_at(d, piece), own.parameters) for d, own, row in zip(drives, lanes, x, strict=True)
    ]
    wrong = out_of_range(sums[-1], [*larger, *found[0], *found[1]])
    draws = here.draws + np.uint32(1)
    bits = next_bits(lanes[0], draws)
    stays, result = ended | wrong, []
    for side, a in zip(sides, found, strict=True):
        pending = chosen
        for r, rate in enumerate(a):
            below = threshold < (sums[r - 1] + rate if r else rate)
            pending = jnp.where((chosen == np.int32(r)) & ~below, np.int32(REJECTED), pending)
        pending = jnp.where(arrival < edge, pending, np.int32(ENTER))
        result.append(side._replace(
            pending=jnp.where(stays, np.int32(NONE), pending),
            until=jnp.where(stays, here.time, until),
            cell=jnp.where(wrong, np.int32(cells), here.cell),
            draws=draws,
            bits=bits,
            kept=side.kept._replace(faulty=here.kept.faulty | (wrong & ~ended)),
        ))  # fmt: skip
    return result
