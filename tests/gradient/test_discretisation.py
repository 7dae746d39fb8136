"""Errors of discretisation: leaps that follow the fastest relaxation, their bias in the errors, differences near zero.

Comparisons are at |z| < 3.3 (two-sided 0.001 each).
"""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

import jaxsim as js
from jaxsim.gradient.discretisation import discretisation
from jaxsim.gradient.estimators import ESTIMATORS
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.objective import LeapGrid, cut
from jaxsim.gradient.pace import PART, refined

LIMIT = 3.3
STIFF = js.Network({"X": 10}, ["-> X, k", "X -> , mu"], {"k": 500.0, "mu": 50.0})
RARE = js.probability("X >= 15", at=4.0)  # of a Poisson variable of mean k/mu = 10
TRUTH = np.array([stats.poisson.pmf(14, 10.0) / 50.0, -stats.poisson.pmf(14, 10.0) * 500.0 / 50.0**2])
VALUE = stats.poisson.sf(14, 10.0)
LINE = js.Network(
    {"X": 0}, ["-> X @ 10*(1 - 0.2*drug)", "X -> , 0.5"], inputs={"drug": js.OneCompartment(0.5, 1.0)}
)  # fmt: skip


def later(at, end):
    """Return d E[X(end)] / d at of LINE: what the boluses of 3 take of what is made, by Leibniz' rule."""

    def mean(time):
        return quad(lambda s: 6.0 * np.exp(-0.5 * (s - time)) * np.exp(-0.5 * (end - s)), time, end)[0]

    return -(mean(at + 1e-5) - mean(at)) / 1e-5


@pytest.mark.parametrize("method", ["auto", "controlled_score", "difference"])
def test_the_grid_follows_what_relaxes_fast(method):
    """1/512 of the span is 0.39 of a relaxation time here; at 9.8 of them P was 0.508 for 0.0835."""
    found = js.gradient(STIFF, RARE, free=["k", "mu"], trajectories=4096, seed=7, method=method)
    assert found.step <= PART / 50.0 * 1.001 or not ESTIMATORS[found.method].leaps
    assert abs(found.value - VALUE) < LIMIT * found.value_error < 0.1
    assert np.all(np.abs(found.vector - TRUTH) < LIMIT * found.error)
    assert np.all(found.error < np.abs(TRUTH))


def test_leaps_that_do_not_follow_are_refused_with_the_remedy():
    given = {"free": ["k", "mu"], "trajectories": 64, "step": 0.2}
    for method in (name for name, method in ESTIMATORS.items() if method.leaps and method.jumps):
        with pytest.raises(js.SimulationError, match=r"relax within 0.02 .* a leap takes 10 .*give step=0.004"):
            js.gradient(STIFF, RARE, method=method, **given)
    assert js.gradient(STIFF, RARE, method="split_difference", **given).value < 0.3  # takes no leaps
    with pytest.raises(js.SimulationError, match="trials of a search need it"):
        js.optimise(
            js.Network({"X": 10}, ["-> X @ 500/(1 + drug)", "X -> , 50"], inputs={"drug": js.OneCompartment(1, 1)}),
            js.Schedule(drug=js.Dose(1.0, at=js.free(0.0, 3.0, start=1.0))), minimise=js.mean("X", at=4.0), step=0.2,
        )  # fmt: skip


def test_steps_are_cut_where_it_is_fast():
    grid = refined(LeapGrid(np.array([0.0, 1.0, 2.0, 3.0])), np.array([0.1, 1.0, 0.2]))
    assert np.allclose(grid.edges, [0.0, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 3.0])
    assert refined(grid, np.full(7, 1e9)) is grid  # too many: methods of leaps refuse
    assert np.allclose(cut(grid, 2).edges[::2], grid.edges)


def test_the_bias_of_leaping_is_estimated_exactly_where_rates_are_linear():
    """d m(t) / dk = (1 - (1 - mu tau)^n) / mu on leaps, (1 - exp(-mu t)) / mu in truth."""
    network = js.Network({"X": 0}, ["-> X, k", "X -> , 1"], {"k": 20.0})
    free = free_numbers(network, None, ["k"], None)
    problem = posed(free, js.mean("X", at=1.0), 2, 0, (0.0, None), 0.1, None, 4, 0)
    found = discretisation(problem, ESTIMATORS["leap_score"])
    exact = (1.0 - 0.9**10) - (1.0 - np.exp(-1.0))
    assert found.gradient[0] == pytest.approx(exact, rel=0.05)  # extrapolated in the first order
    assert found.value == pytest.approx(20.0 * exact, rel=0.05)
    assert not np.any(discretisation(problem, ESTIMATORS["score"]).gradient)
    probability = problem._replace(objective=js.probability("X >= 15", at=1.0))
    probability = posed(free, probability.objective, 2, 0, (0.0, None), 0.1, None, 4, 0)
    tilted = discretisation(probability, ESTIMATORS["controlled_score"]).gradient[0]
    true = 0.6321 * stats.poisson.pmf(14, 20.0 * 0.6321)
    assert 0.01 < tilted / true < 0.2


def found_in(method, at):
    plan = js.Schedule(drug=js.Dose(3.0, at=at))
    return js.gradient(
        LINE, js.mean("X", at=4.0), free=["drug.at"], schedule=plan, trajectories=8192, method=method, seed=1, step=0.05
    )  # fmt: skip


@pytest.mark.parametrize("at", [0.0, 1e-9, 1.0])
@pytest.mark.parametrize("method", ["difference", "split_difference"])
def test_the_size_of_a_time_does_not_limit_the_step_of_its_difference(method, at):
    """Beside the start the dose is moved to one side."""
    found, truth = found_in(method, at), later(at, 4.0)
    assert abs(found.vector[0] - truth) < LIMIT * found.noise[0] + 0.02 * abs(truth) < 0.5 * abs(truth)


@pytest.mark.parametrize("method", ["difference", "controlled_score"])
def test_the_bias_of_leaping_stands_in_the_error(method):
    """Beside the end a leap is a large part of what is left, and the noise is 2e-5 of the slope."""
    found, truth = found_in(method, 3.9), later(3.9, 4.0)
    assert abs(found.vector[0] - truth) < LIMIT * found.error[0] < 0.1 * abs(truth)
    assert found.discretisation[0] == pytest.approx(found_in("controlled_score", 3.9).vector[0] - truth, rel=0.1)
    assert "of leaping" in found.bias and "counted in the errors" in str(found)


@pytest.mark.parametrize("k", [0.0, 1e-9])
@pytest.mark.parametrize("method", ["difference", "split_difference"])
def test_rates_near_zero_are_moved_far_enough_to_be_seen(method, k):
    network = js.Network({"X": 0}, ["-> X, k", "X -> , 1"], {"k": k})
    given = {"free": ["k"], "trajectories": 16_384, "method": method, "seed": 2, "step": 0.02}
    found = js.gradient(network, js.mean("X", at=2.0), **given)
    assert abs(found.vector[0] - (1.0 - np.exp(-2.0))) < LIMIT * found.error[0] < 0.5


def test_differences_report_what_was_held():
    network = js.Network({"X": 4}, ["X -> , mu"], {"mu": 1.0})
    given = {"free": ["mu"], "trajectories": 512, "step": 0.5}
    held = [js.gradient(network, js.mean("X", at=2.0), method=m, **given).held for m in ("difference", "leap_score")]
    assert held[0] == held[1] > 0.0  # the same trajectories


@pytest.mark.parametrize("method", ["controlled_exact_score", "controlled_score", "score", "difference"])
def test_negative_rates_are_refused_in_a_sentence(method):
    network = js.Network({"X": 10}, ["-> X @ k - 1.5*X", "X -> , 0.1"], {"k": 12.5})
    with pytest.raises(js.SimulationError, match=r"a rate was negative|not finite; give a shorter step"):
        js.gradient(network, js.mean("X", at=8.0), free=["k"], method=method, trajectories=256, step=0.05)


@pytest.mark.slow
def test_the_automatic_choice_takes_exact_paths_where_they_are_affordable():
    few = js.Network({"X": 20}, ["-> X, k", "X -> , mu"], {"k": 20.0, "mu": 1.0})
    many = few.with_parameters(k=2e6)
    asked = [(few, js.mean("X", at=2.0)), (few, js.probability("X >= 25", at=2.0)), (many, js.mean("X", at=2.0))]
    smooth, jumping, large = (
        js.gradient(network, objective, free=["k"], trajectories=512, seed=1) for network, objective in asked
    )
    assert smooth.method == "controlled_exact_score" and "exact paths" in smooth.reason
    assert jumping.method in ("split_difference", "controlled_exact_score") and "in a pilot" in jumping.reason
    assert ESTIMATORS[large.method].leaps and "of leaping about" in large.bias


def test_the_pace_of_a_reversible_pair():
    network = js.Network({"A": 50, "B": 50}, ["A -> B, k", "B -> A, 3"], {"k": 2.0})
    problem = posed(free_numbers(network, None, ["k"], None), js.mean("A", at=1.0), 2, 0, (0.0, None), 0.01, None, 4, 0)
    assert problem.pace.fastest == pytest.approx(5.0, rel=1e-4)
    assert problem.pace.events == pytest.approx(120.0 * 2.0, rel=0.05)  # both ways at balance: 60 x 2 = 40 x 3
