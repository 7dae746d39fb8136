"""js.estimate: the wanted error, honest intervals, reproducible bits, refusals in a sentence."""

import re

import numpy as np
import pytest

import jaxsim as js
from jaxsim.errors import JaxsimError
from jaxsim.runtime.programs import trace_count

GENE = ["-> M, 25", "M -> M + P, 200", "2 P -> D, 0.005", "M -> , 0.1", "P -> , 1"]


@pytest.fixture(scope="module")
def gene():
    """Transcription, translation and dimerisation (Anderson & Higham 2012, section 9), with fewer proteins."""
    return js.Network({"M": 0, "P": 0, "D": 0}, GENE)


def test_levels_reach_the_error_and_say_what_they_cost(gene):
    found = js.estimate(gene, "D", at=1.0, relative_error=0.005, seed=3)
    assert found.method == "multilevel Monte Carlo, unbiased"
    assert found.bias_bound == 0.0
    assert found.half_width <= found.wanted == pytest.approx(0.005 * found.value)
    assert found.plain_cost_ratio > 10
    text = repr(found)
    assert re.search(r"D at 1: \d+\.?\d* \+- .* \(95 %, unbiased\)", text)
    assert len(text.splitlines()) == 4 + len(found.levels)
    data = found.dataset()
    assert float(data["level_mean"].sum()) == pytest.approx(found.value)
    assert data.attrs["seed"] == 3
    plain = js.simulate(gene, times=[1.0], trajectories=20_000, seed=8, progress=False).sel(species="D").isel(time=0)
    z = (float(plain["mean"]) - found.value) / np.hypot(float(plain["standard_error"]), found.standard_error)
    assert abs(z) < 4  # 6e-5


def test_bits_follow_from_the_seed_alone_and_nothing_compiles_twice(gene):
    first = js.estimate(gene, "D", at=1.0, relative_error=0.005, seed=3)
    traced = trace_count()
    again = js.estimate(gene, "D", at=1.0, relative_error=0.005, seed=3)
    other = js.estimate(gene, "D", at=1.0, relative_error=0.005, seed=4)
    assert trace_count() == traced
    for name in ("value", "standard_error", "half_width", "plain_variance"):
        assert getattr(first, name) == getattr(again, name)
    assert [(x.trajectories, x.mean, x.variance) for x in first.levels] == [
        (x.trajectories, x.mean, x.variance) for x in again.levels
    ]
    assert other.value != first.value


def test_intervals_of_a_linear_network_cover_the_closed_form():
    net = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 20_000.0, "d": 1.0})
    truth = 20_000 * -np.expm1(-2.0)
    found = [js.estimate(net, "X", at=2.0, relative_error=2e-4, seed=seed) for seed in range(30)]
    covered = sum(x.low <= truth <= x.high for x in found)
    assert covered >= 25  # fewer have a chance of 3e-3 at 95 %
    assert all(x.half_width <= x.wanted for x in found)


def test_without_the_exact_process_the_interval_holds_the_bias():
    net = js.Network({"A": 40_000, "B": 0}, ["2 A -> B, k", "B -> 2 A, 1"], {"k": 2e-5})
    found = js.estimate(net, "B", at=2.0, relative_error=1e-3, seed=1, unbiased=False)
    sure = js.estimate(net, "B", at=2.0, relative_error=5e-4, seed=2, unbiased=True)
    assert found.bias_bound > 0
    assert "extrapolated" in found.method
    assert abs(found.value - sure.value) < found.half_width + sure.half_width
    assert abs(found.levels[0].mean - sure.value) > 3 * sure.half_width  # what leaps alone would have said


def test_plain_monte_carlo_where_it_is_cheaper():
    net = js.Network({"X": 10}, ["X -> , d", "-> X, k"], {"d": 1.0, "k": 5.0})
    found = js.estimate(net, "X >= 6", at=3.0, relative_error=0.02, seed=1)
    assert found.method == "plain Monte Carlo"
    assert "only about" in found.reason
    assert found.seconds > 0
    assert found.compile_seconds > 0
    assert found.half_width <= found.wanted


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"quantity": "Y"}, "reads 'Y', which is no species"),
        ({"quantity": 3}, "give an expression"),
        ({"at": 0.0}, "give a later time"),
        ({"at": [1.0, 2.0]}, "give one time"),
        ({"relative_error": 0.0}, "relative_error is 0.0; give a positive number"),
        ({"relative_error": 2.0}, "below 1"),
        ({"absolute_error": -1}, "absolute_error is -1"),
        ({"chunk": 100}, "multiple of 64"),
        ({"seed": -1}, "seed -1"),
        ({"relative_error": 1e-9}, "single precision; give 2e-06 or more"),
        ({"absolute_error": 1e-6}, "single precision; ask for a larger error"),
        ({"limit_seconds": 1e-3}, "more than limit_seconds"),
    ],
)
def test_refusals(change, fault):
    net = js.Network({"X": 10_000}, ["X -> , d", "-> X @ k/(1 + X)"], {"d": 1.0, "k": 5.0})
    arguments = {"quantity": "X", "at": 3.0, **change}
    with pytest.raises(JaxsimError, match=fault):
        js.estimate(net, arguments.pop("quantity"), **arguments)


def test_networks_that_are_not_followed_are_refused_by_name():
    for net, fault in (
        (js.Network({"X": 9}, ["X -> , 1"], events=[js.Event("X < 5", {"X": "9"})]), "does not follow the event"),
        (js.Network({"X": 9}, [js.Reaction({}, {}, "X", {"X": "0"})]), "sets species by an effect"),
        ("X -> ", "takes a js.Network"),
    ):
        with pytest.raises(JaxsimError, match=fault):
            js.estimate(net, "X", at=1.0)
