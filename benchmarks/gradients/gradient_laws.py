"""Rows 4 and 5: four functionals by two parameters against exact laws; the bias of paths against population size."""

import numpy as np

import jaxsim as js
from benchmarks.gradients import gradient_joint
from benchmarks.gradients import immigration_death as a
from benchmarks.gradients.gradient_lines import leap_truth, line, model_a, problem_a, relative_deviation

Z = 3.3
WIDTHS = np.array([0.2, 0.1])  # of differences: amount, hours
DISCRETE = 2e-3  # relative bias that differences of these widths are allowed
SIZES = (30, 100, 1000)
NAMES = list(a.OBJECTIVES)


def law_of(method):
    """Return the row of one estimator that claims to be unbiased: all functionals from the same trajectories."""

    def row(trajectories):
        counts, law, slope = a.exact_law()
        exact = {name: slope @ f for name, f in a.functionals(counts, law).items()}
        whole = js.Objective(tuple(objective.terms[0] for objective in a.OBJECTIVES.values()))
        found = gradient_joint.joint(method, problem_a(whole, trajectories, seed=41), WIDTHS)
        truths = exact if method == "score" else leap_truth()
        for name, one in zip(NAMES, found, strict=True):
            yield from compared(method, name, one, truths[name])

    return row


def compared(method, name, found, truth):
    """Yield z and relative standard error of one functional."""
    error = np.sqrt(np.diag(found.covariance) + (1e-6 * truth) ** 2)
    z, slack = (found.mean - truth) / error, DISCRETE * np.abs(truth) / error
    limit = Z + (slack if method == "difference" else 0.0)
    words = "|z| < 3.3" + (" beyond a bias of 2e-3" if method == "difference" else "")
    yield line(f"{method}, {name}, {found.count} trajectories: z (amount, time)", z, words, np.abs(z) < limit)
    share, allowed = error / np.abs(truth), {"mean": 0.026, "probability": 0.041}.get(name)
    if method != "leap_score" or allowed is None:
        yield line(f"{method}, {name}: relative standard error", share, "shown", None)
        return
    allowed *= np.sqrt(max(1.0, 999_424 / found.count))
    yield line(f"{method}, {name}: relative standard error", share, f"<= {allowed:.3f}", share <= allowed)


def biases(trajectories):
    """The bias of what follows the path, against the number of molecules."""
    trajectories = min(trajectories, 32_768)
    for size in SIZES:
        network = a.NETWORK.with_parameters(k0=size * a.GAMMA).with_initial(X=size)
        truth = leap_truth(network, size, int(size + 16 * np.sqrt(size) + 60))
        for method in ("surrogate", "langevin"):
            for name in ("mean", "variance", "cvar"):
                more = {"scored": []} if method == "surrogate" else {}
                found = model_a(a.OBJECTIVES[name], method, trajectories, network=network, seed=42, **more)
                both = np.array([found.vector / truth[name] - 1, found.error / np.abs(truth[name])])
                what = f"{method} (biased), {name}, N = {size}: relative bias (amount, time), its standard error"
                yield line(what, both, "labelled", None)


def linear(_):
    """The linear critic on the linear mean."""
    for method in ("controlled_score", "controlled_exact_score"):
        found = model_a(a.OBJECTIVES["mean"], method, 8192)
        spread = np.array([relative_deviation(found, p) for p in range(2)])
        yield line(f"{method}: relative standard deviation, linear critic", spread, "<= 1e-3", spread <= 1e-3)
