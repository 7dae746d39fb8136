"""Rows 6 and 7: standard deviation per trajectory against the size of the system, and against the horizon."""

from dataclasses import replace

import numpy as np

import jaxsim as js
from benchmarks.gradients import gradient_joint
from benchmarks.gradients import immigration_death as a
from benchmarks.gradients.gradient_lines import line, model_a, problem_a, relative_deviation
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.problem import batches, chain_of, drive_of, gradient_lanes
from jaxsim.gradient.summaries import TailMean
from jaxsim.gradient.tables import build_tables

SIZES = (100, 1000, 10_000, 100_000, 1_000_000)
CENTRED = {1: "leaps", 4: "leaps and their shifts"}  # the last is the default


def size(_):
    """Centred and raw scores and the path, in the start of the dose, N from 1e2 to 1e6."""
    centred, raw, path = {shifts: [] for shifts in CENTRED}, [], []
    for number in SIZES:
        network = a.NETWORK.with_parameters(k0=number * a.GAMMA).with_initial(X=number)
        for shifts, found in centred.items():
            ends, scores, slope = _paths(network, 65_536, shifts)
            found.append(np.std((ends - ends.mean()) * (scores - scores.mean())) / abs(slope))
        raw.append(np.std(ends * scores) / abs(slope))
        found = model_a(a.OBJECTIVES["mean"], "surrogate", 65_536, network=network, free=["drug.at"], seed=6, scored=[])
        path.append(relative_deviation(found, 0))
    for shifts, what in CENTRED.items():
        expected = _normal(shifts)
        passes = np.abs(np.array(centred[shifts]) / expected - 1) <= 0.02
        what = f"centred score, exposure averaged over {what}, relative deviation at N = 1e2..1e6"
        yield line(what, centred[shifts], f"{expected:.2f} +- 2 %, that of normal paths", passes)
    passes = np.abs(np.array(centred[1]) / 22.7 - 1) <= 0.05
    yield line("the same, averaged over leaps alone", centred[1], "22.7 +- 5 %", passes)
    for what, spreads, expected in (("raw score's", raw, 0.5), ("path's", path, -0.5)):
        slope = np.polyfit(np.log(SIZES), np.log(spreads), 1)[0]
        passes = abs(slope - expected) <= 0.05
        yield line(f"slope of the {what} deviation with N", slope, f"{expected:+} +- 0.05", passes)


def _normal(shifts):
    """Return sqrt(1 + var X var S / g^2): the deviation over the gradient g of the product of two normal variables."""
    tables, slopes = build_tables(free_numbers(a.NETWORK, a.PLAN, ["drug.at"], None), a.NETWORK, a.edges(), shifts)
    births, by = tables.exposure[:, 0], slopes.tables.exposure[:, 0, 0]
    stays, mean, spread = 1.0 - a.GAMMA * a.STEP, a.START, 0.0
    for rate in births:
        mean, spread = stays * mean + a.STEP * rate, stays**2 * spread + a.STEP * (rate + a.GAMMA * mean)
    slope = np.sum(stays ** np.arange(births.size)[::-1] * a.STEP * by)
    return float(np.sqrt(1.0 + spread * np.sum(a.STEP * by**2 / births) / slope**2))


def _paths(network, trajectories, shifts):
    """Return ends, scores, and the gradient of the mean, which the linear critic gives without noise."""
    problem = problem_a(a.OBJECTIVES["mean"], trajectories, network, ["drug.at"], seed=6, shifts=shifts)
    chain = chain_of(problem, gradient_lanes(trajectories))
    call = gradient_joint.scores_of(problem, chain, drive_of(problem))
    kept = [call(first) for first in batches(0, trajectories, chain.lanes)]
    ends, scores = (np.concatenate([np.asarray(k, np.float64) for k in rows]) for rows in zip(*(
        (one.numbers[0], one.scores[0, 0]) for one in kept), strict=True))  # fmt: skip
    exact = model_a(a.OBJECTIVES["mean"], "controlled_score", 2048, network=network, free=["drug.at"], shifts=shifts)
    return ends, scores, exact.vector[0]


def horizon(_):
    """A repeated dose, all of it shifted; causal credit against none."""
    found = {}
    for end in (10.0, 100.0, 1000.0):
        build = _moved_plan(np.arange(2.0, end, 8.0))
        objective = js.auc("X", during=(0.0, end)) * (1.0 / end)
        given = {"at": np.array(0.0), "trajectories": 8192, "method": "leap_score", "step": 0.05, "seed": 7}
        found[end] = float(js.gradient(build, objective, **given).error[0])
        if end == 100.0:  # a tail that holds everything is the mean, without causal credit
            whole = js.Objective(tuple(replace(t, summary=TailMean(1e-9, upper=True)) for t in objective.terms))
            plain = float(js.gradient(build, whole, **given).error[0])
            ratio = (found[end] / plain) ** 2
            yield line("variance with causal credit over without", ratio, "<= 0.6", ratio <= 0.6)
    ratio = found[1000.0] / found[10.0]
    yield line("deviation of the time average, horizon 1000 over 10", ratio, "<= 1.3", ratio <= 1.3)


def _moved_plan(times):
    def build(shift):
        return a.NETWORK, js.Schedule(drug=js.Dose(6.0, at=times + shift))

    return build
