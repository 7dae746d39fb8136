"""Rates with kinks and thresholds of the state, and counts that fall below zero, by every method that is not exact."""

import numpy as np
import pytest
from scipy.stats import poisson

import jaxsim as js

COUNTS = np.arange(3000)
LAW = poisson.pmf(COUNTS, 1000)  # of X at all times
END, NUMBER = 20.0, 10_000
TOLERANCE = 0.03
Z = 4.0  # two-sided tail 6e-5 per comparison
RATES = {  # of the species that counts it
    "A": ("max(0, X - 1060)", np.maximum(0, COUNTS - 1060)),
    "B": ("if(X > b, 1, 0)", COUNTS > 1060),
    "C": ("0.1*abs(X - 1000)", 0.1 * np.abs(COUNTS - 1000)),
}


def slow(*names):
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


NETWORK = js.Network(
    {"X": js.Poisson(1000.0), **dict.fromkeys(RATES, 0)},
    ["-> X, 1000", "X -> , 1", *(f"-> {name} @ {rate}" for name, (rate, _) in RATES.items())],
    {"b": 1060.0},
)


@pytest.mark.parametrize("method", ["auto", *slow("hybrid", "tau_leap")])
def test_leaps_see_a_threshold_within_the_fluctuations(method):
    """Two standard deviations away, where leaps that pass the line unseen were off by a third."""
    out = js.simulate(NETWORK, times=[END], method=method, trajectories=NUMBER, seed=3, progress=False)
    for name, (_, rate) in RATES.items():
        right, found = END * float(LAW @ rate), out.sel(species=name).isel(time=0)
        assert abs(float(found["mean"]) - right) < TOLERANCE * right + Z * float(found["standard_error"])


@pytest.mark.slow
def test_leaps_of_a_fixed_length_do_not():
    """The negative control: the same by leaps that were asked to be of this length."""
    out = js.simulate(
        NETWORK, times=[END], method="trapezoidal_tau_leap", step=0.5, trajectories=NUMBER, seed=3, progress=False
    )
    right, found = END * float(LAW @ RATES["A"][1]), out.sel(species="A").isel(time=0)
    assert abs(float(found["mean"]) - right) > TOLERANCE * right + Z * float(found["standard_error"])


@pytest.mark.parametrize("method", ["mean_field", *slow("langevin", "linear_noise")])
def test_a_count_below_zero_ends_a_trajectory(method):
    """A is taken at a rate that does not vanish with it; B is, and stands near zero as it may."""
    network = js.Network({"A": 50, "B": 50}, ["A -> @ 1", "B -> , 0.2", "-> B, 1"])
    with pytest.warns(js.SimulationWarning, match="below zero"):
        out = js.simulate(network, times=[20.0, 200.0], method=method, trajectories=100, seed=1, progress=False)
    assert int(out["status"].sel(ending="negative count")) == int(out["status"].sum())
    assert np.isfinite(out["mean"][0]).all() and np.isnan(out["mean"][1]).all()
    fine = js.Network({"B": 50}, ["B -> , 0.2", "-> B, 1"])
    out = js.simulate(fine, times=[200.0], method=method, trajectories=100, seed=1, progress=False)
    assert int(out["status"].sel(ending="ok")) == int(out["status"].sum())


@pytest.mark.slow
def test_gradients_do_not_follow_counts_below_zero():
    network = js.Network({"A": 50}, ["A -> @ k", "-> A, 0.5"], {"k": 1.0})
    for method, sentence in (("langevin", "less than nothing"), ("mean_field", "no finite solution")):
        with pytest.raises(js.JaxsimError, match=sentence):
            js.gradient(network, js.mean("A", at=150.0), free=["k"], method=method, trajectories=256, seed=1)
