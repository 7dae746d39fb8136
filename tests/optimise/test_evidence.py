"""What a search says of itself: exact gains, the budget, no slope, coordinates by name, every method of the table."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize

import jaxsim as js
from jaxsim.gradient.estimators import ESTIMATORS
from jaxsim.optimise.criterion import criterion
from jaxsim.optimise.final_trial import final_trial
from jaxsim.optimise.optimise import posed_search

END, AMOUNT, DECAY, LOSS, MADE, START = 10.0, 4.0, 0.7, 0.5, 20.0, 40.0
SETTINGS = {"step": 0.1, "starts": 4, "steps": 24, "batch": (256, 1024), "trajectories": 8192, "check": 0}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def mean_of(times):
    """The exact mean of X at the end, by quadrature between doses."""
    total, marks = START * np.exp(-LOSS * END), [0.0, *sorted(times), END]
    for left, right in pairwise(marks):
        s = 0.5 * (right - left) * NODES + 0.5 * (right + left)
        drug = sum((AMOUNT * np.exp(-DECAY * (s - at)) for at in times if at <= left), 0.0 * s)
        total += 0.5 * (right - left) * np.sum(WEIGHTS * MADE / (1.0 + drug) * np.exp(-LOSS * (END - s)))
    return total


def plan(start):
    spaced = {} if np.ndim(start) == 0 else {"spacing": 1.0}
    return js.Schedule(drug=js.Dose(AMOUNT, at=js.free(0.0, 9.5, start=start, **spaced)))


CASES = {
    "onset": (2.0, [7.5], 1e-4),
    "two ordered doses": ([1.0, 4.0], [6.0, 8.0], 3e-4),
}  # start, near the optimum, regret as a share of the gain


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_regret_is_small_and_intervals_cover_the_exact_gain(network, name):
    """Nine of ten at 95 % each: fewer have a probability of 9 %."""
    start, near, regret = CASES[name]
    best = optimize.minimize(mean_of, near, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-11}).fun
    begun, covered = mean_of(np.atleast_1d(start)), 0
    for seed in range(10):
        found = js.optimise(network, plan(start), minimise=js.mean("X", at=END), seed=seed, **SETTINGS)
        exact = mean_of(found.held["drug.at"])
        assert exact - best <= regret * (begun - best), (seed, found.held)
        gain = next(gain for gain in found.gains if gain.over == "start")
        covered += gain.interval[0] <= exact - begun <= gain.interval[1]
    assert covered >= 9


def test_the_final_trial_is_of_the_exact_process(network):
    """At a coarse step the gain on leaps is off by many errors; exact pairs and what is estimated of leaps cover it."""
    schedules = {"late": js.Schedule(drug=js.Dose(AMOUNT, at=8.9)), "early": js.Schedule(drug=js.Dose(AMOUNT, at=3.0))}
    sought = criterion(network, js.mean("X", at=END), None, (), 0.0, None)
    search = posed_search(network, plan(2.0), sought, step=0.5, trajectories=16_384)
    exact = mean_of([8.9]) - mean_of([3.0])
    found = final_trial(search.problem, sought, schedules, 16_384, 3, 0)
    assert "exact paths" in found.paths
    gain, error = found.difference(0, 1)
    assert abs(gain - exact) < 3.3 * error < 0.1 * abs(exact)
    assert abs(found.mean[0, 0] - mean_of([8.9])) < 3.3 * found.error(0)
    assert error < 0.8 * np.hypot(found.error(0), found.error(1))  # pairs share their events
    costly = search.problem._replace(pace=search.problem.pace._replace(firings=search.problem.pace.firings * 1e9))
    leaps = final_trial(costly, sought, schedules, 16_384, 3, 0)
    gain, error = leaps.difference(0, 1)
    noise = leaps._replace(leaping=None).difference(0, 1)[1]
    assert "bias is estimated" in leaps.paths and error > noise
    assert abs(gain - exact) < 3.3 * error
    assert abs(gain - exact) > 3.3 * noise  # which the noise alone would not have covered


@pytest.mark.slow
@pytest.mark.parametrize("limited", [False, True])
def test_a_budget_is_kept(network, limited):
    limits = [js.mean("Y", at=END) >= 24.0] if limited else []
    for budget in (24_000, 60_000):
        found = js.optimise(
            network, plan([1.0, 4.0]), minimise=js.mean("X", at=END), subject_to=limits, budget=budget, seed=1,
            **(SETTINGS | {"steps": 200, "trajectories": 4096, "method": "split_difference"}),
        )  # fmt: skip
        assert found.cost["search"] <= budget
        assert "used up" not in found.ended or f"the budget of {budget} forward" in found.ended
    with pytest.raises(js.SimulationError, match=r"budget is 100, too little .* give at least"):
        js.optimise(network, plan(2.0), minimise=js.mean("X", at=END), budget=100, **SETTINGS)


@pytest.mark.slow
@pytest.mark.parametrize("method", ESTIMATORS)
def test_every_method_of_the_table_searches_or_refuses_in_a_sentence(network, method):
    few = SETTINGS | {"steps": 2, "starts": 1, "trajectories": 512, "batch": (128, 128), "budget": 20_000}
    best = js.optimise(network, plan(2.0), minimise=js.mean("X", at=END), method=method, seed=1, **few)
    assert best.search.method == method and best.held["drug.at"][0] > 2.0
    if not ESTIMATORS[method].jumps:
        with pytest.raises(js.SimulationError, match="jumps from one value to another"):
            js.optimise(network, plan(2.0), minimise=js.probability("X < 3", at=END), method=method, **few)


@pytest.mark.slow
def test_no_slope_is_said_and_ends_the_search(network):
    few = SETTINGS | {"trajectories": 512, "batch": (128, 256), "steps": 6, "starts": 2, "check": 64}
    rare = js.optimise(network, plan(2.0), maximise=js.probability("X > 400", at=END), seed=1, **few)
    assert "no batch shows a slope: no event seen" in rare.ended and any("no event seen" in n for n in rare.notes)
    assert not rare.certificate.stationary and "UNKNOWN" in str(rare.certificate)
    assert not rare.checks["start"].passes and "no event was seen" in str(rare)


def test_coordinates_have_the_names_of_what_they_are(network):
    search = posed_search(network, plan([1.0, 4.0]), criterion(network, js.mean("X", at=END), None, (), 0.0, None))
    assert search.problem.free.components == (
        "gap before time 1 of drug.at", "gap before time 2 of drug.at", "room after the last time of drug.at",
    )  # fmt: skip
