"""Closed-form concentrations against brute-force sums, numerical convolution and differential equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from jaxsim.dosing import Dose, OneCompartment, TwoCompartment, area_under_curve, concentration
from jaxsim.errors import ScheduleError

INTRAVENOUS = OneCompartment(1.2, 1.4)
ABSORBED = OneCompartment(1.2, 1.4, absorption_rate=6.0, bioavailability=0.8)
SLOW = OneCompartment(1.2, 1.4, absorption_rate=0.3)  # absorption limits the rate: flip-flop
TWO = TwoCompartment(2.8, 1.4, 3.0, 4.0)
TWO_ABSORBED = TwoCompartment(2.8, 1.4, 3.0, 4.0, absorption_rate=1.5)
ALL = [INTRAVENOUS, ABSORBED, SLOW, TWO, TWO_ABSORBED]


def response(disposition, s):
    amplitudes, rates = disposition.modes()
    return sum(a * np.exp(-r * s) for a, r in zip(amplitudes, rates, strict=True)) if s >= 0 else 0.0


@pytest.mark.parametrize("disposition", ALL)
def test_superposition_is_the_sum_over_doses(disposition):
    at, amounts, times = [0.0, 3.0, 3.0, 7.5], [1.0, 2.0, 0.5, 4.0], np.linspace(0, 12, 41)
    brute = [sum(a * response(disposition, t - s) for a, s in zip(amounts, at, strict=True)) for t in times]
    np.testing.assert_allclose(concentration(disposition, Dose(amounts, at=at), times), brute, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("disposition", ALL)
def test_infusion_is_the_convolution_with_a_box(disposition):
    dose, times = (
        Dose(3.0, at=[1.0, 2.0], duration=[2.5, 1.0]),
        np.array([0.5, 1.0, 1.7, 2.9, 3.0, 3.2, 3.5, 5.0, 20.0]),
    )
    expected = []
    for t in times:
        total = 0.0
        for start, lasting in ((1.0, 2.5), (2.0, 1.0)):
            end = min(t, start + lasting)
            if end > start:
                total += quad(lambda u, t=t: response(disposition, t - u), start, end)[0] * 3.0 / lasting
        expected.append(total)
    np.testing.assert_allclose(concentration(disposition, dose, times), expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("ka", [None, 1.5])
def test_two_compartments_solve_their_equations(ka):
    clearance, v1, q, v2 = 2.8, 1.4, 3.0, 4.0

    def flow(t, x):
        depot, central, peripheral = x
        entering = (ka or 0.0) * depot
        exchange = q * (central / v1 - peripheral / v2)
        return [-entering, entering - clearance * central / v1 - exchange, exchange]

    times = np.linspace(0, 10, 21)
    start = [5.0, 0.0, 0.0] if ka else [0.0, 5.0, 0.0]
    solution = solve_ivp(flow, (0, 10), start, t_eval=times, rtol=1e-10, atol=1e-12, method="LSODA")
    got = concentration(TwoCompartment(clearance, v1, q, v2, absorption_rate=ka), Dose(5.0), times)
    np.testing.assert_allclose(got, solution.y[1] / v1, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("disposition", ALL)
@pytest.mark.parametrize("duration", [0.0, 2.0])
def test_area_under_curve(disposition, duration):
    dose = Dose([1.0, 2.0], at=[0.0, 3.0], duration=duration)
    times = np.linspace(0, 200, 400_001)
    area = np.trapezoid(concentration(disposition, dose, times), times)
    assert float(area_under_curve(disposition, dose)) == pytest.approx(area, rel=1e-3)


def test_short_infusions_tend_to_a_bolus():
    times = np.array([1.0, 5.0])
    bolus = concentration(TWO, Dose(2.0, at=0.5), times)
    for duration in (1e-3, 1e-6, 1e-12):
        np.testing.assert_allclose(
            concentration(TWO, Dose(2.0, at=0.5, duration=duration), times), bolus, rtol=2 * duration + 1e-12
        )
    mixed = concentration(TWO, Dose(2.0, at=[0.5, 0.5], duration=[0.0, 1e-9]), times)
    np.testing.assert_allclose(mixed, 2 * bolus, rtol=1e-7)


def test_absorbed_concentration_is_never_negative():
    times = np.concatenate([[0.0], np.geomspace(1e-12, 1e3, 2000)])
    for disposition in ALL:
        assert np.all(concentration(disposition, Dose(1.0), times) >= -1e-16)


@pytest.mark.parametrize("disposition", ALL)
@pytest.mark.parametrize("duration", [None, 1.5])
def test_gradients_match_finite_differences(disposition, duration):
    times = np.array([0.4, 1.9, 2.3, 6.0])
    given = {"at": np.array([0.2, 1.1]), "amount": np.array([3.0, 2.0])}
    if duration:
        given["duration"] = np.array([duration, 0.7])

    def total(values):
        return concentration(disposition, Dose(**values), times).sum()

    gradient = jax.jit(jax.grad(total))({name: jnp.asarray(value, dtype=float) for name, value in given.items()})
    for name, value in given.items():
        for k in range(2):
            step = 1e-5 * (np.arange(2) == k)
            difference = (total({**given, name: value + step}) - total({**given, name: value - step})) / 2e-5
            assert float(gradient[name][k]) == pytest.approx(difference, rel=3e-4, abs=1e-4)


def test_gradient_of_a_bolus_in_time_is_the_closed_form():
    gradient = jax.jit(jax.grad(lambda at: concentration(INTRAVENOUS, Dose(2.0, at=at), [3.0])[0]))(1.0)
    assert float(gradient) == pytest.approx(1.2 * 2.0 / 1.4 * np.exp(-1.2 * 2.0), rel=1e-5)


def test_dispositions_are_differentiable_pytrees():
    def area(disposition):
        return area_under_curve(disposition, Dose(4.0))

    gradient = jax.jit(jax.grad(area))(OneCompartment(2.0, 0.5, absorption_rate=3.0))
    assert float(gradient.elimination_rate) == pytest.approx(-4.0 / (4.0 * 0.5), rel=1e-4)
    gradient = jax.jit(jax.grad(area))(TWO_ABSORBED)
    assert float(gradient.clearance) == pytest.approx(-4.0 / 2.8**2, rel=1e-4)
    assert abs(float(gradient.volume)) < 1e-4


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: OneCompartment(0.0, 1.0),
            "OneCompartment: elimination_rate must be a positive finite number, not 0.0",
        ),
        (lambda: OneCompartment("fast", 1.0), "elimination_rate must be a number, not 'fast'"),
        (lambda: OneCompartment(1.0, np.inf), "volume must be a positive finite number"),
        (lambda: OneCompartment(1.0, 1.0, bioavailability=1.2), "bioavailability is a fraction"),
        (lambda: OneCompartment(1.0, 1.0, absorption_rate=1.0005), "within 0.1 %.*change absorption_rate by 1 %"),
        (lambda: TwoCompartment(1.0, 1.0, 1.0, 1.0, absorption_rate=0.382), "TwoCompartment: absorption_rate"),
        (lambda: TwoCompartment(1.0, 1.0, 1.0, -1.0), "peripheral_volume must be"),
        (lambda: OneCompartment(1.0, 1.0, time_unit="week"), "unknown time unit 'week'"),
        (lambda: concentration(3.0, Dose(1.0), [0.0]), "a float has no concentration"),
        (lambda: concentration(TWO, [3.0], [0.0]), "follows from doses, not from 3.0"),
    ],
)
def test_refusals(make, sentence):
    with pytest.raises(ScheduleError, match=sentence):
        make()


def test_rates_that_differ_by_one_percent_keep_their_digits():
    near = concentration(OneCompartment(1.0, 1.0, absorption_rate=1.01), Dose(1.0), [2.0])[0]
    assert near == pytest.approx(2.0 * np.exp(-2.0), rel=0.01)
