"""estimate: the mean of a quantity to a wanted accuracy, by the cheapest of several Monte Carlo methods."""

import time
from typing import Any

import jax
import numpy as np

from jaxsim.ensemble.simulate import simulate
from jaxsim.errors import SimulationError, naming_closest_keyword
from jaxsim.estimation.chain import MeshChain
from jaxsim.estimation.choose_levels import PLAIN_LEAST, Found, climb_exact, climb_leaps, plain_trajectories, value
from jaxsim.estimation.ladder import Ladder
from jaxsim.estimation.levels import Level, plain_cost
from jaxsim.estimation.mesh import relaxation_course
from jaxsim.estimation.quasi_monte_carlo import PointSets
from jaxsim.estimation.question import ROUNDING, Question, Wish, ask, read_wish
from jaxsim.estimation.result import Estimate, LevelReport
from jaxsim.estimation.sums import GROUP, spread_of_levels

_MOST_EVENTS = 2e7  # of an exact trajectory, up to which the exact process ends the levels
_WORDS = 1 << 13  # random words of one step of all lanes, about, which stay near the core
OBSERVABLE = "estimated_quantity"
_NAMES = {
    "path": "leaps",
    "points": "leaps, Sobol points",
    "pair": "leaps, less those of the level below",
    "exact": "exact, less leaps",
}


@naming_closest_keyword
def estimate(
    network: Any,
    quantity: Any,
    *,
    at: Any,
    relative_error: Any = 1e-3,
    absolute_error: Any = None,
    seed: Any = 0,
    schedule: Any = None,
    start: float = 0.0,
    unbiased: bool | None = None,
    chunk: Any = None,
    limit_seconds: Any = 3600.0,
) -> Estimate:
    """Estimate the mean of a quantity to a wanted accuracy.

    Trajectories of leaps on a coarse mesh give most of the answer, a few pairs of coupled trajectories on finer and
    finer meshes correct it, and pairs of leaps and the exact process take away what bias is left. Every level has a
    control variate: the firings of each leap less their means, weighed by what they change along the rate
    equations. A pilot of each level decides how many levels there are, how many trajectories each gets, and whether
    plain Monte Carlo, exact trajectories alone, is cheaper.

    Parameters
    ----------
    network : Network
    quantity : str or Expression
        Of species, parameters and observables, such as ``"A + 2*B"`` or ``"A >= 5"``, whose mean is a probability.
    at : float
        When, in the time unit of the rates.
    relative_error : float
        Half-width of the 95 % interval over the mean; 2e-6 or more, as rates are computed in single precision.
    absolute_error : float, optional
        Half-width of the 95 % interval, instead.
    seed : int
        From 0 to 2**64 - 1. The result is a function of it: cores and `chunk` do not change a bit of it.
    schedule : Schedule, optional
        Doses. Exposure enters leaps by its mean over each, and the exact process by thinning.
    start : float
        Time at which trajectories begin.
    unbiased : bool, optional
        Whether the exact process ends the levels. If not given, it does where one exact trajectory has at most 2e7
        events; else leaps are extrapolated to steps of no length, and the interval has a bound of the bias in it.
    chunk : int, optional
        Trajectories side by side at most, a multiple of 64.
    limit_seconds : float
        Processor seconds, about, above which nothing is begun.

    Returns
    -------
    Estimate
        Value, interval, and variance and cost of each level.

    Raises
    ------
    JaxsimError
        In one sentence: events, variables and effects are refused, and an error that would cost more than the limit.

    References
    ----------
    Anderson & Higham, Multiscale Model. Simul. 10 (2012) 146; Giles, Oper. Res. 56 (2008) 607.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"A": 10_000, "B": 0}, ["2 A -> B, k", "B -> 2 A, 1"], {"k": 1e-4})
    >>> found = js.estimate(net, "B", at=1.0, relative_error=0.005)
    >>> found.half_width <= 0.005 * found.value
    True
    """
    wish, device = read_wish(relative_error, absolute_error, limit_seconds), jax.local_devices()[0]
    question = ask(network, quantity, at, schedule, start, seed, device.platform)
    began = time.process_time()
    chain = _chain(question, chunk)
    followed, compiling = relaxation_course(question, device)
    ladder = Ladder(question, followed, chain, device, compile_seconds=compiling)
    if ladder.highest < 0:
        raise SimulationError(
            f"leaps would need {ladder.steps(0):,} steps to follow the fastest reactions; use js.simulate, "
            f"whose method 'auto' knows when leaping pays"
        )
    events = ladder.rung(0).events
    exactly = events <= _MOST_EVENTS if unbiased is None else unbiased
    found = climb_exact(ladder, seed, wish) if exactly else climb_leaps(ladder, seed, wish)
    spent = time.process_time() - began - ladder.compile_seconds
    if found is None:
        return _plain(question, wish, seed, spent, ladder)
    return _report(question, wish, seed, found, spent, ladder)


def _chain(question: Question, chunk: int | None) -> MeshChain:
    program, structure = question.program, question.network.structure
    if chunk is None:
        chunk = min(256, max(GROUP, 1 << (_WORDS // max(len(structure.reactions), 1)).bit_length() - 1))
    whole = isinstance(chunk, (int, np.integer)) and not isinstance(chunk, bool)
    if not whole or chunk < GROUP or chunk % GROUP:
        raise SimulationError(f"chunk is {chunk!r}; give a multiple of {GROUP}")
    dosed = tuple(structure.species.index(name) for name in program.dosed)
    sampled = program.sampled_parameters, program.sampled_species
    return MeshChain(structure, *sampled, dosed, question.quantity, int(chunk), ranges=program.ranges)


def _report(question: Question, wish: Wish, seed: int, found: Found, seconds: float, ladder: Ladder) -> Estimate:
    """Return the result of levels."""
    levels, weights = found.levels, found.weights
    mean = value(levels, weights)
    error, width = spread_of_levels(
        [w**2 * level.variance for w, level in zip(weights, levels, strict=True)],
        [level.sums.number for level in levels],
        [level.freedom for level in levels],
    )
    half = width * error + found.bias + ROUNDING * abs(mean)
    events = levels[-1].events or ladder.rung(levels[-1].level).events
    reactions, thinned = len(question.network.structure.reactions), question.program.stepper.cells
    plain = plain_trajectories(levels[-1], wish.target(mean))
    ours = sum(level.sums.number * level.cost for level in (*levels, *found.wasted))
    ratio, work = plain * plain_cost(events, reactions, thinned) / ours, ours / plain_cost(1.0, reactions, thinned)
    kind = "multilevel Monte Carlo, unbiased" if not found.bias else "multilevel Monte Carlo, extrapolated"
    if found.bias:
        reason = f"an exact trajectory has about {events:.2g} events, too many to end the levels with"
    else:
        reason = f"plain Monte Carlo would cost about {ratio:.2g} times as much"
    return Estimate(
        quantity=question.text,
        at=question.at,
        value=mean,
        standard_error=error,
        half_width=half,
        bias_bound=found.bias,
        wanted=wish.half_width(mean),
        method=kind,
        reason=reason,
        levels=tuple(_row(x, w) for x, w in zip(levels, weights, strict=True)),
        plain_variance=levels[-1].sums.finer_variance,
        plain_trajectories=int(np.ceil(plain)),
        plain_cost_ratio=float(ratio),
        events=float(events),
        work=float(work),
        seconds=seconds,
        compile_seconds=ladder.compile_seconds,
        seed=int(seed),
    )


def _row(level: Level | PointSets, weight: float) -> LevelReport:
    return LevelReport(
        _NAMES[level.kind], level.steps, level.sums.number, weight * level.mean, level.variance,
        level.sums.variance(False), level.controlled, level.seconds,
    )  # fmt: skip


def _plain(question: Question, wish: Wish, seed: int, seconds: float, ladder: Ladder) -> Estimate:
    """Run exact trajectories alone until the interval is as narrow as wished."""
    network = question.network.with_observables(**{OBSERVABLE: question.quantity})
    rung, number, count = ladder.rung(0), PLAIN_LEAST, 0
    reactions, thinned = len(question.network.structure.reactions), question.program.stepper.cells
    mean = variance = events = compiling = 0.0

    def run(trajectories: int) -> Any:
        return simulate(
            network, times=[question.at], trajectories=trajectories, seed=seed, schedule=question.schedule,
            start=question.start, progress=False,
        )  # fmt: skip

    while number > count:
        count = number
        began = time.process_time()
        out = run(count)
        if out.attrs["compile_seconds"]:  # of the wall; what it took the processor shows when the same is run again
            compiling, began = compiling + time.process_time() - began, time.process_time()
            out = run(count)
        seconds += time.process_time() - began
        mean = float(out["observable_mean"].sel(observable=OBSERVABLE)[0])
        variance = float(out["observable_variance"].sel(observable=OBSERVABLE)[0])
        events = out.attrs["events"] / count
        target = wish.target(mean)
        if target <= 0:
            raise SimulationError("the mean is zero, and no error is small relative to it; give absolute_error=")
        number = int(np.ceil(variance / target))
        wish.refuse_above_limit(number * plain_cost(events, reactions, thinned))
    error, width = spread_of_levels([variance], [count], [count - 1])
    reason = (
        f"a trajectory has only about {rung.events:.2g} events, and levels would cost more than all trajectories that "
        f"are needed"
    )
    row = LevelReport("exact", 0, count, mean, variance, variance, False, seconds)
    return Estimate(
        quantity=question.text,
        at=question.at,
        value=mean,
        standard_error=error,
        half_width=width * error,
        bias_bound=0.0,
        wanted=wish.half_width(mean),
        method="plain Monte Carlo",
        reason=reason,
        levels=(row,),
        plain_variance=variance,
        plain_trajectories=count,
        plain_cost_ratio=1.0,
        events=events,
        work=count * events,
        seconds=seconds,
        compile_seconds=ladder.compile_seconds + compiling,
        seed=int(seed),
    )
