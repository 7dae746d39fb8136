"""Whether a score sees what is moved: events that (almost) never happen cannot say what more of them would do.

The score of a reaction is (firings less their mean) times the derivative of log a. Where the rate a is zero and its
derivative is not, the law of the path has no density to differentiate: the events that a little more of the rate would
add are not among the trajectories, and the estimate lacks them without a word. The same holds of a finite sample where
so few events are expected of a rate with so large a derivative that none need happen. (Absolute continuity in Glynn,
Commun. ACM 33 (1990) 75.) Rates are looked at in the very tables that the method reads.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float64

from jaxsim.errors import SimulationError
from jaxsim.gradient.channels import channel_slopes, find_channels
from jaxsim.gradient.exact_drive import exact_tables
from jaxsim.gradient.mean_chain import typical_parameters, typical_path
from jaxsim.gradient.methods import method_named
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.surrogate_estimator import scored_reactions
from jaxsim.gradient.tables import Slopes, Tables
from jaxsim.network import is_distribution

SMALL = 1e-4  # of the largest value of a curve, below which rates are looked at
SEEN = 30.0  # events in all trajectories, of which a sample's standard error is right to about a fifth
LIKE = 0.5  # of a weight: events whose weight is at least this part of another's tell as much
SHARE = 0.05  # of what moves, that may go unseen
ABOVE = "give a value above zero, or method 'surrogate' and scored= without the species that they change"
FLOOR = (
    "give floor=, such as 0.01, to differentiate where the effect is that much more, or scored= without the species "
    "that they change"
)


class _Read(NamedTuple):
    """The tables that a method reads."""

    edges: np.ndarray
    tables: Tables
    slopes: Slopes


def unseen(problem: Problem, method: str) -> list[str]:
    """Return a phrase for each component whose score lacks events that (almost) never happen."""
    known = method_named(method)
    if not known.scores:
        return []
    read = _Read(problem.grid.edges, problem.tables, problem.slopes) if known.leaps else _Read(*exact_tables(problem))
    if not _suspicious(read):
        return []
    every = (True,) * len(problem.network.structure.reactions)
    moved, lost = _moves(problem, read, scored_reactions(problem)[0] if method == "surrogate" else every)
    components = enumerate(problem.free.components)
    return [phrase for p, name in components for phrase in _phrase(name, read.edges, moved[:, p], lost[:, p])]


def information(problem: Problem) -> np.ndarray:
    """Return at most the Fisher information that a path on leaps holds on each component, [P], along the mean.

    Rates that are zero are left out: a path holds infinitely much on them, or nothing.
    """
    moves, happened = _rates_moved(problem, _Read(problem.grid.edges, problem.tables, problem.slopes))
    alive = happened > 0.0
    parts = np.where(alive[..., None], moves**2 / np.where(alive, happened, 1.0)[..., None], 0.0)
    return np.sum(parts, axis=(0, 1))


def refuse_unseen(problem: Problem, method: str) -> None:
    """Refuse a score of something that moves rates which (almost) never fire.

    Raises
    ------
    SimulationError
        Naming the component, when, and the remedy.
    """
    for phrase in unseen(problem, method):
        raise SimulationError(f"{phrase}, and a score cannot see events that do not happen; {ABOVE}")


def refuse_unseen_bins(
    problem: Problem, scored: tuple[bool, ...], effect: str, shares: Float64[np.ndarray, "bins n"]
) -> None:
    """Do so for every bin of a switching function on its own, by the share of each leap in it."""
    read = _Read(problem.grid.edges, problem.tables, problem.slopes)
    if not _suspicious(read):
        return
    moved, lost = _moves(problem, read, scored)
    for share in shares:
        for phrase in _phrase(effect, problem.grid.edges, share * moved[:, 0], share * lost[:, 0]):
            raise SimulationError(f"{phrase}, and a score cannot see events that do not happen; {FLOOR}")


def _phrase(what: str, edges: np.ndarray, moved: np.ndarray, lost: np.ndarray) -> list[str]:
    """Return what moves rates that never fire, and when; nothing where that is a small part of what it moves."""
    if not lost.sum() > SHARE * moved.sum():
        return []
    cells = np.flatnonzero(lost)
    first, last = edges[cells[0]], edges[cells[-1] + 1]
    return [f"'{what}' moves rates that (almost) never fire between t = {first:.4g} and {last:.4g}"]


def _moves(problem: Problem, read: _Read, scored: tuple[bool, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much scored rates move in each cell with each component, [n, P], and what of that goes unseen.

    The weight of an event in a score is the derivative of the logarithm of its rate. A move goes unseen where events of
    a like weight, or a larger one, are too few.
    """
    moves, happened = _rates_moved(problem, read)
    moves *= np.array(scored, np.float64)[:, None, None]
    rare = np.stack([_rare(moves[..., p], happened * problem.trajectories) for p in range(problem.size)], axis=-1)
    return moves.sum(axis=0), np.sum(moves * rare, axis=0)


def _rates_moved(problem: Problem, read: _Read) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much each component moves the expected events, [R, n, P], and their number, [R, n], at the mean."""
    widths, slopes, drive = np.diff(read.edges), read.slopes.tables, drive_of(problem)
    exposure = jnp.asarray(read.tables.exposure.T.astype(np.float32))
    path = np.maximum(np.asarray(typical_path(chain_of(problem, 1), drive)), 1.0)
    middle = 0.5 * (read.edges[1:] + read.edges[:-1])
    x = [np.interp(middle, problem.grid.edges[:-1], row).astype(np.float32) for row in path.T]
    chain = chain_of(problem, widths.size)
    channels = find_channels(chain, read.slopes)
    a, by = channel_slopes(chain, channels, tuple(map(jnp.asarray, x)), exposure, typical_parameters(chain, drive))
    moves = np.zeros((len(a), widths.size, problem.size))
    for channel, slope in zip(channels, by, strict=True):
        if channel.in_time:
            reach = np.abs(slopes.exposure[:, channel.column])
        else:
            parts = jax.tree.leaves(slopes.parameters[channel.name])
            reach = np.broadcast_to(sum(map(np.abs, parts)), moves.shape[1:])
        for r in channel.reactions:
            moves[r] += reach * np.abs(np.asarray(slope[r], np.float64) * widths)[:, None]
    happened = np.array([np.broadcast_to(np.asarray(rate, np.float64), widths.shape) for rate in a]) * widths
    return moves, happened


def _rare(moves: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Return where events of like or larger weight are too few, for moves and expected events of the same shape."""
    alive = events > 0.0
    weight = np.where(moves > 0.0, np.where(alive, moves / np.where(alive, events, 1.0), np.inf), 0.0).reshape(-1)
    order = np.argsort(-weight)
    enough = np.cumsum(events.reshape(-1)[order])
    like = np.searchsorted(-weight[order], -LIKE * weight, side="right") - 1
    return (enough[np.maximum(like, 0)] < SEEN).reshape(moves.shape)


def _suspicious(read: _Read) -> bool:
    """Return whether a curve or a parameter is near zero while it moves, which alone makes rates zero."""
    slopes, tables = read.slopes.tables, read.tables
    size = np.abs(tables.exposure)
    small = size <= SMALL * np.max(size, axis=0, initial=0.0)
    if np.any(np.any(slopes.exposure != 0.0, axis=2) & small):
        return True
    fixed = (name for name, value in tables.parameters.items() if not is_distribution(value))
    return any(np.all(tables.parameters[name] == 0.0) and np.any(slopes.parameters[name] != 0.0) for name in fixed)
