"""Rows 10 and 11: reverse, forward and hand-written derivatives agree; the check sees what is wrong."""

import jax
import numpy as np

import jaxsim as js
from benchmarks.gradients import immigration_death as a
from benchmarks.gradients.gradient_joint import scores_of
from benchmarks.gradients.gradient_lines import line, problem_a
from jaxsim.gradient.estimators.surrogate import levels_of
from jaxsim.gradient.influence import contributions, loss
from jaxsim.gradient.leap.surrogate import Surrogate, surrogate_ends, surrogate_gradient
from jaxsim.gradient.problem import batches, chain_of, drive_of, gradient_lanes
from jaxsim.gradient.tables import chained

LANES = 2048
SETS = {(True, True): "all scored", (False, True): "births along the path", (False, False): "all along the path"}
GIVEN = {"free": a.FREE, "schedule": a.PLAN, "step": a.STEP}


def modes(_):
    """One batch of one set of trajectories: reverse mode, forward mode, and scores accumulated by hand."""
    problem = problem_a(a.OBJECTIVES["mean"], LANES, seed=10)
    chain, drive = chain_of(problem, LANES), drive_of(problem)
    kept = scores_of(problem, chain, drive)(0)
    numbers = [np.asarray(part) for part in (kept.numbers, kept.scores, kept.credit)]
    hand = contributions(problem.objective, [None], *numbers).mean(axis=1)
    for scored, words in SETS.items():
        program, levels = Surrogate(chain, scored), levels_of(problem.objective, [None])
        cotangent, _ = surrogate_gradient(program, drive, levels)
        reverse = chained(jax.tree.map(np.asarray, cotangent), problem.slopes)
        error = np.abs(_forward(program, drive, levels, problem.slopes.tables) / reverse - 1)
        yield line(f"forward over reverse mode, less 1, {words}", error, "<= 1e-5", error <= 1e-5)
        if all(scored):
            error = np.abs(hand / reverse - 1)
            yield line("hand-written score over reverse mode, less 1", error, "<= 1e-5", error <= 1e-5)


def _forward(program, drive, levels, slopes):
    """Return the gradient by one tangent for each free number."""

    @jax.jit
    def along(drive, tangent):
        def value(tables):
            return loss(program.chain.terms, levels, surrogate_ends(program, drive._replace(tables=tables)))

        return jax.jvp(value, (drive.tables,), (tangent,))[1]

    slopes = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), slopes)
    number = slopes.exposure.shape[-1]
    return np.array([along(drive, jax.tree.map(lambda leaf, p=p: leaf[..., p], slopes)) for p in range(number)])


def check(_):
    """A planted error of a tenth, paths of a tail mean and of a variance, and one of an indicator, which is zero."""
    right = checked("mean", "leap_score", 262_144, 65_536)
    yield line("correct gradient: z (amount, time)", right.z, "|z| < 3.3", np.abs(right.z) < 3.3)
    planted = right.planted_z[0]
    yield line("planted error of a tenth in the amount: z", planted, "|z| > 5", abs(planted) > 5)
    yield line("smallest relative bias seen (amount, time)", right.smallest_bias, "shown", None)
    tail = checked("cvar", "surrogate", 65_536, 131_072, scored=[])
    yield line("straight-through path of a tail mean: z (amount, time)", tail.z, "labelled", None)
    yield line("smallest relative bias seen of it", tail.smallest_bias, "shown", None)
    spread = checked("variance", "leap_score", 65_536, 65_536)
    along_mean, error = _path_of_the_mean(65_536)
    wrong = (along_mean - spread.reference) / np.hypot(spread.reference_error, error)
    yield line("straight-through mean of a variance: z (amount, time)", wrong, "|z| > 5", np.abs(wrong) > 5)
    jump = checked("probability", "leap_score", 65_536, 65_536)
    zero = -jump.reference / jump.reference_error
    yield line("plain path of an indicator, which is 0: z (amount, time)", zero, "|z| > 5", np.abs(zero) > 5)
    try:
        js.gradient(a.NETWORK, a.OBJECTIVES["probability"], method="langevin", **GIVEN)
        refused = False
    except js.SimulationError:
        refused = True
    yield line("js.gradient refuses a path of an indicator", float(refused), "1", refused)


def _path_of_the_mean(trajectories):
    """Return what a path moves the variance by whose firings move with their means alone, and its standard error.

    Of a linear model that is 2 (x - mean) times the derivative of the mean, whatever the noise: zero on average.
    """
    problem = problem_a(a.OBJECTIVES["mean"], trajectories, seed=13)
    chain = chain_of(problem, gradient_lanes(trajectories))
    call = scores_of(problem, chain, drive_of(problem))
    ends = np.concatenate(
        [np.asarray(call(first).numbers[0], float) for first in batches(0, trajectories, chain.lanes)]
    )
    slope = js.gradient(a.NETWORK, a.OBJECTIVES["mean"], method="controlled_score", trajectories=2048, **GIVEN).vector
    moved = 2.0 * (ends - ends.mean())
    return moved.mean() * slope, moved.std() / np.sqrt(ends.size) * np.abs(slope)


def checked(name, method, trajectories, pairs, **more):
    given = GIVEN | {"widths": {"drug.amount": 0.4, "drug.at": 0.25}, "seed": 11} | more
    return js.check_gradient(
        a.NETWORK, a.OBJECTIVES[name], method=method, trajectories=trajectories, pairs=pairs, **given
    )
