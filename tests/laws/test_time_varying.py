"""Exactness under time-varying rates, against analytic Poisson laws; |z| < 4, chi-square p > 1e-5."""

from itertools import pairwise

import numpy as np
import pytest
from exact import poisson_law
from judge import judge
from scipy.integrate import quad

import jaxsim as js
from jaxsim.kernels.exact import thinning
from jaxsim.runtime import programs

N = 200_000


def mean_of_immigration(rate, death, times, breaks=()):
    """Solve m' = rate(t) - death m, m(0) = 0, by quadrature between breaks."""

    def integral(t):
        edges = sorted({0.0, t, *(b for b in breaks if 0 < b < t)})
        parts = pairwise(edges)
        return sum(quad(lambda s: rate(s) * np.exp(-death * (t - s)), a, b, epsabs=1e-10)[0] for a, b in parts)

    return np.array([integral(t) for t in times])


def sine(k0):
    network = js.Network({"X": 0}, ["-> X @ k*(1 + sin(w*t))", "X -> , d"], {"k": k0, "w": 1.0, "d": 1.0})
    times = np.array([1.5, 4.0, 6.0])
    return network, None, times, mean_of_immigration(lambda t: k0 * (1 + np.sin(t)), 1.0, times)


def repeated_doses():
    drug = js.OneCompartment(elimination_rate=0.5, volume=2.0, absorption_rate=3.0)
    network = js.Network({"X": 0}, ["-> X @ k*g/(1 + g)", "X -> , d"], {"k": 30.0, "d": 0.7}, inputs={"g": drug})
    plan = js.Schedule(g=js.Dose([10.0, 5.0, 8.0], at=[1.0, 4.0, 8.0]))
    times = np.array([0.5, 2.0, 6.0, 12.0])

    def rate(t):
        g = float(js.concentration(drug, plan["g"], [t])[0])
        return 30.0 * g / (1 + g)

    return network, plan, times, mean_of_immigration(rate, 0.7, times, breaks=(1.0, 4.0, 8.0))


def jump_at_dose():
    drug = js.OneCompartment(elimination_rate=0.3, volume=1.0)
    network = js.Network({"X": 0}, ["-> X @ 2 + g"], inputs={"g": drug})
    plan = js.Schedule(g=js.Dose(20.0, at=3.0))
    times = np.array([2.0, 3.0, 3.5, 8.0])
    after = np.maximum(times - 3.0, 0.0)
    return network, plan, times, 2 * times + 20 * (1 - np.exp(-0.3 * after)) / 0.3


CASES = {
    "sine, k0 = 1": lambda: sine(1.0),
    "sine, k0 = 20": lambda: sine(20.0),
    "repeated oral doses": repeated_doses,
    "rate jumps at a dose": jump_at_dose,
}


def verdict_of(case, number=N):
    network, plan, times, mean = case
    size = int(mean.max() + 10 * np.sqrt(mean.max()) + 10)
    out = js.simulate(
        network, times=times, trajectories=number, seed=11, schedule=plan, histograms={"X": size}, progress=False
    )
    positive = mean > 0
    kept = out.isel(time=np.flatnonzero(positive))
    assert np.all(out["mean"].values[~positive] == 0)
    return judge(kept, "X", poisson_law(mean[positive], size))


@pytest.mark.parametrize("name", CASES)
def test_law_is_poisson_with_the_analytic_mean(name):
    verdict = verdict_of(CASES[name]())
    assert verdict.passes, verdict


def test_frozen_rates_fail_the_same_test(monkeypatch):
    """What other simulators do, keeping the rate of the last event until the next, must not pass."""
    real = thinning.leaves_in_time

    def frozen(plan, structure, env, timeline, cell, t, dtype, shared):
        return real(plan, structure, env, timeline, cell, timeline.edges[cell], dtype, shared)

    monkeypatch.setattr(thinning, "leaves_in_time", frozen)
    monkeypatch.setattr(programs, "_PROGRAMS", {})
    verdict = verdict_of(repeated_doses())
    assert not verdict.passes, verdict


@pytest.mark.slow
def test_result_does_not_depend_on_the_number_of_cells():
    network, plan, times, mean = repeated_doses()
    for cells in (0, 200):
        out = js.simulate(network, times=times, trajectories=50_000, seed=2, schedule=plan, cells=cells, progress=False)
        z = (out["mean"].values[1:, 0] - mean[1:]) / np.sqrt(mean[1:] / 50_000)
        assert np.abs(z).max() < 4


def test_bound_that_does_not_hold_is_a_status_and_never_a_bias(monkeypatch):
    real = thinning.propensity_bounds
    monkeypatch.setattr(thinning, "propensity_bounds", lambda *a: [bound * np.float32(0.5) for bound in real(*a)])
    monkeypatch.setattr(programs, "_PROGRAMS", {})
    network, plan, times, _ = repeated_doses()
    with pytest.warns(js.SimulationWarning, match="above its bound"):
        out = js.simulate(network, times=times, trajectories=1000, schedule=plan, progress=False)
    assert int(out["status"].sel(ending="bound violated")) > 900
    assert np.isnan(out["mean"].values[-1, 0])
