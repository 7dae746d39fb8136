"""The chemical Langevin equation: its law for large populations, the order of its scheme, its behaviour at zero.

Significance: 4.5 standard errors, 7e-6 for each number compared; seeds are fixed.
"""

import numpy as np
import pytest

import jaxsim as js

SIGMAS = 4.5


def simulate(network, times, trajectories, **options):
    return js.simulate(network, times=times, trajectories=trajectories, method="langevin", progress=False, **options)


@pytest.mark.slow
def test_large_populations_agree_with_linear_noise():
    """An epidemic among 100,000: means within their standard error plus 1 in 10,000, variances within 2 % beyond it."""
    network = js.Network(
        {"S": 90_000, "I": 10_000, "R": 0},
        ["S + I -> 2 I @ beta*S*I/100000", "I -> R @ gamma*I"],
        {"beta": 0.5, "gamma": 0.1},
    )
    times, number = np.array([3.0, 8.0, 20.0]), 4000
    found = simulate(network, times, number, seed=3, covariance=True)
    expected = js.simulate(network, times=times, method="linear_noise", covariance=True, progress=False)
    error = np.abs(found["mean"] - expected["mean"])
    assert (error < SIGMAS * found["standard_error"] + 1e-4 * expected["mean"]).all()
    ratio = found["variance"] / expected["variance"]
    assert (np.abs(ratio - 1) < SIGMAS * np.sqrt(2 / number) + 0.02).all()
    assert np.abs(found["covariance"].sum(["species", "species_2"])).max() < 1e-3  # S + I + R is conserved
    wrong = js.simulate(
        network, times=times, method="linear_noise", parameters={"gamma": 0.101}, progress=False
    )  # negative control
    assert not (np.abs(found["mean"] - wrong["mean"]) < SIGMAS * found["standard_error"] + 1e-4 * wrong["mean"]).all()


def test_scheme_is_of_weak_order_two():
    """Halving the step divides the error of the mean by four and a little; Euler's would be halved."""
    network = js.Network({"X": 0}, ["-> X, 1000", "X -> , 1"])
    exact = 1000 * (1 - np.exp(-1.0))
    errors = []
    for step in (0.5, 0.25, 0.125):
        out = simulate(network, [1.0], 40_000, step=step, seed=8)
        errors.append(abs(float(out["mean"][0, 0]) - exact))
        assert float(out["standard_error"][0, 0]) < 0.15
    assert errors[0] / errors[1] > 3.5
    assert errors[1] / errors[2] > 3.0
    fine = simulate(network, [1.0], 40_000, seed=8)
    assert fine.attrs["step"] == pytest.approx(1 / 64)  # at least 64 steps; else a twentieth of the relaxation time
    assert abs(float(fine["mean"][0, 0]) - exact) < SIGMAS * float(fine["standard_error"][0, 0]) + 0.2
    assert abs(float(fine["variance"][0, 0]) / exact - 1) < SIGMAS * np.sqrt(2 / 40_000) + 1e-3


def test_time_varying_rates_and_doses():
    drug = js.OneCompartment(elimination_rate=1.0, volume=1.0)
    network = js.Network({"X": 0}, ["-> X @ k*g", "X -> , d"], {"k": 500.0, "d": 0.5}, inputs={"g": drug})
    plan = js.Schedule(g=js.Dose(3.0, at=[1.0, 2.5]), X=js.Dose(1000, at=2.0))
    times = np.array([0.5, 1.5, 2.0, 4.0])
    found = simulate(network, times, 20_000, schedule=plan, seed=5)
    expected = js.simulate(network, times=times, method="linear_noise", schedule=plan, progress=False)
    error = np.abs(found["mean"] - expected["mean"])
    assert (error <= SIGMAS * found["standard_error"] + 1e-3 * expected["mean"]).all()
    assert float(found["mean"][0, 0]) == 0.0
    ratio = found["variance"][1:] / expected["variance"][1:]
    assert (np.abs(ratio - 1) < SIGMAS * np.sqrt(2 / 20_000) + 2e-3).all()


NEAR_ZERO = {  # a network, and a step as long as its fastest relaxation
    "pure death": (js.Network({"X": 10}, ["X -> , 1"]), 1.0),
    "gene": (js.Network({"G": 1, "H": 0, "M": 0}, ["G -> H, 1", "H -> G, 2", "H -> H + M, 3", "M -> , 1"]), 0.3),
    "pairs": (js.Network({"A": 5, "B": 0}, ["2 A -> B, 1", "B -> 2 A, .1"]), 0.05),
    "written pairs": (js.Network({"A": 5, "B": 0}, ["2 A -> B @ A*(A - 1)", "B -> 2 A, .1"]), 0.05),
    "root of a count": (js.Network({"X": 3}, ["X -> @ sqrt(X)", "-> X @ 1/(1 + X)"]), 0.5),
    "fractional power": (js.Network({"X": 3}, ["X -> , 1", "-> X @ hill(X, 2, 2.5)"]), 1.0),
}


@pytest.mark.parametrize("name", NEAR_ZERO)
@pytest.mark.parametrize("part", [1.0, 0.03])
def test_no_step_near_zero_leaves_the_numbers(name, part):
    network, step = NEAR_ZERO[name]
    out = simulate(network, np.linspace(0.0, 10.0, 11), 512, step=part * step, seed=2)
    assert int(out["status"].sel(ending="ok")) == 512
    assert np.isfinite(out["mean"]).all()


def test_a_step_that_is_far_too_long_is_noticed():
    with pytest.warns(js.SimulationWarning, match="step"):
        out = simulate(js.Network({"A": 500, "B": 0}, ["2 A -> B, 1", "B -> 2 A, .1"]), [10.0], 64, step=1.0)
    assert np.isnan(out["mean"]).all()


def test_nothing_is_made_or_lost_by_clipping():
    network = js.Network({"A": 3, "B": 0, "C": 0}, ["A -> B, 1", "B -> A, .5", "B -> C, .2"])
    states = simulate(network, np.linspace(0.0, 20.0, 9), 300, keep="trajectories", step=0.3)["trajectories"]
    np.testing.assert_allclose(states.sum("species"), 3.0, atol=1e-9)
    assert float(states.min()) < 0.0  # the state is left below zero, where the reactions stand still


def test_bias_near_zero_is_what_the_diffusion_has():
    """A linear birth-death process dies out with chance (d/b)^n; its Langevin equation with exp(-2 n (b-d)/(b+d)).

    For n = 1 and b = 2 d that is 0.513 for 0.5: the error of the equation, not of the scheme.
    """
    b, d, n, number = 2.0, 1.0, 1, 20_000
    network = js.Network({"X": n}, ["X -> 2 X, b", "X -> , d"], {"b": b, "d": d})
    states = simulate(network, [8.0], number, keep="trajectories", seed=6, step=0.005)["trajectories"]
    extinct = float((states < 1.0).mean())
    expected = np.exp(-2 * n * (b - d) / (b + d))
    assert abs(extinct - expected) < SIGMAS * np.sqrt(0.25 / number) + 0.005
    assert extinct > 0.5


def test_a_rate_negative_at_whole_counts_is_a_fault():
    network = js.Network({"X": 5}, ["-> X, 4", "-> X @ 10 - X"])
    with pytest.warns(js.SimulationWarning, match="negative rate"):
        out = simulate(network, [5.0], 64, step=0.05)
    assert int(out["status"].sel(ending="negative rate")) == 64
    assert np.isnan(out["mean"]).all()


@pytest.mark.slow
def test_sampled_values_are_those_of_the_exact_method():
    network = js.Network({"X": js.Poisson(1e4)}, ["X -> , d"], {"d": js.Lognormal(0.5, 0.3)})
    options = {"times": [0.0, 1e-9], "trajectories": 300, "seed": 9, "keep": "trajectories", "progress": False}
    exact, real = (js.simulate(network, method=method, **options) for method in ("direct", "langevin"))
    np.testing.assert_array_equal(exact["trajectories"][:, 0], real["trajectories"][:, 0])
    found = simulate(network, [1.0], 20_000, step=0.02)
    law = js.simulate(network, times=[1.0], trajectories=20_000, progress=False)
    error = np.hypot(found["standard_error"], law["standard_error"])
    assert (np.abs(found["mean"] - law["mean"]) < SIGMAS * error).all()
