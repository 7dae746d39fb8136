"""Leaps driven by scrambled Sobol points: the same mean, a smaller error where few numbers decide."""

import numpy as np
import pytest

import jaxsim as js
from jaxsim.estimation.quasi_monte_carlo import REPLICATES, PointSets, coordinates


@pytest.fixture(scope="module")
def varied():
    """Decay at a rate that differs from trajectory to trajectory; E exp(-d t) over the uniform law is known."""
    return js.Network({"X": 100_000}, ["X -> , d"], {"d": js.Uniform(0.5, 1.5)})


@pytest.fixture(scope="module")
def ladder(varied, ladder_of):
    return ladder_of(varied, "X", 1.0)


def test_points_have_the_mean_of_independent_trajectories_and_a_smaller_error(ladder, level_of):
    plain = level_of(ladder, "path", 0, 16_384)
    points = PointSets(ladder, 1)
    points.run(16_384)
    assert points.sums.number == 16_384
    assert points.freedom == REPLICATES - 1
    assert points.variance < 0.02 * plain.variance
    error = np.sqrt((plain.variance + points.variance) / 16_384)
    assert abs(points.mean - plain.mean) < 4 * error  # 6e-5
    assert points.sums.finer_variance == pytest.approx(plain.sums.finer_variance, rel=0.05)


def test_more_points_continue_the_sequence(ladder):
    at_once, later = PointSets(ladder, 1), PointSets(ladder, 1)
    at_once.run(4096)
    later.run(2048)
    later.run(4096)
    assert later.mean == pytest.approx(at_once.mean, rel=1e-12)
    assert later.variance == pytest.approx(at_once.variance, rel=1e-6)


@pytest.mark.parametrize(("first", "number"), [(0, 64), (0, 256), (192, 192), (8000, 512), (20_000, 192)])
def test_pieces_are_those_of_one_sequence(first, number):
    from scipy.stats import qmc

    whole = qmc.Sobol(7, scramble=True, bits=32, rng=np.random.default_rng([3, 2])).random(1 << 15)
    words = (whole * 2.0**32).astype(np.uint32).T
    assert np.array_equal(coordinates(3, 2, 7, first, number), words[:, first : first + number])
    assert not np.array_equal(coordinates(3, 1, 7, first, number), words[:, first : first + number])


@pytest.mark.slow
def test_estimates_take_points_where_they_pay_and_cover_the_closed_form(varied):
    truth = 100_000 * (np.exp(-0.5) - np.exp(-1.5))
    found = [js.estimate(varied, "X", at=1.0, relative_error=2e-3, seed=seed) for seed in range(12)]
    assert all(one.levels[0].name == "leaps, Sobol points" for one in found)
    assert sum(one.low <= truth <= one.high for one in found) >= 9  # fewer have a chance of 2e-3 at 95 %
