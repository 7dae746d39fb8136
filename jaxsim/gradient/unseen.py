"""Whether a score sees what is moved: events that (almost) never happen cannot say what more of them would do.

The score of a reaction is (firings less their mean) times the derivative of log a. Where the rate a is zero and its
derivative is not, the law of the path has no density to differentiate: the events that a little more of the rate would
add are not among the trajectories, and the estimate lacks them without a word. The same holds of a finite sample where
so few events are expected that none need happen. (Absolute continuity in Glynn, Commun. ACM 33 (1990) 75.)
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float64

from jaxsim.errors import SimulationError
from jaxsim.gradient.chain import reals
from jaxsim.gradient.channels import channel_slopes, find_channels
from jaxsim.gradient.mean_chain import typical_counts, typical_parameters
from jaxsim.gradient.methods import method_named
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.surrogate_estimator import scored_reactions
from jaxsim.network import is_distribution

SMALL = 1e-4  # of the largest value of a curve, below which rates are looked at
SEEN = 5.0  # events of a rate, in all trajectories if it lasted for the whole span, that are sure to have happened
SHARE = 0.05  # of what moves, that may go unseen
ABOVE = "give a value above zero, or method 'surrogate' and scored= without the species that they change"
FLOOR = (
    "give floor=, such as 0.01, to differentiate where the effect is that much more, or scored= without the species "
    "that they change"
)


def unseen(problem: Problem, method: str) -> list[str]:
    """Return a phrase for each component whose score lacks events that (almost) never happen."""
    if not (method_named(method).scores and _suspicious(problem)):
        return []
    every = (True,) * len(problem.network.structure.reactions)
    moved, lost = _moves(problem, scored_reactions(problem)[0] if method == "surrogate" else every)
    edges, components = problem.grid.edges, enumerate(problem.free.components)
    return [phrase for p, name in components for phrase in _phrase(name, edges, moved[:, p], lost[:, p])]


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
    if not _suspicious(problem):
        return
    moved, lost = _moves(problem, scored)
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


def _moves(problem: Problem, scored: tuple[bool, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much scored rates move in each leap with each component, [n, P], and what of that goes unseen."""
    widths, slopes, tables = problem.grid.widths, problem.slopes.tables, problem.tables
    drive, chain = drive_of(problem), chain_of(problem, widths.size)
    counts = np.maximum(typical_counts(chain_of(problem, 1), drive), 1.0).astype(np.int32)
    x = reals(tuple(jnp.full(widths.shape, count) for count in counts))
    channels = find_channels(chain, problem.slopes)
    exposure = jnp.asarray(tables.exposure.T.astype(np.float32))
    a, by = channel_slopes(chain, channels, x, exposure, typical_parameters(chain, drive))
    moved, lost = np.zeros((2, widths.size, problem.size))
    for channel, slope in zip(channels, by, strict=True):
        if channel.in_time:
            reach = np.abs(slopes.exposure[:, channel.column])
        else:
            reach = np.broadcast_to(sum(map(np.abs, jax.tree.leaves(slopes.parameters[channel.name]))), moved.shape)
        for r in channel.reactions:
            if scored[r]:
                move = reach * np.abs(np.asarray(slope[r], np.float64) * widths)[:, None]
                rare = np.asarray(a[r], np.float64) * widths.sum() * problem.trajectories < SEEN
                moved += move
                lost += move * rare[:, None]
    return moved, lost


def _suspicious(problem: Problem) -> bool:
    """Return whether a curve or a parameter is near zero while it moves, which alone makes rates zero."""
    slopes, tables = problem.slopes.tables, problem.tables
    size = np.abs(tables.exposure)
    small = size <= SMALL * np.max(size, axis=0, initial=0.0)
    if np.any(np.any(slopes.exposure != 0.0, axis=2) & small):
        return True
    fixed = (name for name, value in tables.parameters.items() if not is_distribution(value))
    return any(np.all(tables.parameters[name] == 0.0) and np.any(slopes.parameters[name] != 0.0) for name in fixed)
