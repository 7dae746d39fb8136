"""The check of a gradient: what is right agrees, what is wrong is seen, and what could not be seen is said.

Comparisons are at |z| < 3.3 (two-sided 0.001 each).
"""

from dataclasses import replace

import numpy as np
import pytest

import jaxsim as js
from benchmarks.gradients.immigration_death import FREE, NETWORK, OBJECTIVES, PLAN, STEP
from jaxsim.gradient.check import compared
from jaxsim.gradient.estimators import ESTIMATORS
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import assembled, posed

GIVEN = {"free": FREE, "schedule": PLAN, "step": STEP, "widths": {"drug.amount": 0.4, "drug.at": 0.25}}


@pytest.fixture(scope="module")
def right():
    more = {"method": "controlled_score", "trajectories": 2048, "pairs": 12_000, "seed": 51}
    return js.check_gradient(NETWORK, OBJECTIVES["mean"], **more, **GIVEN)


def test_a_correct_gradient_agrees_and_a_planted_error_is_seen(right):
    assert right.passes and np.all(np.abs(right.z_truncation) < 3.3)
    assert abs(right.planted_z[0]) > 5 and right.sees_a_tenth[0]
    assert right.smallest_bias[0] < 0.06
    # the planted error is what the check would say of a gradient that is a tenth too small
    error = np.hypot(right.found.noise, right.reference_error)
    assert np.allclose(right.planted_z, (0.9 * right.found.vector - right.reference) / error)


def test_what_could_not_be_seen_is_printed(right):
    text = str(right)
    assert f"{right.smallest_bias[0]:.1%}" in text and f"{right.smallest_bias[1]:.1%}" in text
    assert f"an error of a tenth stands at z = {right.planted_z[0]:.1f}" in text
    assert ("would not have been seen" in text) == (not np.all(right.sees_a_tenth))


POISSON = js.Network({"X": 0}, ["-> X, k", "X -> , 1"], {"k": 20.0})
TAIL = js.probability("X >= 15", at=1.0)


def checked(method, planted=1.0, objective=TAIL, trajectories=2048, seed=1, **more):
    """The check of a gradient that was multiplied by a factor."""
    free = free_numbers(POISSON, None, ["k"], None)
    problem = posed(free, objective, trajectories, seed, (0.0, None), more.get("step"), None, 4, 0)
    found = assembled(problem, method, 0.0)
    wrong = replace(found, vector=planted * found.vector, covariance=planted**2 * found.covariance)
    return compared(problem, wrong, more.get("pairs", trajectories), 0.0)


def flagged(seeds):
    return sum(not checked("controlled_exact_score", trajectories=512, seed=seed).passes for seed in seeds)


@pytest.mark.slow
def test_correct_gradients_are_flagged_at_the_stated_level():
    """One in a thousand: more than one of 24 has a probability of 3e-4."""
    assert flagged(range(24)) <= 1


@pytest.mark.slow
def test_two_hundred_correct_gradients():
    """One in a thousand: more than two of 200 have a probability of 1e-3."""
    assert flagged(range(200)) <= 2


@pytest.mark.parametrize("error", [0.1, 0.3])
def test_planted_errors_are_caught_or_declared_unseen(error):
    for seed, trajectories in ((1, 512), (2, 8192), (3, 32_768)):
        found = checked("controlled_exact_score", 1.0 - error, js.mean("X", at=1.0), trajectories, seed)
        assert not found.passes or not found.sees(error)[0]
    assert found.sees(error)[0] and found.verdict == "DISAGREES"  # most trajectories do see it
    assert found.sentence.startswith("sees errors from 0.0")


def test_the_bias_of_leaping_is_seen():
    """Half a relaxation time: d E[X(1)]/dk is 0.75 on leaps and 0.632 in truth, whatever its small noise."""
    found = checked("controlled_score", objective=js.mean("X", at=1.0), step=0.5, pairs=8192)
    assert "exact paths" in found.referee
    assert found.verdict == "DISAGREES" and not found.passes
    assert abs(found.reference[0] - (1.0 - np.exp(-1.0))) < 3.3 * found.reference_error[0] < 0.06
    # the gradient itself says so in its error
    assert abs(found.found.vector[0] - 0.632) < 3.3 * found.found.error[0]


def test_no_event_is_no_agreement():
    found = checked("controlled_exact_score", objective=js.probability("X >= 80", at=1.0), trajectories=256)
    assert found.found.vector[0] == 0.0 and found.reference[0] == 0.0
    assert not found.passes and found.verdict == "UNDECIDED" and found.unseen == ("k",)
    assert "nothing, as no event was seen (k)" in str(found) and "UNDECIDED in k" in str(found)


@pytest.mark.slow
def test_where_exact_paths_have_too_many_events_the_referee_says_so():
    many = POISSON.with_parameters(k=1e8)
    found = js.check_gradient(many, js.mean("X", at=1.0), free=["k"], trajectories=512, step=0.1, seed=3)
    assert "leaps half as long" in found.referee and found.verdict == "DISAGREES"  # half of the bias of leaping
    assert found.reference[0] == pytest.approx(1.0 - 0.95**20, rel=1e-3)
    assert found.found.vector[0] == pytest.approx(1.0 - 0.9**10, rel=1e-3)


@pytest.mark.slow
def test_every_method_of_the_table_is_checked_by_the_same_referee():
    for name, method in ESTIMATORS.items():
        objective = TAIL if method.jumps else js.mean("X", at=1.0)
        found = js.check_gradient(POISSON, objective, free=["k"], method=name, trajectories=1024, step=0.02, seed=4)
        assert found.verdict in ("agrees", "UNDECIDED"), (name, str(found))
        assert method.cost_of(2) >= 0.0 and method.says in found.found.reason
