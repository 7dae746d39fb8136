"""The linear critic along exact paths: its martingale, and what it sees of the rates' moves, event by event.

W = lambda(t) . x with lambda the adjoint of the rate equations (see `critics`), linear between the edges of the pieces
in which drug curves are constant. The martingale is the sum over events of w_r(t) = lambda(t) . nu_r less the integral
of sum_r a_r w_r; as rates are linear in the curves, that integral is read from running integrals of w_r and of w_r
times each curve, and the bracket from those of w_r times each derivative of a curve.
"""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.gradient.exact.drive import ExactDrive
from jaxsim.gradient.exact.tally import Span, piece_of
from jaxsim.gradient.leap.chain import Drive, LeapChain, chain_rates
from jaxsim.gradient.leap.channels import Channel, channel_slopes
from jaxsim.gradient.leap.critics import critic_terms
from jaxsim.gradient.leap.mean import mean_path, no_nudges
from jaxsim.gradient.objective import LeapGrid, looks
from jaxsim.kernels.rates import plan_rates
from jaxsim.network import names, stoichiometry


class ExactCritic(NamedTuple):
    """Tables of C critics: m pieces, R reactions, D curves, K reactions that read curves, P free numbers; float32."""

    start: Any
    """[m, C, R]: w at the start of each piece."""
    rise: Any
    """[m, C, R]: by how much it grows in a unit of time."""
    reached: Any
    """[m, C, R, 1 + D]: the integrals of w, and of w times each curve, up to each piece."""
    slope_reached: Any
    """[m, C, R, D, P]: those of w times the derivatives of each curve."""


class Control(NamedTuple):
    """What the critics have seen so far."""

    martingale: tuple[Any, ...]
    """float32 [L] for each critic."""
    bracket: tuple[Any, ...]
    """float32 [L, P] for each critic."""


def exact_critics(chain: LeapChain, exact: ExactDrive) -> ExactCritic:
    """Return the tables, numpy."""
    pieces = exact.slope.shape[0]
    edges = float(exact.origin) + float(exact.piece) * np.arange(pieces + 1)
    terms = critic_terms(chain.terms, chain.structure.species)
    nothing = np.ones((pieces + 1, len(chain.structure.species)), np.float32)
    drive = exact.drive._replace(
        width=np.diff(edges).astype(np.float32),
        looks=looks(terms, LeapGrid(edges)),
        multiply=nothing,
        add=0.0 * nothing,
    )
    after = np.asarray(_adjoint(replace(chain, terms=terms, lanes=1), drive), np.float64)  # [C, m, S]
    at = np.concatenate([2.0 * after[:, :1] - after[:, 1:2], after], axis=1)
    w = np.moveaxis(at @ stoichiometry(chain.structure).astype(np.float64), 0, 1)  # [m + 1, C, R]
    whole = 0.5 * (w[1:] + w[:-1]) * float(exact.piece)
    curve = np.concatenate([np.ones((pieces, 1)), np.asarray(exact.drive.tables.exposure, np.float64)], axis=1)
    slope = np.asarray(exact.slope, np.float64)
    return ExactCritic(
        start=w[:-1].astype(np.float32),
        rise=(np.diff(w, axis=0) / float(exact.piece)).astype(np.float32),
        reached=_running(whole[..., None] * curve[:, None, None, :]),
        slope_reached=_running(whole[..., None, None] * slope[:, None, None]),
    )


def _running(table: np.ndarray) -> np.ndarray:
    """Return the sum up to the start of every piece."""
    return np.concatenate([np.zeros_like(table[:1]), np.cumsum(table[:-1], axis=0)]).astype(np.float32)


@partial(jax.jit, static_argnums=0)
def _adjoint(chain: LeapChain, drive: Drive) -> Any:
    """Return lambda [C, m, S] at the end of every piece."""
    return jax.jacrev(lambda nudges: mean_path(chain, drive, nudges, midpoint=True)[1])(no_nudges(chain, drive))


def first_control(critic: ExactCritic, lanes: int) -> Control:
    """Return what the critics have seen at the start."""
    number, free = critic.start.shape[1], critic.slope_reached.shape[4]
    one, many = jnp.zeros((lanes,), jnp.float32), jnp.zeros((lanes, free), jnp.float32)
    return Control((one,) * number, (many,) * number)


def followed(
    chain: LeapChain,
    channels: tuple[Channel, ...],
    exact: ExactDrive,
    critic: ExactCritic,
    parameters: dict[str, Any],
    slopes: dict[str, Any],
    here: Control,
    span: Span,
) -> Control:
    """Return what the critics have seen after one more span and what fires at its end."""
    ends = [(piece, since.astype(jnp.float32)) for piece, since in (piece_of(exact, span.time), span.end)]
    number = exact.slope.shape[1]
    blank = jnp.zeros((number, 1), jnp.float32)
    points = [blank, *(blank.at[d].set(1.0) for d in range(number))]  # no curve, and one alone
    a = [chain_rates(chain, span.x, point, parameters) for point in points]
    moved = [channel_slopes(chain, channels, span.x, point, parameters)[1] for point in points]
    reads = _reads(chain)
    martingale, bracket = [], []
    for c in range(critic.start.shape[1]):
        seen, total = here.martingale[c], here.bracket[c]
        for r, curves in enumerate(reads):
            passed, by = _passed(exact, critic, ends, c, r, curves)
            piece, since = ends[1]
            jump = critic.start[piece, c, r] + critic.rise[piece, c, r] * since
            seen = seen + jnp.where(span.pending == np.int32(r), jump, 0.0) - a[0][r] * passed[0]
            for d in curves:
                seen = seen - (a[1 + d][r] - a[0][r]) * passed[1 + d]
            for k, channel in enumerate(channels):
                if r not in channel.reactions:
                    continue
                slope = moved[0][k][r]
                if channel.in_time:
                    total = total + slope[:, None] * by[channel.column]
                    continue
                part = slope * passed[0]
                for d in curves:
                    part = part + (moved[1 + d][k][r] - slope) * passed[1 + d]
                total = total + slopes[channel.name].T * part[:, None]
        martingale.append(seen)
        bracket.append(total)
    return Control(tuple(martingale), tuple(bracket))


def _reads(chain: LeapChain) -> list[tuple[int, ...]]:
    """Return for each reaction the curves that its rate reads."""
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    return [tuple(d for d, (name, _) in enumerate(plan.in_time) if name in names(rate)) for rate in plan.expressions]


def _passed(
    exact: ExactDrive, critic: ExactCritic, ends: list[Any], c: int, r: int, curves: tuple[int, ...]
) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return the integrals over a span of w, of w times curves [L], and of w times their derivatives [L, P]."""
    plain: list[dict[int, Any]] = []
    sloped: list[dict[int, Any]] = []
    for piece, since in ends:
        within = critic.start[piece, c, r] * since + 0.5 * critic.rise[piece, c, r] * since * since
        reached, at = critic.reached[:, c, r][piece], {0: within}
        at |= {1 + d: exact.drive.tables.exposure[piece, d] * within for d in curves}
        plain.append({k: reached[:, k] + value for k, value in at.items()})
        sloped.append({
            d: critic.slope_reached[:, c, r, d][piece] + exact.slope[:, d][piece] * within[:, None] for d in curves
        })  # fmt: skip
    return tuple({k: last[k] - first[k] for k in first} for first, last in (plain, sloped))  # type: ignore[return-value]
