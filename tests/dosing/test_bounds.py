"""Bounds over cells hold for random dispositions, doses and cells, and their gap closes quickly."""

import numpy as np
import pytest

from jaxsim.dosing import Dose, OneCompartment, TwoCompartment, concentration
from jaxsim.dosing.superposition import dose_response, passed, superpose
from jaxsim.dosing.timeline import curve_bounds


def random_disposition(generator):
    rates = 10.0 ** generator.uniform(-3, 2, size=5)
    if generator.random() < 0.5:
        return OneCompartment(rates[0], rates[1], absorption_rate=rates[2] if generator.random() < 0.7 else None)
    return TwoCompartment(*rates[:4], absorption_rate=rates[4] if generator.random() < 0.7 else None)


@pytest.mark.parametrize("seed", range(40))
def test_bounds_hold_for_random_curves(seed):
    generator = np.random.default_rng(seed)
    disposition = random_disposition(generator)
    duration = 10.0 ** generator.uniform(-3, 1) if generator.random() < 0.5 else 0.0
    dose = Dose(generator.uniform(0, 10, 4), at=np.sort(generator.uniform(0, 10, 4)), duration=duration)
    start = generator.uniform(10, 15)
    edges = np.array([start, start + 10.0 ** generator.uniform(-3, 2)])
    given = dose_response(np, disposition, [dose], "drug")
    later = given.stop[given.stop > start]
    edges[1] = min([edges[1], *later])  # no dose edge inside the cell
    base, amplitude = superpose(np, given, edges[:1], *passed(given, edges[:1]))
    lower, upper = curve_bounds(np, base, amplitude, given.rates, np.diff(edges))
    curve = concentration(disposition, dose, np.linspace(*edges, 5001))
    scale = np.abs(base) + np.abs(amplitude).sum()
    assert np.all(curve <= upper) and np.all(curve >= lower - 1e-12 * scale)
    assert np.all(lower >= 0)


def test_the_gap_to_the_extremum_closes_with_the_square_of_the_width():
    base, rate = np.zeros(1), np.array([1.0, 3.0])
    peak = np.log(3.0) / 2.0
    gaps = []
    for width in (0.4, 0.1):
        start = peak - 0.3 * width
        amplitude = np.array([[1.0, -1.0]]) * np.exp(-rate * start)
        _, upper = curve_bounds(np, base, amplitude, rate, np.array([width]))
        gaps.append(float(upper[0]) - (np.exp(-peak) - np.exp(-3.0 * peak)))
    assert 0 < gaps[1] < gaps[0] < 4e-4
    inflation = 1e-6 * 2.0
    assert gaps[1] - inflation < (gaps[0] - inflation) / 8


def test_a_curve_that_only_falls_is_bounded_by_its_ends():
    lower, upper = curve_bounds(np, np.zeros(1), np.array([[2.0]]), np.array([5.0]), np.array([1.0]))
    assert float(upper[0]) == pytest.approx(2.0, rel=2e-6)
    assert float(lower[0]) == pytest.approx(2.0 * np.exp(-5.0), abs=5e-6)


def test_a_bound_that_forgets_the_peak_is_caught():
    """Negative control: the larger of the two ends is no bound for a curve that rises and falls."""
    ends = np.exp(-np.array([0.0, 3.0])) - np.exp(-3.0 * np.array([0.0, 3.0]))
    curve = concentration(OneCompartment(1.0, 1.5, absorption_rate=3.0), Dose(1.0), np.linspace(0, 3, 301))
    assert np.any(curve > ends.max())
