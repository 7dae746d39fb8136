"""Linear noise is exact for linear networks, and right to leading order for others."""

import numpy as np
import pytest
from exact import master_equation, moments
from scipy.integrate import solve_ivp

import jaxsim as js


def solve(network, times, **options):
    return js.simulate(network, times=times, method="linear_noise", progress=False, **options)


def test_birth_and_death():
    """X is binomial plus Poisson: mean and variance are known at every time."""
    k, d, start, times = 12.0, 0.8, 30, np.array([0.0, 0.3, 1.0, 6.0])
    out = solve(js.Network({"X": start}, ["-> X, k", "X -> , d"], {"k": k, "d": d}), times)
    left = np.exp(-d * times)
    np.testing.assert_allclose(out["mean"][:, 0], start * left + k / d * (1 - left), rtol=1e-6)
    expected = start * left * (1 - left) + k / d * (1 - left)
    np.testing.assert_allclose(out["variance"][:, 0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_gene_of_three_states_against_the_matrix_exponential():
    """One gene (closed, poised, open) and its messenger; all rates are linear, so the two moments are exact."""
    rates = {"a": 0.6, "b": 0.4, "c": 0.9, "e": 0.5, "k": 4.0, "d": 1.0}
    network = js.Network(
        {"G0": 1, "G1": 0, "G2": 0, "M": 0},
        ["G0 -> G1, a", "G1 -> G0, b", "G1 -> G2, c", "G2 -> G1, e", "G2 -> G2 + M, k", "M -> , d"],
        rates,
    )
    times = np.array([0.5, 2.0, 8.0])
    changes = [(1, 0), (-1, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
    law = master_equation(
        changes,
        [
            lambda g, m: rates["a"] * (g == 0),
            lambda g, m: rates["b"] * (g == 1),
            lambda g, m: rates["c"] * (g == 1),
            lambda g, m: rates["e"] * (g == 2),
            lambda g, m: rates["k"] * (g == 2),
            lambda g, m: rates["d"] * m,
        ],
        (0, 0),
        (3, 40),
        times,
    )
    out = solve(network, times, covariance=True, rtol=1e-9, atol=1e-9)
    mean, variance, _ = moments(law.sum(axis=1))
    np.testing.assert_allclose(out["mean"].sel(species="M"), mean, rtol=1e-6)
    np.testing.assert_allclose(out["variance"].sel(species="M"), variance, rtol=1e-6)
    open_ = law[:, 2]
    joint = (open_ * np.arange(40)).sum(axis=1) - open_.sum(axis=1) * mean
    np.testing.assert_allclose(out["covariance"].sel(species="G2", species_2="M"), joint, rtol=1e-6)


def test_stiff_and_time_varying_networks():
    """A pair that exchanges a million times faster than it is made, under a drug that falls: sums stay Poisson."""
    drug = js.OneCompartment(elimination_rate=0.3, volume=1.0)
    network = js.Network(
        {"A": 0, "B": 0},
        ["-> A @ k*g", "A -> B, 1e6", "B -> A, 2e6", "A -> , d", "B -> , d"],
        {"k": 50.0, "d": 0.2},
        inputs={"g": drug},
    )
    times = np.array([0.5, 3.0, 20.0])
    out = solve(network, times, schedule=js.Schedule(g=js.Dose(2.0, at=0.0)), covariance=True)
    total = 50 * 2 * (np.exp(-0.2 * times) - np.exp(-0.3 * times)) / 0.1
    np.testing.assert_allclose(out["mean"].sum("species"), total, rtol=1e-6)
    np.testing.assert_allclose(out["variance"], np.outer(total, [2 / 3, 1 / 3]), rtol=1e-4)  # independent Poisson
    assert np.abs(out["covariance"].sel(species="A", species_2="B")).max() < 1e-3


def test_covariance_of_a_nonlinear_network_against_an_independent_solver():
    """An epidemic: the Lyapunov equation written out by hand and solved by another solver."""
    beta, gamma = 0.5, 0.1
    network = js.Network(
        {"S": 900, "I": 100}, ["S + I -> 2 I @ beta*S*I/1000", "I -> @ gamma*I"], {"beta": beta, "gamma": gamma}
    )

    def slope(t, y):
        s, i, c = y[0], y[1], y[2:].reshape(2, 2)
        infection, recovery = beta * s * i / 1000, gamma * i
        j = np.array([[-beta * i / 1000, -beta * s / 1000], [beta * i / 1000, beta * s / 1000 - gamma]])
        d = np.array([[infection, -infection], [-infection, infection + recovery]])
        return np.concatenate([[-infection, infection - recovery], np.ravel(j @ c + c @ j.T + d)])

    times = [2.0, 10.0, 40.0]
    expected = solve_ivp(slope, (0, 40), [900, 100, 0, 0, 0, 0], "DOP853", times, rtol=1e-11, atol=1e-9).y
    found = solve(network, times, covariance=True)
    np.testing.assert_allclose(found["covariance"].values.reshape(3, 4), expected[2:].T, rtol=1e-5)


def test_doses_move_the_mean_and_scale_the_covariance():
    network = js.Network({"X": 50}, ["X -> , d"], {"d": 1.0})
    plan = js.Schedule(X=[js.Dose(30, at=1.0), js.Set(20, at=2.0)])
    out = solve(network, [0.9, 1.0, 1.5, 2.0, 2.5], schedule=plan)
    left = np.exp(-np.array([0.9, 1.0, 1.5]))
    spread = 50 * left * (1 - left)
    spread[2] += 30 * np.exp(-0.5) * (1 - np.exp(-0.5))
    after = 20 * np.exp(-0.5) * (1 - np.exp(-0.5))
    np.testing.assert_allclose(out["variance"][:, 0], [*spread, 0.0, after], rtol=1e-5, atol=1e-5)


def test_observables_get_the_variance_of_their_slope():
    network = js.Network({"X": 0, "Y": 0}, ["-> X, 9", "-> Y, 4"], observables={"both": "X - 2*Y"})
    out = solve(network, [1.0])
    np.testing.assert_allclose(out["observable_mean"][0, 0], 1.0, rtol=1e-6)
    np.testing.assert_allclose(out["observable_variance"][0, 0], 9 + 4 * 4, rtol=1e-6)
