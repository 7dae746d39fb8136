"""Exact scores, control variates, surrogate and Langevin paths against known answers; what has none is refused.

Comparisons are at |z| < 3.3 (two-sided 0.001 each).
"""

import jax
import numpy as np
import pytest

import jaxsim as js
from benchmarks.gradients.immigration_death import (
    FREE,
    NETWORK,
    OBJECTIVES,
    PLAN,
    STEP,
    edges,
    exact_law,
    functionals,
    leap_law,
)
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.tables import build_tables

LIMIT = 3.3
GIVEN = {"free": FREE, "schedule": PLAN, "step": STEP}


def found(method, name, trajectories, **options):
    return js.gradient(NETWORK, OBJECTIVES[name], method=method, trajectories=trajectories, **GIVEN, **options)


@pytest.fixture(scope="module")
def leap_slopes():
    tables, slopes = build_tables(free_numbers(NETWORK, PLAN, FREE, None), NETWORK, edges())
    counts, law, slope = leap_law(tables.exposure[:, 0], slopes.tables.exposure[:, 0])
    return {name: slope @ f for name, f in functionals(counts, law).items()}


def test_exact_score_is_unbiased_for_the_exact_process():
    counts, law, slope = exact_law()
    truth = {name: (law @ f, slope @ f) for name, f in functionals(counts, law).items()}
    joint = js.mean("X", at=20.0) - 40.0 * OBJECTIVES["probability"]
    result = js.gradient(NETWORK, joint, method="score", trajectories=24_576, seed=21, **GIVEN)
    value, expected = (truth["mean"][k] - 40.0 * truth["probability"][k] for k in (0, 1))
    assert abs(result.value - value) < LIMIT * result.value_error
    assert np.all(np.abs(result.vector - expected) < LIMIT * result.error)
    assert abs(0.5 * result.vector[0] - expected[0]) > LIMIT * result.error[0]  # half of it would have been seen


@pytest.mark.slow
def test_exact_score_of_early_terms_of_rates_and_of_what_varies():
    """Terms known before the end, a rate, and the law of a parameter that multiplies the drug's effect."""

    def expected(median, gamma, at):
        network = NETWORK.with_parameters(k0=median * np.sqrt(1.0 + 0.2**2), gamma=gamma)  # the mean is linear in k0
        times = np.linspace(4.0, 14.0, 201)
        path = js.mean_field(network, times=times, schedule=js.Schedule(drug=js.Dose(6.0, at=at)))[:, 0]
        return float(path[120] + 0.2 * np.trapezoid(path, times))

    varied = js.Network(
        {"X": 100}, ["-> X @ k0*(1 - drug/(1 + drug))", "X -> , gamma"], {"k0": js.Lognormal(25.0, 0.2), "gamma": 0.25},
        inputs=dict(NETWORK.inputs),
    )  # fmt: skip
    objective = js.mean("X", at=10.0) + 0.2 * js.auc("X", during=(4.0, 14.0))
    free, plan = ["drug.at", "gamma", "k0.median"], js.Schedule(drug=js.Dose(6.0, at=8.0))
    result = js.gradient(varied, objective, free=free, schedule=plan, end=20.0, method="score", trajectories=16_384,
                         seed=29)  # fmt: skip
    with jax.enable_x64(True):
        point, steps = np.array([25.0, 0.25, 8.0]), np.diag([0.1, 1e-3, 0.02])
        slopes = [(expected(*(point + step)) - expected(*(point - step))) / (2 * step.sum()) for step in steps]
    truth = np.array([slopes[2], slopes[1], slopes[0]])
    assert np.all(np.abs(result.vector - truth) < LIMIT * result.error)
    assert np.all(np.abs(truth[1:]) > 10 * result.error[1:]) and abs(truth[0]) > 3 * result.error[0]  # it would be seen


def test_split_coupling_is_the_referee_of_exact_scores():
    counts, law, slope = exact_law()
    influence = functionals(counts, law)
    expected = slope @ (influence["mean"] - 40.0 * influence["probability"])
    joint = js.mean("X", at=20.0) - 40.0 * OBJECTIVES["probability"]
    widths = {"drug.amount": 0.2, "drug.at": 0.1}
    result = js.gradient(NETWORK, joint, method="split_difference", trajectories=8192, seed=27, widths=widths, **GIVEN)
    slack = 2e-3 * np.abs(expected)  # of the steps
    assert np.all(np.abs(result.vector - expected) < LIMIT * result.error + slack)
    assert np.all(np.abs(0.8 * result.vector - expected) > LIMIT * result.error + slack)  # a fifth would have been seen
    score = js.gradient(NETWORK, joint, method="score", trajectories=24_576, seed=21, **GIVEN)  # compiled above
    noise, noise_of_score = (found.error[1] * np.sqrt(found.trajectories) for found in (result, score))
    assert noise < 0.5 * noise_of_score  # in the time of the dose, which is hard for scores


def test_linear_critic_leaves_no_noise_in_a_linear_mean(leap_slopes):
    result = found("controlled_score", "mean", 2048, seed=22)
    spread = result.noise * np.sqrt(result.trajectories) / np.abs(leap_slopes["mean"])
    assert np.all(spread < 1e-3)
    assert np.allclose(result.vector, leap_slopes["mean"], rtol=1e-3)


def test_linear_critic_follows_exact_paths():
    counts, law, slope = exact_law()
    expected = slope @ functionals(counts, law)["mean"]
    result = found("controlled_exact_score", "mean", 2048, seed=28)
    spread = result.error * np.sqrt(result.trajectories) / np.abs(expected)
    assert np.all(spread < 1e-3)
    assert np.allclose(result.vector, expected, rtol=1e-4)


def test_controlled_probability_is_unbiased_with_less_noise(leap_slopes):
    result = found("controlled_score", "probability", 16_384, seed=23)
    plain = found("leap_score", "probability", 16_384, seed=23)
    assert np.all(np.abs(result.vector - leap_slopes["probability"]) < LIMIT * result.error)
    assert np.all(result.error < plain.error)


def test_gaussian_paths_are_exact_for_mean_and_variance(leap_slopes):
    joint = js.mean("X", at=20.0) + js.variance("X", at=20.0)
    result = js.gradient(NETWORK, joint, method="surrogate", trajectories=8192, seed=24, **GIVEN)
    expected = leap_slopes["mean"] + leap_slopes["variance"]
    assert np.all(np.abs(result.vector - expected) < LIMIT * result.error)
    assert "straight-through" in result.bias


def test_surrogate_scores_what_decides_a_jump(leap_slopes):
    result = found("surrogate", "probability", 16_384, seed=25)
    assert result.bias.startswith("none beyond that of leaping")
    assert np.all(np.abs(result.vector - leap_slopes["probability"]) < LIMIT * result.error)


def test_langevin_path(leap_slopes):
    result = found("langevin", "mean", 4096, seed=26)
    assert np.all(np.abs(result.vector - leap_slopes["mean"]) < LIMIT * result.error + 1e-3 * np.abs(result.vector))


@pytest.mark.parametrize("method", ["langevin", "mean_field"])
def test_a_path_without_derivative_is_refused_not_zero(method):
    with pytest.raises(js.SimulationError, match="jumps from one value to another"):
        found(method, "probability", 100)


def test_leaving_a_deciding_species_to_its_path_is_refused():
    with pytest.raises(js.SimulationError, match="jumps with 'X', which has no derivative along the path"):
        found("surrogate", "probability", 100, scored=[])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"free": []}, "nothing is free"),
        ({"free": ["drug.att"]}, "did you mean 'drug"),
        ({"free": ["X"]}, "of the initial count of 'X'"),
        ({"objective": js.mean("Y", at=20.0)}, "neither a species nor an observable"),
        ({"objective": js.mean("X", at=20.0), "end": 10.0}, "does not lie within"),
        ({"objective": js.mean("X")}, "names no time"),
        ({"method": "scores"}, "did you mean"),
        ({"step": 0.0}, "positive length of time"),
        (
            {"schedule": js.Schedule(drug=js.Dose(6.0, at=30.0))},
            "no rate depends on drug.amount, drug.at between 0 and 20",
        ),
        ({"trajectories": 1}, "whole number from 2 on"),
        ({"objective": "X"}, "make one with js.mean"),
    ],
)
def test_wrong_requests_are_refused_in_a_sentence(change, sentence):
    given = {"objective": OBJECTIVES["mean"], "trajectories": 100, "method": "leap_score", **GIVEN, **change}
    with pytest.raises(js.SimulationError, match=sentence):
        js.gradient(NETWORK, given.pop("objective"), **given)


def test_doses_of_species_have_no_derivative():
    plan = js.Schedule(X=js.Dose(10, at=5.0))
    with pytest.raises(js.SimulationError, match="whole numbers of molecules"):
        js.gradient(NETWORK, OBJECTIVES["mean"], free=["X.at"], schedule=plan, trajectories=100)
