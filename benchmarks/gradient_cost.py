"""Processor time of scores and surrogate over that of the forward chain, for several numbers of free parameters."""

import time

import immigration_death as a
import jax
import numpy as np
import tumour_and_blockade as b

import jaxsim as js
from jaxsim.gradient.channels import find_channels
from jaxsim.gradient.exact_drive import exact_drive
from jaxsim.gradient.exact_score import exact_scores
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.leap_paths import leap_paths
from jaxsim.gradient.leap_score import leap_scores
from jaxsim.gradient.leap_score_estimator import spread_of
from jaxsim.gradient.path_loss import Levels
from jaxsim.gradient.problem import chain_of, drive_of
from jaxsim.gradient.surrogate import Surrogate, surrogate_gradient
from jaxsim.gradient.tables import chained
from jaxsim.network import changed_species

LANES = 2048


def costs(numbers):
    """Return the cost of scores and of the surrogate, and bytes per lane of the latter, for each number."""
    return tuple(np.array(column) for column in zip(*map(cost, numbers), strict=True))


def cost(number):
    """Return the three figures for one number of free parameters."""
    times = np.linspace(3.0, 25.0, number // 2)
    plan = js.Schedule(chemo=js.Dose(1.0, at=[2.0, 9.0]), block=js.Dose(np.full(times.size, 20.0), at=times))
    free = free_numbers(b.network(1000.0), plan, ["block.at", "block.amount"], None)
    objective = js.probability("T == 0", at=b.END)
    problem = posed(free, objective, LANES, 0, (0.0, None), 0.05, None, 4, 0)
    chain, drive = chain_of(problem, LANES), drive_of(problem)
    channels, spread = find_channels(chain, problem.slopes), spread_of(problem)
    program = Surrogate(chain, tuple("T" in changed_species(r) for r in problem.network.structure.reactions))
    levels = Levels(*np.ones((5, 1), np.float32))
    forward = least(lambda: leap_paths(chain, drive))
    score = least(lambda: leap_scores(chain, channels, drive, spread))
    both = least(lambda: _whole(program, drive, levels, problem.slopes))
    return score / forward, both / forward, bytes_of(surrogate_gradient, program, drive, levels) / LANES


def exact_costs():
    """Return processor seconds of exact paths without and with scores, and of js.simulate; model A, P = 2."""
    problem = posed(free_numbers(a.NETWORK, a.PLAN, a.FREE, None), a.OBJECTIVES["mean"], LANES, 0, (0.0, None), a.STEP,
                    None, 4, 0)  # fmt: skip
    exact, slopes = exact_drive(problem)
    problem = problem._replace(slopes=slopes)
    chain, spread = chain_of(problem, LANES), spread_of(problem)
    channels = find_channels(chain, slopes)
    with jax.enable_x64(True):
        plain = least(lambda: exact_scores(chain, (), exact, spread))
        scored = least(lambda: exact_scores(chain, channels, exact, spread))
    simulated = least(lambda: js.simulate(a.NETWORK, times=[a.END], trajectories=LANES, schedule=a.PLAN)["mean"].values)
    return plain, scored, simulated


def _whole(program, drive, levels, slopes):
    """Return the gradient in the free numbers."""
    return chained(jax.tree.map(np.asarray, surrogate_gradient(program, drive, levels)[0]), slopes)


def bytes_of(function, *given):
    """Return the temporary memory of a compiled program."""
    return function.lower(*given).compile().memory_analysis().temp_size_in_bytes


def least(call, repeats=5):
    """Return the least processor time of several calls, compiled before."""
    jax.block_until_ready(call())
    best = np.inf
    for _ in range(repeats):
        began = time.process_time()
        jax.block_until_ready(call())
        best = min(best, time.process_time() - began)
    return best
