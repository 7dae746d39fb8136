"""The study around the cell model: arms, shared programs, intervals, refusals."""

import math

import numpy as np
import pytest

from jaxsim.errors import JaxsimError, ScheduleError, SimulationError
from jaxsim.models import CellArm, cell_arms, cell_study, interval_arms
from jaxsim.models.cell.study import cell_schedules
from jaxsim.models.parameters import wilson


def test_arms_share_one_compiled_program(study):
    assert study.attrs["traces"] == 1


def test_schedules_of_all_arms_have_one_shape():
    arms = (*cell_arms(), *interval_arms(120, 50, [8, math.inf]))
    schedules = cell_schedules(arms, 24.0)
    given = [schedule["caspase1_inhibitor"][0] for schedule in schedules]
    assert {tuple(dose.at) for dose in given} == {(0.0, 6.0, 8.0, 12.0, 16.0, 18.0)}
    assert [np.flatnonzero(dose.amount).tolist() for dose in given] == [[], [], [0, 1, 3, 5], [0, 2, 4], [0]]


def test_arms_are_given_to_the_same_cells(study):
    start = study["mean"].isel(time=0)
    assert np.all(start.values == start.isel(arm=0).values)


def test_concentrations_are_part_of_the_result(study):
    assert float(study["gemcitabine"].isel(arm=0).max()) == 0.0
    assert float(study["gemcitabine"].isel(arm=1).max()) > 0.0
    assert float(study["caspase1_inhibitor"].isel(arm=2, time=-1)) > 0.0
    assert study["gemcitabine"].attrs["units"] == "uM"


def test_limits_enclose_the_estimates(study):
    for name, stem in (("fate_fraction", "fate"), ("divided", "divided"), ("release", "release")):
        assert np.all(study[f"{stem}_low"].values <= study[name].values)
        assert np.all(study[name].values <= study[f"{stem}_high"].values)


def test_wilson_limits_solve_the_score_equation():
    """At each limit p of k out of n, (k/n - p)^2 = z^2 p (1-p)/n (Wilson 1927)."""
    n, z = 50, 1.959963984540054
    fraction = np.arange(1, 50) / n
    for limit in wilson(fraction, n):
        np.testing.assert_allclose((fraction - limit) ** 2, z**2 * limit * (1 - limit) / n, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: CellArm("a", dose=-1), ScheduleError, "arm 'a' is given -1 mg/kg of gemcitabine; give 0 or more"),
        (lambda: CellArm("a", inhibitor=math.nan), ScheduleError, "arm 'a' is given nan mg/kg of caspase-1 inhibitor"),
        (lambda: CellArm("a", interval=0), ScheduleError, "arm 'a' has an interval of 0 h"),
        (
            lambda: cell_study([CellArm("a", 1, at=(50.0,))], hours=48),
            ScheduleError,
            "50 h is not before the end at 48 h",
        ),
        (lambda: cell_study([CellArm("a", 1, at=(5.0, 2.0))], hours=48), ScheduleError, "ascending hours"),
        (lambda: CellArm("a", 1, at=()), ScheduleError, "ascending hours from 0 on"),
        (lambda: cell_study([]), SimulationError, "the study has no arms"),
        (lambda: cell_study([CellArm("a"), CellArm("a")]), SimulationError, "two arms are called 'a'"),
        (lambda: cell_study(hours=0), SimulationError, "lasts 0 h"),
        (lambda: cell_study(every=100), SimulationError, "every 100 h of 96 h"),
        (lambda: cell_study(cells=0), SimulationError, "trajectories is 0"),
    ],
)
def test_requests_that_make_no_sense_are_refused_in_one_sentence(call, error, message):
    with pytest.raises(JaxsimError, match=message) as caught:
        call()
    assert caught.type is error
    assert "\n" not in str(caught.value)
