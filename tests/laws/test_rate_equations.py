"""Rate equations against closed forms and an independent solver."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import gamma

import jaxsim as js

CLOSE = {"rtol": 1e-6, "atol": 1e-5}


def solve(network, times, **options):
    out = js.simulate(network, times=times, method="mean_field", progress=False, **options)
    assert int(out["status"].sel(ending="ok")) == 1
    return out["mean"]


def test_phase_type_transit_times():
    """The share of cells that has passed n stages of rate k is the distribution function of their Erlang transit."""
    stages, rate, times = 5, 0.7, np.linspace(0.0, 20.0, 11)
    names = [f"M{i}" for i in range(stages)] + ["out"]
    steps = [f"{a} -> {b}, k" for a, b in pairwise(names)]
    network = js.Network({name: 10_000 * (name == "M0") for name in names}, steps, {"k": rate})
    arrived = solve(network, times).sel(species="out")
    np.testing.assert_allclose(arrived, 10_000 * gamma.cdf(times, stages, scale=1 / rate), **CLOSE)


def test_mass_action_is_a_falling_factorial():
    """dA/dt = -2 k A (A - 1), whose solution ends at the one molecule that finds no partner; A^2 would end at 0."""
    times = np.array([0.0, 0.1, 1.0, 30.0])
    found = solve(js.Network({"A": 50}, ["2 A -> , k"], {"k": 0.25}), times)[:, 0]
    np.testing.assert_allclose(found, 1 / (1 - (1 - 1 / 50) * np.exp(-2 * 0.25 * times)), **CLOSE)


def test_doses_of_species_act_at_their_time_and_before_saving():
    network = js.Network({"X": 100, "Y": 0}, ["X -> , d", "Y -> , d"], {"d": 0.5})
    plan = js.Schedule(X=[js.Dose(40, at=[0.0, 3.0]), js.Set(10, at=6.0)], Y=js.Dose([5, 7], at=[3.0, 3.0]))
    times = np.array([0.0, 2.9, 3.0, 5.0, 6.0])
    decay = lambda since: np.exp(-0.5 * np.maximum(since, 0.0)) * (since >= 0)  # noqa: E731
    expected = 140 * decay(times) + 40 * decay(times - 3)
    expected[-1] = 10.0
    found = solve(network, times, schedule=plan)
    np.testing.assert_allclose(found.sel(species="X"), expected, **CLOSE)
    np.testing.assert_allclose(found.sel(species="Y"), 12 * decay(times - 3), **CLOSE)


def test_inputs_are_followed_in_closed_form():
    """X counts the area under the concentration of a bolus and an infusion."""
    drug = js.OneCompartment(elimination_rate=0.5, volume=2.0)
    network = js.Network({"X": 0}, ["-> X @ g"], inputs={"g": drug})
    times = np.linspace(0.0, 12.0, 7)
    plan = js.Schedule(g=[js.Dose(4.0, at=1.0), js.Dose(6.0, at=5.0, duration=3.0)])
    bolus = 4 / 2 / 0.5 * (1 - np.exp(-0.5 * np.maximum(times - 1, 0)))
    ramp = lambda s: np.where(s > 0, s - (1 - np.exp(-0.5 * np.maximum(s, 0))) / 0.5, 0.0)  # noqa: E731
    infusion = 6 / 3 / 2 / 0.5 * (ramp(times - 5) - ramp(times - 8))
    np.testing.assert_allclose(solve(network, times, schedule=plan)[:, 0], bolus + infusion, **CLOSE)


def test_random_effects_enter_with_their_mean():
    division = js.Reaction({}, {}, "r", {"X": "binomial(X, 0.25)", "Y": "Y + X"})
    network = js.Network({"X": 1000, "Y": 0}, [division], {"r": 0.3})
    times = np.array([1.0, 4.0])
    found = solve(network, times)
    left = np.exp(-0.3 * 0.75 * times)
    np.testing.assert_allclose(found.sel(species="X"), 1000 * left, **CLOSE)
    np.testing.assert_allclose(found.sel(species="Y"), 1000 / 0.75 * (1 - left), **CLOSE)


def test_stiff_kinetics():
    """Robertson's reactions: three rates, nine orders of magnitude apart, over eight decades of time."""
    network = js.Network({"A": 1, "B": 0, "C": 0}, ["A -> B, 0.04", "B -> C @ 3e7*B*B", "B -> A @ 1e4*B*C"])

    def slope(t, y):
        first, second, third = 0.04 * y[0], 3e7 * y[1] ** 2, 1e4 * y[1] * y[2]
        return [third - first, first - second - third, second]

    times = np.array([0.4, 40.0, 4e4, 4e7])
    reference = solve_ivp(slope, (0, 4e7), [1, 0, 0], "Radau", times, rtol=1e-11, atol=1e-15).y.T
    found = solve(network, times, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(found, reference, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::jaxsim.errors.SimulationWarning")
def test_what_has_no_solution_is_said():
    """2 X -> 3 X explodes in finite time; beyond it there are no numbers."""
    network = js.Network({"X": 10}, ["2 X -> 3 X @ k*X*X"], {"k": 0.1})
    out = js.simulate(network, times=[0.5, 2.0], method="mean_field", progress=False)
    np.testing.assert_allclose(out["mean"][0, 0], 10 / (1 - 0.1 * 10 * 0.5), **CLOSE)
    assert np.isnan(out["mean"][1, 0])
    assert int(out["status"].sel(ending="ok")) == 0
    assert out["reached"].values.tolist() == [1, 0]


def test_a_negative_rate_is_a_fault():
    network = js.Network({"X": 5}, ["-> X, 4", "-> X @ 10 - X"])
    with pytest.warns(js.SimulationWarning, match="negative rate"):
        out = js.simulate(network, times=[0.1, 5.0], method="mean_field", progress=False)
    assert int(out["status"].sel(ending="negative rate")) == 1
