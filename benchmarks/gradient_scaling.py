"""Rows 6 and 7: standard deviation per trajectory against the size of the system, and against the horizon."""

from dataclasses import replace

import gradient_joint
import immigration_death as a
import numpy as np
from gradient_lines import line, model_a, problem_a, relative_deviation

import jaxsim as js
from jaxsim.gradient.batches import batches, lane_count
from jaxsim.gradient.problem import chain_of, drive_of

SIZES = (100, 1000, 10_000, 100_000, 1_000_000)


def size(_):
    """Centred and raw scores and the path, in the start of the dose, N from 1e2 to 1e6."""
    centred, raw, path = [], [], []
    for number in SIZES:
        network = a.NETWORK.with_parameters(k0=number * a.GAMMA).with_initial(X=number)
        ends, scores, slope = _paths(network, 65_536)
        centred.append(np.std((ends - ends.mean()) * (scores - scores.mean())) / abs(slope))
        raw.append(np.std(ends * scores) / abs(slope))
        found = model_a(a.OBJECTIVES["mean"], "surrogate", 65_536, network=network, free=["drug.at"], seed=6, scored=[])
        path.append(relative_deviation(found, 0))
    passes = np.abs(np.array(centred) / 22.7 - 1) <= 0.05
    yield line("centred score, relative deviation at N = 1e2..1e6", centred, "22.7 +- 5 %", passes)
    for what, spreads, expected in (("raw score's", raw, 0.5), ("path's", path, -0.5)):
        slope = np.polyfit(np.log(SIZES), np.log(spreads), 1)[0]
        passes = abs(slope - expected) <= 0.05
        yield line(f"slope of the {what} deviation with N", slope, f"{expected:+} +- 0.05", passes)


def _paths(network, trajectories):
    """Return ends, scores, and the gradient of the mean, which the linear critic gives without noise."""
    problem = problem_a(a.OBJECTIVES["mean"], trajectories, network, ["drug.at"], seed=6)
    chain = chain_of(problem, lane_count(trajectories))
    call = gradient_joint.scores_of(problem, chain, drive_of(problem))
    kept = [call(first) for first in batches(0, trajectories, chain.lanes)]
    ends, scores = (np.concatenate([np.asarray(k, np.float64) for k in rows]) for rows in zip(*(
        (one.numbers[0], one.scores[0, 0]) for one in kept), strict=True))  # fmt: skip
    exact = model_a(a.OBJECTIVES["mean"], "controlled_score", 2048, network=network, free=["drug.at"])
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
            whole = js.Objective(tuple(replace(t, summary="tail mean", level=1e-9) for t in objective.terms))
            plain = float(js.gradient(build, whole, **given).error[0])
            ratio = (found[end] / plain) ** 2
            yield line("variance with causal credit over without", ratio, "<= 0.6", ratio <= 0.6)
    ratio = found[1000.0] / found[10.0]
    yield line("deviation of the time average, horizon 1000 over 10", ratio, "<= 1.3", ratio <= 1.3)


def _moved_plan(times):
    def build(shift):
        return a.NETWORK, js.Schedule(drug=js.Dose(6.0, at=times + shift))

    return build
