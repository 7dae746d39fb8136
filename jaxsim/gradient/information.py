"""The information of a path: how much its events tell of what is free, along the mean, and by how many of them.

The variance of a score is the Fisher information of the path, the sum over reactions and cells of time of (d a)^2 / a
times the width, with a the rate and d a its derivative. Each event has the weight d a / a; where events of a large
weight are few, a sample may hold none of them.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.gradient.leap.channels import channel_slopes, find_channels
from jaxsim.gradient.leap.mean import typical_parameters, typical_path
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.tables import Read

SEEN = 30.0  # events in all trajectories, of which a sample's standard error is right to about a fifth
LIKE = 0.5  # of a weight: events whose weight is at least this part of another's tell as much


def information(problem: Problem) -> np.ndarray:
    """Return at most the Fisher information that a path on leaps holds on each component, [P], along the mean.

    Rates that are zero are left out: a path holds infinitely much on them, or nothing.
    """
    moves, happened = rates_moved(problem, Read(problem.grid.edges, problem.tables, problem.slopes))
    return informed(moves, happened).sum(axis=(0, 1))


def informed(moves: np.ndarray, happened: np.ndarray) -> np.ndarray:
    """Return the Fisher information of each reaction in each cell, [R, n, P], for what `rates_moved` returns."""
    alive = happened > 0.0
    return np.where(alive[..., None], moves**2 / np.where(alive, happened, 1.0)[..., None], 0.0)


def few_of(moves: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Return which information rests on events too few to be seen, [R, n, P], for `events` [R, n] that are expected."""
    alive = events > 0.0
    return np.stack([rare_events(moves[..., p], events) & alive for p in range(moves.shape[-1])], axis=-1)


def rates_moved(problem: Problem, read: Read) -> tuple[np.ndarray, np.ndarray]:
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


def rare_events(moves: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Return where events of like or larger weight are too few, for moves and expected events of the same shape."""
    alive = events > 0.0
    weight = np.where(moves > 0.0, np.where(alive, moves / np.where(alive, events, 1.0), np.inf), 0.0).reshape(-1)
    order = np.argsort(-weight)
    enough = np.cumsum(events.reshape(-1)[order])
    like = np.searchsorted(-weight[order], -LIKE * weight, side="right") - 1
    return (enough[np.maximum(like, 0)] < SEEN).reshape(moves.shape)
