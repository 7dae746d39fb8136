"""Refuse scores that do not see what is moved: events that (almost) never happen cannot say what more would do.

The score of a reaction is (firings less their mean) times the derivative of log a. Where the rate a is zero and its
derivative is not, the law of the path has no density to differentiate: the events that a little more of the rate would
add are not among the trajectories, and the estimate lacks them without a word. The same holds of a finite sample where
so few events are expected of a rate with so large a derivative that none need happen. (Absolute continuity in Glynn,
Commun. ACM 33 (1990) 75.) Rates are looked at in the very tables that the method reads.
"""

import numpy as np
from jaxtyping import Float64

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators import estimator_named
from jaxsim.gradient.estimators.surrogate import scored_reactions
from jaxsim.gradient.exact.drive import exact_tables
from jaxsim.gradient.information import rare_events, rates_moved
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.tables import Read
from jaxsim.network import is_distribution

_SMALL = 1e-4  # of the largest value of a curve, below which rates are looked at
_SHARE = 0.05  # of what moves, that may go unseen
_ABOVE = "give a value above zero, or method 'surrogate' and scored= without the species that they change"
FLOOR = (
    "give floor=, such as 0.01, to differentiate where the effect is that much more, or scored= without the species "
    "that they change"
)


def unseen(problem: Problem, method: str) -> list[str]:
    """Return a phrase for each component whose score lacks events that (almost) never happen."""
    known = estimator_named(method)
    if not known.scores:
        return []
    read = Read(problem.grid.edges, problem.tables, problem.slopes) if known.leaps else exact_tables(problem)
    if not _suspicious(read):
        return []
    every = (True,) * len(problem.network.structure.reactions)
    moved, lost = _moves(problem, read, scored_reactions(problem)[0] if method == "surrogate" else every)
    components = enumerate(problem.free.components)
    return [phrase for p, name in components for phrase in _phrase(name, read.edges, moved[:, p], lost[:, p])]


def refuse_unseen(problem: Problem, method: str) -> None:
    """Refuse a score of something that moves rates which (almost) never fire.

    Raises
    ------
    SimulationError
        Naming the component, when, and the remedy.
    """
    for phrase in unseen(problem, method):
        raise SimulationError(f"{phrase}, and a score cannot see events that do not happen; {_ABOVE}")


def refuse_unseen_bins(
    problem: Problem, scored: tuple[bool, ...], effect: str, shares: Float64[np.ndarray, "bins n"]
) -> None:
    """Do so for every bin of a switching function on its own, by the share of each leap in it."""
    read = Read(problem.grid.edges, problem.tables, problem.slopes)
    if not _suspicious(read):
        return
    moved, lost = _moves(problem, read, scored)
    for share in shares:
        for phrase in _phrase(effect, problem.grid.edges, share * moved[:, 0], share * lost[:, 0]):
            raise SimulationError(f"{phrase}, and a score cannot see events that do not happen; {FLOOR}")


def _phrase(what: str, edges: np.ndarray, moved: np.ndarray, lost: np.ndarray) -> list[str]:
    """Return what moves rates that never fire, and when; nothing where that is a small part of what it moves."""
    if not lost.sum() > _SHARE * moved.sum():
        return []
    cells = np.flatnonzero(lost)
    first, last = edges[cells[0]], edges[cells[-1] + 1]
    return [f"'{what}' moves rates that (almost) never fire between t = {first:.4g} and {last:.4g}"]


def _moves(problem: Problem, read: Read, scored: tuple[bool, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much scored rates move in each cell with each component, [n, P], and what of that goes unseen.

    The weight of an event in a score is the derivative of the logarithm of its rate. A move goes unseen where events of
    a like weight, or a larger one, are too few.
    """
    moves, happened = rates_moved(problem, read)
    moves *= np.array(scored, np.float64)[:, None, None]
    rare = np.stack([rare_events(moves[..., p], happened * problem.trajectories) for p in range(problem.size)], axis=-1)
    return moves.sum(axis=0), np.sum(moves * rare, axis=0)


def _suspicious(read: Read) -> bool:
    """Return whether a curve or a parameter is near zero while it moves, which alone makes rates zero."""
    slopes, tables = read.slopes.tables, read.tables
    size = np.abs(tables.exposure)
    small = size <= _SMALL * np.max(size, axis=0, initial=0.0)
    if np.any(np.any(slopes.exposure != 0.0, axis=2) & small):
        return True
    fixed = (name for name, value in tables.parameters.items() if not is_distribution(value))
    return any(np.all(tables.parameters[name] == 0.0) and np.any(slopes.parameters[name] != 0.0) for name in fixed)
