"""Rare events by importance sampling: closed forms down to 1e-9, value and gradient."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import poisson

import jaxsim as js
from jaxsim.gradient.estimators.importance import tail_shape

BIRTH, DEATH, TIME = 1.0, 0.2, 3.0
Z = 4.0  # a two-sided level of 6e-5 for each comparison


def extinction(birth, death, founders):
    grown = np.exp((birth - death) * TIME)
    return (death * (grown - 1.0) / (birth * grown - death)) ** founders


def founders(number):
    return js.Network({"X": number}, ["X -> 2 X @ b*X", "X -> @ d*X"], {"b": BIRTH, "d": DEATH})


def resistance(first, mutation, birth, time):
    """P(a resistant cell by `time`) from the backward equation of one sensitive cell, which divides and mutates."""

    def slope(_, y):
        return mutation + (birth - mutation) * y - birth * y**2

    none = solve_ivp(slope, (0.0, time), [0.0], rtol=1e-10, atol=1e-22).y[0, -1]
    return -np.expm1(first * np.log1p(-none))


@pytest.mark.parametrize(("number", "size"), [(8, 1e-6), (12, 1e-9)])
def test_extinction_and_its_gradient_against_the_closed_form(number, size):
    found = js.gradient(
        *(founders(number), js.probability("X == 0", at=TIME)), free=["b", "d"], trajectories=4096, seed=3,
        method="importance",
    )  # fmt: skip
    right, h = extinction(BIRTH, DEATH, number), 1e-5
    slopes = (
        (extinction(BIRTH + h, DEATH, number) - extinction(BIRTH - h, DEATH, number)) / (2.0 * h),
        (extinction(BIRTH, DEATH + h, number) - extinction(BIRTH, DEATH - h, number)) / (2.0 * h),
    )
    assert size / 2 < right < size * 4
    assert abs(found.value - right) < Z * found.value_error < 0.05 * right
    assert np.all(np.abs(found.vector - slopes) < Z * found.error) and np.all(found.error < 0.05 * np.abs(slopes))


def test_resistance_by_a_rare_mutation_of_dividing_cells():
    network = js.Network({"S": 20, "R": 0}, ["S -> 2 S, b", "S -> S + R @ u*S"], {"b": 0.5, "u": 1e-8})
    found = js.gradient(network, js.probability("R >= 1", at=2.0), free=["u"], trajectories=4096, method="importance")
    right = resistance(20, 1e-8, 0.5, 2.0)
    assert abs(found.value - right) < Z * found.value_error < 0.1 * right
    assert abs(found.vector[0] - right / 1e-8) < Z * found.error[0]  # P is linear in so small a rate
    plain = found.value / found.value_error**2
    assert plain > 1000 * 10 * found.trajectories  # ten for pilots and weights, beyond the promised thousand


@pytest.mark.parametrize("during", [False, True])
def test_the_tail_of_a_count(during):
    network = js.Network({"S": 1000, "R": 0}, ["S -> S + R, u"], {"u": 1e-5})
    asked = js.probability("R >= 4", during=(0.0, 2.0)) if during else js.probability("R >= 4", at=2.0)
    found = js.rare_probability(network, asked, trajectories=4096, seed=5)
    right = poisson.sf(3, 0.02)  # 6.6e-9
    assert abs(found.value - right) < Z * found.standard_error < 0.1 * right
    assert found.interval[0] > 0.0 and "plain Monte Carlo would need" in str(found)


def test_a_dose_and_crowding_against_the_finite_state_solution():
    network = js.Network(
        {"X": 10},
        ["X -> 2 X @ X*(1 - X/64)", "X -> @ X*(0.1 + 0.2*drug)"],
        inputs={"drug": js.OneCompartment(0.7, 1.0)},
    )
    plan = js.Schedule(drug=js.Dose(1.0, at=1.0))
    found = js.rare_probability(network, js.probability("X == 0", at=3.0), schedule=plan, trajectories=4096, seed=2)
    n = np.arange(65.0)
    up = n * (1.0 - n / 64.0)

    def slope(t, p):
        down = n * (0.1 + 0.2 * (np.exp(-0.7 * (t - 1.0)) if t >= 1.0 else 0.0))
        flow = -(up + down) * p
        flow[1:] += up[:-1] * p[:-1]
        flow[:-1] += down[1:] * p[1:]
        return flow

    p = np.eye(65)[10]
    for span in ((0.0, 1.0 - 1e-12), (1.0, 3.0)):
        p = solve_ivp(slope, span, p, rtol=1e-9, atol=1e-18, method="LSODA").y[:, -1]
    assert 1e-10 < p[0] < 1e-5
    assert abs(found.value - p[0]) < Z * found.standard_error < 0.2 * p[0]


def test_what_cannot_be_steered_is_refused():
    with pytest.raises(js.SimulationError, match="is not the probability of one"):
        js.gradient(founders(5), js.mean("X", at=1.0), free=["b"], method="importance")
    alone = js.Network({"X": 5}, ["X -> 2 X, 1"])
    with pytest.raises(js.SimulationError, match="no tilt of the rates leads to the event"):
        js.rare_probability(alone, js.probability("X < 5", at=1.0), trajectories=64)


def test_a_tail_without_variance_is_recognised():
    uniform = (np.arange(400) + 0.5) / 400
    assert tail_shape(uniform**-0.8 - 1.0) > 0.6  # a Pareto law of shape 0.8 has no variance
    assert abs(tail_shape(-np.log(uniform))) < 0.15  # an exponential law has
