"""Limits: what is aimed at, how ends are judged, and the way back to one that keeps them, without simulating."""

import numpy as np
import pytest

from jaxsim.optimise.limits import SPARE, aim, approach, approach_cost, final_errors, judge_limits, new_penalty, retreat
from jaxsim.optimise.search import Search
from jaxsim.optimise.trial import BOUND, Trial

FINAL, EACH = 4000, 0.5  # trajectories of the final trial, and the standard deviation of one


class Limits:
    limits, most, sign = ("one",), np.array([1.0]), 1.0


class Line(Search):
    """A search whose end z costs -z and uses z of its limit, which is 1; trials are noiseless and say their errors."""

    def __init__(self):
        self.criterion, self.final = Limits(), FINAL
        self.seen = 0

    def compared(self, ends, trajectories):
        self.seen += len(ends) * trajectories
        mean = np.array([[-z[0], z[0]] for z in ends])
        spread = np.eye(2 * len(ends)) * EACH**2 / trajectories
        names = tuple(str(i) for i in range(len(ends)))
        return Trial(names, mean, spread.reshape(len(ends), 2, len(ends), 2), trajectories)


PENALTY = new_penalty(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([1.0]), 1.0)
ERROR = EACH / np.sqrt(FINAL)
MOST = 1.0 - (BOUND + SPARE) * ERROR  # of z, so that the final trial finds the limit kept


def ends(*numbers):
    return [np.array([z]) for z in numbers]


def test_the_margin_is_that_of_the_final_trial_whatever_the_size_of_the_one_that_says_so():
    for size in (100, 4000):
        errors = final_errors(Line(), Line().compared(ends(0.3), size))
        assert errors[0] == pytest.approx([ERROR, ERROR])
    assert aim(Line(), errors[0]) == pytest.approx([MOST])


def test_an_end_on_the_limit_is_not_kept_and_one_that_keeps_the_margin_is():
    found = judge_limits(Line(), PENALTY, ends(1.0, MOST + 1e-3, MOST - 1e-3, 0.2))
    assert (found.excess > 0.0).tolist() == [True, True, False, False]
    assert found.best == 2  # the largest z, that is the smallest objective, among those kept
    assert judge_limits(Line(), PENALTY, ends(1.5, 1.2)).best == 1  # none is kept: the nearest


def test_two_trials_agree_in_95_of_100():
    draw = np.random.default_rng(1)
    truth = MOST + ERROR * draw.normal(size=20_000)  # of ends that the first trial sees right at the margin
    upper = truth + ERROR * draw.normal(size=truth.size) + BOUND * ERROR
    assert np.mean(upper <= 1.0) == pytest.approx(0.95, abs=0.005)
    assert np.mean(upper + SPARE * ERROR <= 1.0) < 0.6  # without the spare errors the final trial often disagrees


def test_the_way_back_is_on_the_line_to_the_best_end_that_is_kept():
    found = retreat(Line(), PENALTY, np.array([2.0]), ends(0.1, 0.4, 1.8))
    assert found[0] == pytest.approx([0.4])
    assert found[1][0] <= MOST < found[1][0] + (2.0 - 0.4) / 9
    assert retreat(Line(), PENALTY, np.array([2.0]), ends(1.4, 1.8)) == []


def test_up_to_the_limit_from_well_inside():
    """The best point on the way is where the limit is reached; an end that keeps the limit may win."""
    search = Line()
    found = approach(search, PENALTY, np.array([0.2]), ends(0.1, 1.8, 1.7))
    assert search.seen == approach_cost(search, 3)
    assert found[0] == pytest.approx(MOST, rel=1e-9)
    assert approach(Line(), PENALTY, np.array([0.2]), ends(0.1, 0.6)) == pytest.approx([0.6])
    assert approach(Line(), PENALTY, np.array([0.2]), ends(0.1, 0.15)) == pytest.approx([0.2])
    assert approach(Line(), PENALTY, np.array([1.4]), ends(1.8)) == pytest.approx([1.4])  # not kept: no way from here
