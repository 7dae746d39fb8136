"""Streaming statistics equal what the kept trajectories give."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsim as js

TIMES = np.array([0.0, 0.5, 2.0, 3.5, 7.0])
N = 3_000


@pytest.fixture(scope="module")
def out():
    network = js.Network(
        {"A": 60, "B": 0},
        ["A -> B, k", "B -> , d", "-> A, b"],
        {"k": js.Lognormal(0.5, 0.3), "d": 0.4, "b": 1.0},
        observables={"both": "A + B", "share": "A/(1 + A + B)", "scaled": "k*0 + d*A + t"},
    )
    return js.simulate(
        network,
        times=TIMES,
        trajectories=N,
        seed=2,
        keep="trajectories",
        covariance=True,
        histograms={"A": (0, 80, 4), "B": 30},
        quantiles=[0.05, 0.5, 0.95],
        passages={"few": "A <= 20", "never": "B > 1000"},
        reductions={"peak": lambda states: jnp.max(states, axis=0), "auc": lambda s: jnp.sum(s[:, 1])},
        progress=False,
    )


def test_moments(out):
    states = out["trajectories"].values.astype(float)
    assert np.allclose(out["mean"], states.mean(axis=0), rtol=1e-12)
    assert np.allclose(out["variance"], states.var(axis=0, ddof=1), rtol=1e-12)
    assert np.allclose(out["standard_error"], states.std(axis=0, ddof=1) / np.sqrt(N), rtol=1e-12)
    assert (out["reached"] == N).all()


def test_covariance(out):
    states = out["trajectories"].values.astype(float)
    for k in range(len(TIMES)):
        assert np.allclose(out["covariance"].values[k], np.cov(states[:, k].T), rtol=1e-10, atol=1e-12)


def test_histograms(out):
    a, b = (out["trajectories"].sel(species=name).values for name in "AB")
    for k in range(len(TIMES)):
        counts, _ = np.histogram(a[:, k], np.arange(0, 84, 4))
        assert np.array_equal(out["histogram_A"].values[k, 1:-1], counts)
        assert out["histogram_B"].values[k].sum() == N
        assert np.array_equal(out["histogram_B"].values[k, 1:-1], np.bincount(b[:, k], minlength=31)[:30])


def test_quantiles(out):
    states = out["trajectories"].values
    expected = np.quantile(states, [0.05, 0.5, 0.95], axis=0, method="inverted_cdf")
    assert np.array_equal(out["quantiles"].values, expected)


def test_quantiles_of_large_counts_are_within_their_bin():
    network = js.Network({"X": js.Lognormal(1e6, 1.0)}, ["X -> , d"], {"d": 1e-9})
    out = js.simulate(
        network, times=[1e-6], trajectories=4_000, quantiles=[0.1, 0.9], keep="trajectories", progress=False
    )
    expected = np.quantile(out["trajectories"].values[:, 0, 0], [0.1, 0.9])
    assert np.allclose(out["quantiles"].values[:, 0, 0], expected, rtol=0.01)


def test_passages(out):
    survival = out["survival"].sel(passage="few").values
    first = np.argmax(out["trajectories"].sel(species="A").values <= 20, axis=1)
    seen = (out["trajectories"].sel(species="A").values <= 20).any(axis=1)
    assert survival[0] == 1
    assert np.all(np.diff(survival) <= 0)
    for k in range(len(TIMES)):  # a passage seen on the grid has happened by then
        assert survival[k] <= 1 - (seen & (first <= k)).mean() + 1e-12
    assert float(out["passed"].sel(passage="never")) == 0
    assert np.isnan(float(out["passage_mean"].sel(passage="never")))


def test_passage_times_of_pure_death_are_order_statistics():
    network = js.Network({"X": 10}, ["X -> , 1"])
    number = 50_000
    out = js.simulate(network, times=[60.0], trajectories=number, passages={"gone": "X == 0"}, progress=False)
    mean, variance = sum(1 / i for i in range(1, 11)), sum(1 / i**2 for i in range(1, 11))
    assert float(out["passed"].values[0]) == 1
    assert abs(float(out["passage_mean"].values[0]) - mean) < 4 * np.sqrt(variance / number)
    assert abs(float(out["passage_variance"].values[0]) / variance - 1) < 0.05


def test_reductions(out):
    states = out["trajectories"].values
    assert np.allclose(out["peak_mean"], states.max(axis=1).mean(axis=0))
    assert np.allclose(out["auc_mean"], states[:, :, 1].sum(axis=1).mean())
    assert np.allclose(out["auc_variance"], states[:, :, 1].sum(axis=1).var(ddof=1))


def test_observables(out):
    a, b = (out["trajectories"].sel(species=name).values.astype(float) for name in "AB")
    mean, variance = out["observable_mean"], out["observable_variance"]
    assert np.allclose(mean.sel(observable="both"), (a + b).mean(axis=0))
    assert np.allclose(variance.sel(observable="share"), (a / (1 + a + b)).var(axis=0, ddof=1))
    assert np.allclose(mean.sel(observable="scaled"), 0.4 * a.mean(axis=0) + TIMES, rtol=1e-6)


def test_batch_has_a_dimension_of_points():
    network = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 1.0, "d": 1.0})
    out = js.simulate(network, times=[1.0, 9.0], trajectories=4_000, parameters={"k": [1.0, 20.0]}, progress=False)
    assert out["mean"].dims == ("point", "time", "species")
    assert out["k"].values.tolist() == [1.0, 20.0]
    expected = np.array([1.0, 20.0])[:, None] * (1 - np.exp(-np.array([1.0, 9.0])))
    assert np.abs((out["mean"].values[:, :, 0] - expected) / np.sqrt(expected / 4_000)).max() < 4


def test_sampled_parameters_follow_their_distribution():
    network = js.Network({"X": 0}, ["-> X, k"], {"k": js.Lognormal(20.0, 0.5)})
    number = 50_000
    out = js.simulate(network, times=[1.0], trajectories=number, seed=3, progress=False)
    mean = 20 * np.sqrt(1 + 0.25)
    variance = mean + mean**2 * 0.25
    assert abs(float(out["mean"].values[0, 0]) - mean) < 4 * np.sqrt(variance / number)
    assert abs(float(out["variance"].values[0, 0]) / variance - 1) < 0.05


def test_float64_gives_the_same_law():
    network = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 10.0, "d": 1.0})
    out = js.simulate(network, times=[2.0], trajectories=20_000, precision="float64", progress=False)
    mean = 10 * (1 - np.exp(-2))
    assert abs(float(out["mean"].values[0, 0]) - mean) < 4 * np.sqrt(mean / 20_000)


def test_observables_that_add_up_many_species():
    """They are a product with a matrix instead of code; the others stay as they are."""
    weights = np.arange(1, 21)
    network = js.Network(
        {f"S{i}": 10 for i in range(20)},
        [f"S{i} -> S{(i + 1) % 20}, k" for i in range(20)],
        {"k": 1.0},
        observables={
            "weighted": " + ".join(f"{w}*S{i}" for i, w in enumerate(weights)),
            "ratio": "S1/(1 + S2)",
            "difference": " - ".join(f"S{i}" for i in range(20)),
        },
    )
    out = js.simulate(network, times=TIMES, trajectories=500, keep="trajectories", progress=False)
    states = out["trajectories"].values.astype(float)
    expected = [states @ weights, states[:, :, 1] / (1 + states[:, :, 2]), 2 * states[:, :, 0] - states.sum(axis=2)]
    for index, values in enumerate(expected):
        assert np.allclose(out["observable_mean"].values[:, index], values.mean(axis=0), rtol=1e-12)
        assert np.allclose(out["observable_variance"].values[:, index], values.var(axis=0, ddof=1), rtol=1e-9)
