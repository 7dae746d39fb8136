"""The rows of what js.optimise must show: each yields what, number, limit and verdict."""

import numpy as np

import jaxsim as js
from benchmarks.gradients import tumour_and_blockade as b
from benchmarks.optimisation.optimisation_rivals import nelder_mead, random_search
from jaxsim.gradient.leap.surrogate import surrogate_gradient
from jaxsim.optimise.criterion import criterion
from jaxsim.optimise.optimise import posed_search
from jaxsim.optimise.trial import paired_trial

COPIES, STEP = 1000.0, 0.1
ERADICATION = js.probability("T == 0", at=b.END)
CHEMO = js.Dose(1.0, at=[2.0, 9.0])
FRESH = 987654321  # seed of comparisons that no search has seen
INTERVAL = 1.96


def searched(plan, network=None, objective=ERADICATION, scored=("T",), **settings):
    network = b.network(COPIES) if network is None else network
    given = {"step": STEP, "scored": scored, "check": 0, "seed": 14} | settings
    return js.optimise(network, plan, maximise=objective, **given)


def times():
    """Row 14 of the acceptance table: four ordered times from even spacing."""
    even = [5.6, 11.2, 16.8, 22.4]
    plan = js.Schedule(chemo=CHEMO, block=js.Dose(5.0, at=js.free(0, 27, start=even, spacing=1)))
    programs = surrogate_gradient._cache_size()
    best = searched(plan, check=2048)
    yield "probability of eradication at the optimum", best.value, ">= 0.565", best.value >= 0.565
    yield "its standard error, from fresh trajectories", best.value_error, "shown", None
    yield "forward equivalents of the search", best.cost["search"], "<= 2e5", best.cost["search"] <= 2e5
    yield "times in days", best.held["block.at"], "shown", None
    programs = surrogate_gradient._cache_size() - programs
    yield "programs compiled for all gradients, checks included", programs, "<= 2", programs <= 2
    for gain in best.gains:
        yield f"gain over {gain.over}, 95 % interval", gain.interval, "shown", None
    over = next(gain for gain in best.gains if gain.over == "scouted 1")
    near = max(map(abs, over.interval)) <= 0.005
    yield "interval over the mean field's optimum", over.interval, "within +-0.005", near
    yield "p of the gradient at the optimum", best.certificate.p, "> 0.05", best.certificate.p > 0.05
    z = np.concatenate([check.z for check in best.checks.values()])
    yield "z of the gradient against differences, start and optimum", z, "|z| < 3.3", bool(np.all(np.abs(z) < 3.3))


def many():
    """Eight times and eight amounts on a simplex, against rivals given twice the trajectories."""
    even = np.linspace(1.5, 25.5, 8)
    plan = js.Schedule(chemo=CHEMO, block=js.Dose(js.free(0, 8, start=[1.0] * 8, total=8),
                                                  at=js.free(0, 27, start=even, spacing=1)))  # fmt: skip
    best = searched(plan)
    twice = 2 * best.cost["search"]
    search = posed_search(b.network(COPIES), plan, criterion(b.network(COPIES), None, ERADICATION, (), 0.0, None),
                          step=STEP, seed=15, scored=("T",))  # fmt: skip
    rivals = {"Nelder-Mead": nelder_mead(search, twice), "random search": random_search(search, twice)}
    schedules = {"optimum": best.schedule, "start": best.start, **rivals}
    trial = paired_trial(search.problem, search.criterion, schedules, 65_536, FRESH, 0)
    yield "forward equivalents of the search", best.cost["search"], "rivals have twice that", None
    for name, value in zip(trial.names, trial.mean[:, 0], strict=True):
        yield f"probability of eradication, {name}", value, "shown", None
    for index in (1, 2, 3):
        gain, error = trial.difference(0, index)
        low = gain - INTERVAL * error
        yield f"gain over {trial.names[index]}, 95 % interval", (low, gain + INTERVAL * error), "above 0", low > 0


def onset():
    """One pulse: the optimum against brute force over 41 onsets, with at most a tenth of its trajectories."""
    plan = js.Schedule(chemo=CHEMO, block=js.Dose(20.0, at=js.free(0, 27, start=5.0)))
    brute = 41 * 20_000
    best = searched(plan, budget=0.1 * brute)
    onsets = np.linspace(0.0, 27.0, 41)
    schedules = {"optimum": best.schedule} | {
        f"{at:g}": js.Schedule(chemo=CHEMO, block=js.Dose(20.0, at=at)) for at in onsets
    }
    network = b.network(COPIES)
    search = posed_search(network, plan, criterion(network, None, ERADICATION, (), 0.0, None), step=STEP, scored=("T",))
    trial = paired_trial(search.problem, search.criterion, schedules, 20_000, FRESH, 0)
    top = 1 + int(np.argmax(trial.mean[1:, 0]))
    yield "onsets in days", onsets, "shown", None
    yield "probability of eradication by onset", trial.mean[1:, 0], "shown", None
    yield "forward equivalents of the search", best.cost["search"], "<= 8.2e4", best.cost["search"] <= 0.1 * brute
    yield "onset found", best.held["block.at"][0], "shown", None
    apart = [trial.difference(top, i) for i in range(1, len(schedules))]
    near = onsets[[gain <= INTERVAL * error for gain, error in apart]]
    span = near.min(), near.max()
    spacing = onsets[1] - onsets[0]
    found = best.held["block.at"][0]
    inside = span[0] - spacing <= found <= span[1] + spacing
    yield "onsets that brute force cannot tell from its best", span, "contain the optimum, to one spacing", bool(inside)
    gain, error = trial.difference(0, top)
    interval = gain - INTERVAL * error, gain + INTERVAL * error
    yield "optimum less the best of brute force, 95 %", interval, "not below 0", interval[1] >= 0.0


def null(repetitions=100):
    """An agent that moves cells between two equivalent forms: the paired interval over the start covers zero."""
    network = js.Network(
        {"A": 30, "B": 30},
        ["-> A, 15", "A -> , 0.5", "B -> , 0.5", "A -> B @ (0.2 + drug)*A", "B -> A, 0.2"],
        inputs={"drug": js.OneCompartment(0.7, 1.0)},
    )
    plan = js.Schedule(drug=js.Dose(3.0, at=js.free(0, 9, start=[2.0, 5.0], spacing=0.5)))
    covered, z = 0, []
    for seed in range(repetitions):
        best = js.optimise(network, plan, minimise=js.mean_log10("A + B", at=10.0), step=0.25, starts=4, steps=6,
                           batch=(256, 512), trajectories=4096, check=0, seed=seed, budget=20_000)  # fmt: skip
        gain = next(gain for gain in best.gains if gain.over == "start")
        covered += gain.interval[0] <= 0.0 <= gain.interval[1]
        z.append(gain.difference / max(gain.error, 1e-12))  # 0 where the start was kept
    yield "of 100 intervals those that cover zero", covered, ">= 93", covered >= 93
    yield "standard deviation of their z", np.std(z), "shown", None


ROWS = {"times": times, "many": many, "onset": onset, "null": null}
