"""Choose the mesh levels of a multilevel estimate: refine while that lowers the total cost or the bias."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.estimation.ladder import REFINEMENT, Ladder
from jaxsim.estimation.levels import Level, cost, plain_cost
from jaxsim.estimation.quasi_monte_carlo import PointSets
from jaxsim.estimation.question import MARGIN, Wish
from jaxsim.estimation.sums import Share, believed_variance, sample_sizes, spread_of_levels, total_cost

PILOT_PATHS, PILOT_PAIRS, PILOT_EXACT = 128, 64, 64
PILOT_POINTS, MANY = 1024, 8192  # points of the pilot, and trajectories of the lowest level from which it pays
PLAIN_LEAST = 1024  # exact trajectories that plain Monte Carlo begins with; fewer side by side take as long
_LOOK = 0.25  # of the cost of a pilot of exact pairs, that one of pairs of leaps may take only to be looked at
_WORTH = 0.5  # of the variance, below which points are taken
BIAS_SHARE = 0.4  # of the wanted half-width that the bound of a bias may take
_SPARE = 0.1  # of what the pilots cost, that each level may take in any case
_ROUNDS = 30  # of sampling and looking again


class Found(NamedTuple):
    """Levels that reach the wish."""

    levels: list[Any]
    """Of `Level` and `PointSets`."""
    bias: float
    """Bound of the bias; 0 for an unbiased estimate."""
    weights: list[float]
    """By which the means of the levels are multiplied."""
    wasted: list[Any]
    """Levels that were looked at and left."""


def climb_exact(ladder: Ladder, seed: int, wish: Wish) -> Found | None:
    """Return levels that end with the exact process; None where plain Monte Carlo is cheaper."""
    levels: list[Any] = [_level(ladder, "path", 0, seed, PILOT_PATHS)]
    wasted: list[Any] = []
    rung = ladder.rung(0)
    reactions, thinned = len(ladder.chain.structure.reactions), ladder.question.program.stepper.cells
    target = wish.target(levels[0].sums.finer_mean)
    each = plain_cost(rung.events, reactions, thinned)
    plain = max(plain_trajectories(levels[0], target), PLAIN_LEAST) * each
    if plain < PILOT_EXACT * cost("exact", rung.edges.size - 1, reactions, rung.events):
        return None
    wish.refuse_above_limit(PILOT_EXACT * cost("exact", rung.edges.size - 1, reactions, rung.events))
    ahead = _ascend(levels, seed, wish)
    last = _level(ladder, "exact", len(levels) - 1, seed, PILOT_EXACT)
    while len(levels) <= ladder.highest:
        target = wish.target(value(levels) + last.mean)
        shares = _shares(levels)
        here = total_cost([*shares, _share(last)], target)
        there = total_cost([*shares, *_next(last, ahead)], target) + PILOT_EXACT * last.cost
        if here <= there:
            break
        levels.append(ahead or _level(ladder, "pair", len(levels), seed, PILOT_PAIRS))
        wasted.append(last)
        ahead, last = None, _level(ladder, "exact", len(levels) - 1, seed, PILOT_EXACT)
    wasted += [ahead] if ahead else []
    levels.append(last)
    left = total_cost(_shares(levels), target) - sum(level.sums.number * level.cost for level in levels)
    if left > max(plain_trajectories(levels[-1], target), PLAIN_LEAST) * each:
        return None
    _take_points(levels, wasted, wish.target(value(levels)))
    sample(levels, [1.0] * len(levels), wish, lambda: 0.0)
    return Found(levels, 0.0, [1.0] * len(levels), wasted)


def _ascend(levels: list[Any], seed: int, wish: Wish) -> Level | None:
    """Add pairs of leaps, as long as they are cheap to look at and make the whole cheaper; return the one left out.

    The variance of the exact process less leaps is that of all pairs above, and each is taken for 1/REFINEMENT of the
    one below; so no exact trajectory is spent on a level that is not going to be the last.
    """
    ladder = levels[0].ladder
    reactions, events = len(ladder.chain.structure.reactions), ladder.rung(0).events
    while len(levels) <= ladder.highest:
        steps = ladder.steps(len(levels))
        exact = [cost("exact", n, reactions, events) for n in (steps // REFINEMENT, steps)]
        if PILOT_PAIRS * cost("pair", steps, reactions, 0.0) > _LOOK * PILOT_EXACT * exact[0]:
            return None
        ahead = _level(ladder, "pair", len(levels), seed, PILOT_PAIRS)
        target, shares, pair = wish.target(value([*levels, ahead])), _shares(levels), _share(ahead)
        left = pair.variance * REFINEMENT / (REFINEMENT - 1)
        here = total_cost([*shares, Share(left, exact[0])], target)
        there = total_cost([*shares, pair, Share(left / REFINEMENT, exact[1])], target)
        if here <= there:
            return ahead
        levels.append(ahead)
    return None


def climb_leaps(ladder: Ladder, seed: int, wish: Wish) -> Found:
    """Return levels whose bias, after extrapolation to steps of no length, is a small part of the wish."""
    levels: list[Any] = [_level(ladder, "path", 0, seed, PILOT_PATHS)]
    wasted: list[Any] = []
    bias = np.inf
    while bias > BIAS_SHARE * wish.half_width(value(levels)):
        if len(levels) > ladder.highest:
            raise SimulationError(
                f"leaps of {ladder.steps(ladder.highest):,} steps still have a bias of about {bias:.2g}; ask for a "
                f"larger error"
            )
        levels.append(_level(ladder, "pair", len(levels), seed, PILOT_PAIRS))
        if len(levels) == 2:
            _take_points(levels, wasted, wish.target(value(levels)))
        sample(levels, _weights(levels), wish, lambda: BIAS_SHARE * wish.half_width(value(levels)))
        bias = leftover(levels)
    return Found(levels, bias, _weights(levels), wasted)


def _take_points(levels: list[Any], wasted: list[Any], target: float) -> None:
    """Drive the lowest level by points, if it takes many trajectories and they make the error clearly smaller."""
    if sample_sizes(_shares(levels), target)[0] < MANY:
        return
    old = levels[0]
    points = PointSets(old.ladder, old.seed)
    points.run(PILOT_POINTS)
    better = points.variance < _WORTH * old.variance
    wasted.append(old if better else points)
    levels[0] = points if better else old


def _weights(levels: list[Any]) -> list[float]:
    """Return weights that take away the error of first order: Talay & Tubaro, Stoch. Anal. Appl. 8 (1990) 483."""
    return [1.0] * (len(levels) - 1) + [1.0 + 1.0 / (REFINEMENT - 1)]


def leftover(levels: list[Any]) -> float:
    """Bound what extrapolation leaves.

    With two levels it is taken for as large as the correction that extrapolation made. From three on it is the change
    of the extrapolated value from one level to the next, over REFINEMENT - 1: an error of second order leaves a
    fifteenth of that change, one of first order a third. Twice the standard error is added, so that noise is not taken
    for convergence.
    """
    step = 1.0 / (REFINEMENT - 1)
    terms = [(step, levels[-1])] if len(levels) == 2 else [(1.0 + step, levels[-1]), (-step, levels[-2])]
    change = sum(w * level.mean for w, level in terms)
    error, _ = spread_of_levels(
        [w**2 * x.variance for w, x in terms], [x.sums.number for _, x in terms], [x.freedom for _, x in terms]
    )
    size = abs(change) + 2.0 * error
    return size if len(levels) == 2 else size * step


def sample(levels: list[Any], weights: list[float], wish: Wish, bias: Callable[..., Any]) -> None:
    """Run every level until the interval is as narrow as wished, with sample sizes from what is known by then.

    Trajectories that cost little beside the pilots are many before anything is said by them: a sample that is small
    for no reason tells neither its mean nor its variance well, where values are skewed.
    """
    spent = sum(level.sums.number * level.cost for level in levels)
    for level in levels:
        level.run(int(_SPARE * spent / level.cost))
    for _ in range(_ROUNDS):
        target = wish.target(value(levels, weights), bias())
        shares = [Share(w**2 * s.variance, s.cost) for w, s in zip(weights, _shares(levels), strict=True)]
        if total_cost(shares, target) == 0 or target <= 0:
            raise SimulationError("the mean is zero, and no error is small relative to it; give absolute_error=")
        reached = sum(s.variance / level.sums.number for s, level in zip(shares, levels, strict=True))
        if reached <= target:
            return
        wish.refuse_above_limit(total_cost(shares, target))
        run = [level.sums.number for level in levels]
        for size, level in zip(sample_sizes(shares, target, run), levels, strict=True):
            level.run(min(size, 8 * level.sums.number))
    raise SimulationError("the variance of a level keeps growing with its sample; use js.simulate")


def value(levels: list[Any], weights: list[float] | None = None) -> float:
    """Return the sum of what the levels add."""
    given = weights or [1.0] * len(levels)
    return float(sum(w * level.mean for w, level in zip(given, levels, strict=True)))


def plain_trajectories(level: Level | PointSets, target: float) -> float:
    """Return how many exact trajectories plain Monte Carlo needs, if it knew its variance beforehand."""
    return max(level.sums.finer_variance * MARGIN**2 / target, 2.0)


def _level(ladder: Ladder, kind: str, level: int, seed: int, number: int) -> Level:
    found = Level(ladder, kind, level, seed)
    found.run(number)
    return found


def _share(level: Level | PointSets) -> Share:
    scale = 1.0 if level.kind in ("path", "points") else float(np.sqrt(level.sums.finer_variance))
    return Share(believed_variance(level, scale), level.cost)


def _shares(levels: list[Any]) -> list[Share]:
    return [_share(level) for level in levels]


def _next(last: Level, ahead: Level | None) -> list[Share]:
    """Predict the next two levels from the exact pairs at hand: a variance in proportion to the length of steps."""
    reactions, steps = len(last.ladder.chain.structure.reactions), last.ladder.steps(last.level + 1)
    variance = believed_variance(last, float(np.sqrt(last.sums.finer_variance)))
    return [
        _share(ahead) if ahead else Share(variance, cost("pair", steps, reactions, 0.0)),
        Share(variance / REFINEMENT, cost("exact", steps, reactions, last.events)),
    ]
