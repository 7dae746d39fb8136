"""Processor time of scores and surrogate over that of the forward chain, for several numbers of free parameters."""

import time

import jax
import numpy as np

import jaxsim as js
from benchmarks.gradients import immigration_death as a
from benchmarks.gradients import tumour_and_blockade as b
from benchmarks.gradients.gradient_lines import line
from jaxsim.gradient.estimators.leap_score import spread_of
from jaxsim.gradient.estimators.split_difference import moved_drive
from jaxsim.gradient.estimators.surrogate import prepared_surrogate
from jaxsim.gradient.exact.drive import exact_drive
from jaxsim.gradient.exact.pairs import exact_pairs
from jaxsim.gradient.exact.scores import exact_scores, settled_terms
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.leap.channels import find_channels
from jaxsim.gradient.leap.paths import leap_paths
from jaxsim.gradient.leap.scores import leap_scores
from jaxsim.gradient.leap.surrogate import surrogate_gradient
from jaxsim.gradient.problem import chain_of, drive_of
from jaxsim.gradient.tables import chained

LANES = 2048


def chain_costs(_):
    """Row 8, the leap chain of model B: scores and the surrogate over the paths alone, and the latter's memory."""
    score, surrogate, memory = (np.array(column) for column in zip(*map(cost, (2, 8, 32)), strict=True))
    yield line("score over forward, P = 2, 8, 32", score, "<= 1.2", score <= 1.2)
    flat = np.ptp(surrogate) <= 0.2 * surrogate.mean()
    yield line("surrogate over forward, P = 2, 8, 32", surrogate, "<= 3.5", surrogate <= 3.5)
    yield line("its range over its mean", np.ptp(surrogate) / surrogate.mean(), "<= 0.2", flat)
    yield line("kB per lane of the surrogate's reverse pass", memory / 1000, "<= 9", memory <= 9000)


def exact_paths(_):
    """Row 15, exact paths: scores over paths alone and over js.simulate. Their z are those of row 4."""
    for model, number in (("model A", 2), ("model A", 32), ("model B", 2)):
        plain, scored, simulated = exact_costs(model, number)
        ratio = scored / plain
        yield line(f"exact score over its paths, {model}, P = {number}", ratio, "<= 1.2", ratio <= 1.2)
        yield line(f"exact score over js.simulate, {model}, P = {number}", scored / simulated, "shown", None)
    yield from split_cost()


def cost(number):
    """Return the three figures for one number of free parameters."""
    times = np.linspace(3.0, 25.0, number // 2)
    plan = js.Schedule(chemo=js.Dose(1.0, at=[2.0, 9.0]), block=js.Dose(np.full(times.size, 20.0), at=times))
    free = free_numbers(b.network(1000.0), plan, ["block.at", "block.amount"], None)
    objective = js.probability("T == 0", at=b.END)
    problem = posed(free, objective, LANES, 0, (0.0, None), 0.05, None, 4, 0)
    chain, drive = chain_of(problem, LANES), drive_of(problem)
    channels, spread = find_channels(chain, problem.slopes), spread_of(problem)
    run = prepared_surrogate(problem._replace(trajectories=32 * LANES, scored=("T",)))
    assert run.program.chain.lanes == LANES and run.critic is not None
    forward, score, both = together(
        lambda: leap_paths(chain, drive),
        lambda: leap_scores(chain, channels, drive, spread),
        lambda: chained(jax.tree.map(np.asarray, run.batch(0)[0]), problem.slopes),
    )
    return score / forward, both / forward, bytes_of(surrogate_gradient, *run[:2], run.levels, run.critic) / LANES


def exact_costs(model, number):
    """Return processor seconds of exact paths without and with scores, and of js.simulate, for P free numbers."""
    network, plan, free, objective, end, step = SETTINGS[model](number // 2)
    problem = posed(free_numbers(network, plan, free, None), objective, LANES, 0, (0.0, None), step, None, 4, 0)
    exact, read = exact_drive(problem)
    problem = problem._replace(slopes=read.slopes)
    chain, spread = chain_of(problem, LANES), spread_of(problem)
    channels, known = find_channels(chain, read.slopes), settled_terms(chain, exact)
    with jax.enable_x64(True):
        plain, scored = together(
            lambda: exact_scores(chain, (), known, exact, spread),
            lambda: exact_scores(chain, channels, known, exact, spread),
        )
    simulated = least(lambda: js.simulate(network, times=[end], trajectories=LANES, schedule=plan)["mean"].values)
    return plain, scored, simulated


def split_cost():
    """Yield the cost of a coupled pair of exact paths over that of one."""
    problem = posed(free_numbers(a.NETWORK, a.PLAN, a.FREE, None), a.OBJECTIVES["mean"], LANES, 0, (0.0, None), a.STEP,
                    None, 4, 0)  # fmt: skip
    below, above = (moved_drive(problem, np.array([0.0, step])) for step in (-0.1, 0.1))
    chain = chain_of(problem, LANES)
    known, spread = settled_terms(chain, below), spread_of(problem)
    with jax.enable_x64(True):
        one, pair = together(
            lambda: exact_scores(chain, (), known, below, spread), lambda: exact_pairs(chain, known, below, above)
        )
    yield line("pair of exact paths by split coupling over one path, model A", pair / one, "<= 1.4", pair <= 1.4 * one)


def _short(doses):
    """Model A, its dose divided over a span."""
    plan = js.Schedule(drug=js.Dose(np.full(doses, 6.0 / doses), at=np.linspace(10.0, 14.0, doses + 2)[1:-1]))
    return a.NETWORK, plan, a.FREE, a.OBJECTIVES["mean"], a.END, a.STEP


def _long(doses):
    """Model B with few copies for 14 days, its blockade divided over a span; rates linear in what moves in time."""
    plan = js.Schedule(
        chemo=js.Dose(1.0, at=[2.0, 9.0]),
        block=js.Dose(np.full(doses, 20.0 / doses), at=np.linspace(5.0, 9.0, doses + 2)[1:-1]),
    )
    return b.network(1.0, linear=True), plan, ["block.at", "block.amount"], js.mean("T", at=14.0), 14.0, 0.05


SETTINGS = {"model A": _short, "model B": _long}


def bytes_of(function, *given):
    """Return the temporary memory of a compiled program."""
    return function.lower(*given).compile().memory_analysis().temp_size_in_bytes


def least(call, repeats=9):
    """Return the least processor time of several calls, compiled before."""
    return together(call, repeats=repeats)[0]


def together(*calls, repeats=9):
    """Return the least processor time of each of several calls, taken in turns, compiled before."""
    best = np.full(len(calls), np.inf)
    for call in calls:
        jax.block_until_ready(call())
    for _ in range(repeats):
        for index, call in enumerate(calls):
            began = time.process_time()
            jax.block_until_ready(call())
            best[index] = min(best[index], time.process_time() - began)
    return best
