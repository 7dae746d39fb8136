"""Rare events, conditions on the state, tails of counts, and sentences: never a zero in place of what was not seen."""

import numpy as np
import pytest

import jaxsim as js
from benchmarks.gradients import random_networks as small

SMALL = js.Network({"X": 0}, ["-> X, k", "X -> , 1"], {"k": 1.0})
JUMPING = js.Network({"X": 10}, ["-> X, k", "X -> @ if(X > 5, 2, 1)*X"], {"k": 8.0})
RARE = js.probability("X >= 9", at=2.0)  # 8e-7 of a Poisson law of mean 0.86, whose derivative in k is 7e-6


@pytest.mark.parametrize("method", ["leap_score", "difference"])
def test_no_event_is_said_and_bounded(method):
    found = js.gradient(SMALL, RARE, free=["k"], trajectories=2048, method=method, step=0.1)
    assert found.value == 0.0 and found.vector[0] == 0.0
    assert found.bound is not None and 7e-6 < found.bound[0] == pytest.approx(1.96 * found.error[0])
    assert 3.0 / found.trajectories == pytest.approx(1.96 * found.value_error)
    assert "no event seen" in found.bias and "(95 %), counted in the errors" in str(found)


def test_a_condition_that_always_holds_beside_one_that_varies_is_bounded_too():
    both = js.probability("X < 9", at=2.0) + js.mean("X", at=2.0)
    found = js.gradient(SMALL, both, free=["k"], trajectories=2048, method="leap_score", step=0.1)
    plain = js.gradient(SMALL, js.mean("X", at=2.0), free=["k"], trajectories=2048, method="leap_score", step=0.1)
    assert found.bound is not None and plain.bound is None
    assert found.error[0] == pytest.approx(np.hypot(plain.error[0], found.bound[0] / 1.96), rel=0.05)


def test_what_reaches_nothing_is_zero_without_a_bound():
    network = js.Network({"X": 0, "Y": 0}, ["-> X, k", "X -> , 1", "-> Y, h"], {"k": 5.0, "h": 1.0})
    found = js.gradient(network, js.mean("X", at=1.0), free=["k", "h"], method="difference", trajectories=256, step=0.1)
    assert found.gradient["h"] == 0.0 and found.bound is None


@pytest.mark.parametrize("method", ["langevin", "mean_field"])
def test_a_rate_that_jumps_with_the_state_is_refused_along_paths(method):
    with pytest.raises(js.SimulationError, match=r"jumps with the state 'X' at 'X > 5'.*use method 'leap_score'"):
        js.gradient(JUMPING, js.mean("X", at=2.0), free=["k"], method=method, trajectories=64)


def test_an_objective_that_is_not_finite_is_refused():
    with pytest.raises(js.SimulationError, match="is not a finite number; change the objective"):
        js.gradient(SMALL, js.mean("log(X)", at=2.0), free=["k"], method="leap_score", trajectories=64, step=0.1)


SENTENCES = {
    "an initial count": (["X.low"], "is of the initial count of 'X', whole molecules that have no derivative"),
    "an unknown": (["kk"], "is no number of the network or the schedule"),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences_on_what_is_free(name):
    free, sentence = SENTENCES[name]
    network = js.Network({"X": js.Uniform(5.0, 15.0)}, ["X -> , k"], {"k": 1.0})
    with pytest.raises(js.SimulationError, match=sentence):
        js.gradient(network, js.mean("X", at=1.0), free=free, trajectories=64)


def test_events_name_no_method_that_does_not_exist():
    network = js.Network({"X": 10}, ["X -> , k"], {"k": 1.0}, events=[js.Event("X < 5", {"X": "10"})])
    with pytest.raises(js.SimulationError, match="no estimator of gradients follows it"):
        js.gradient(network, js.mean("X", at=1.0), free=["k"], trajectories=64)


def test_a_number_that_no_rate_reads_has_a_zero_that_is_explained():
    network = js.Network({"X": 0}, ["-> X, k"], {"k": 1.0, "unused": 2.0})
    given = {"free": ["k", "unused"], "method": "leap_score", "trajectories": 64, "step": 0.25}
    found = js.gradient(network, js.mean("X", at=1.0), **given)
    assert found.gradient["unused"] == 0.0
    assert "nothing that rates read between 0 and 1 depends on unused: its derivative is 0" in found.bias


def poisson_tail(mean, share):
    """Return the mean of the upper tail of a Poisson law."""
    counts = np.arange(80)
    law = np.exp(counts * np.log(mean) - mean - np.cumsum(np.log(np.maximum(counts, 1))))
    quantile = counts[np.searchsorted(np.cumsum(law), share)]
    return quantile + np.maximum(counts - quantile, 0) @ law / (1.0 - share)


@pytest.mark.parametrize("share", [0.85, 0.9, 0.9052])  # the last two stand beside the edge of an atom, at 0.9032
def test_intervals_of_the_tail_of_counts_hold_the_truth(share):
    """16 seeds each; at most 3 beyond 1.96 errors, of probability 0.009 were the intervals those of 95 %."""
    network, end = js.Network({"X": 0}, ["-> X, k", "X -> , 1"], {"k": 9.0}), 2.0
    mean = 9.0 * (1.0 - np.exp(-end))
    step = 1e-4 * mean
    slope = (poisson_tail(mean + step, share) - poisson_tail(mean - step, share)) / (2 * step) * mean / 9.0
    given = {"free": ["k"], "trajectories": 1024, "method": "controlled_exact_score"}
    found = [js.gradient(network, js.cvar("X", share, at=end), seed=seed, **given) for seed in range(16)]
    z = np.array([(one.vector[0] - slope) / one.error[0] for one in found])
    assert np.sum(np.abs(z) > 1.96) <= 3, np.sort(z)


@pytest.mark.slow
@pytest.mark.parametrize("number", [20])
def test_exact_scores_are_right_on_random_networks(number):
    """Cases of four numbers each, |z| < 4: with twenty, a false alarm has a probability of 0.005."""
    rng, shape = np.random.default_rng(5), "jumps in time and level"
    for seed in range(number):
        one = small.tried(small.drawn(rng, shape, "mean"), "controlled_exact_score", 1024, seed)
        assert not one.refused and np.all(np.abs(one.z) < 4.0), one


@pytest.mark.slow
def test_every_exact_method_is_right_or_refuses_on_random_networks():
    """300 cases of every exact method: none beyond 4 errors, intervals of 95 % hold the truth in 93 to 97 % or more."""
    for seed, case in enumerate(small.cases(300, 11)):
        results = [small.tried(case, method, 4096, seed) for method in small.EXACT]
        found = {one.method: one.z for one in results}
        assert all(np.all(np.abs(z) < 4.0) for z in found.values()), results
