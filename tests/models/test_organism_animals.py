"""Virtual animals are those that the simulator draws, and a study names what it cannot run."""

import math

import numpy as np
import pytest

import jaxsim as js
from jaxsim.errors import JaxsimError
from jaxsim.models import OrganismArm, organism, organism_study, standard_regimen, virtual_animals
from jaxsim.models.organism.scenarios import organism_schedules, scenarios
from jaxsim.models.organism.study import outcomes


def test_virtual_animals_are_those_of_the_ensemble():
    """Mean and variance over the trajectories of observables that are sampled parameters, to rounding."""
    network = js.Network(
        {"X": 0},
        ["-> X @ 0.1*(a + b)"],
        parameters={"a": js.Lognormal(2.0, 0.5), "fixed": 1.0, "b": js.Lognormal(3.0, 0.2)},
        observables={"first": "a", "second": "b"},
    )
    animals = virtual_animals(network, 7, seed=5)
    out = js.simulate(network, times=[1.0], trajectories=7, seed=5)
    for name, observable in (("a", "first"), ("b", "second")):
        one = out.sel(observable=observable).isel(time=0)
        assert float(one["observable_mean"]) == pytest.approx(animals[name].mean(), rel=1e-6)
        assert float(one["observable_variance"]) == pytest.approx(animals[name].var(ddof=1), rel=1e-4)


def test_more_animals_leave_the_first_as_they_are():
    network = organism(virtual=True)
    few, many = (virtual_animals(network, number, seed=3) for number in (3, 8))
    for name, values in few.items():
        np.testing.assert_allclose(many[name][:3], values, rtol=1e-6)  # XLA rounds vectors of other lengths otherwise


def test_time_below_half_is_that_of_the_piecewise_linear_course():
    course = {"neutrophils_relative": np.array([[1.0, 0.25, 0.25, 1.0], [1.0, 0.5, 0.6, 1.0], [0.4, 0.4, 0.4, 0.4]])}
    below = outcomes(course, np.array([0.0, 24.0, 48.0, 96.0]))["days_below_half"][0]
    np.testing.assert_allclose(below, [1 / 3 + 1 + 2 / 3, 0.0, 4.0], atol=1e-12)


def test_schedules_of_all_scenarios_have_one_shape():
    for animal in ("mouse", "human"):
        plans = organism_schedules(scenarios(), standard_regimen(animal), 400.0)
        shapes = {tuple((name, tuple(plan[name][0].starts(np))) for name in plan) for plan in plans}
        assert len(shapes) == 1
        given = {arm.name: [name for name in plan if plan[name][0].amounts(np).any()] for arm, plan in zip(
            scenarios(), plans, strict=True)}  # fmt: skip
        assert given["vehicle"] == []
        assert given["antibody"] == ["anti_il1a"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: organism_study([]), "the study has no arms"),
        (lambda: organism_study([OrganismArm("a"), OrganismArm("a")]), "two arms are called 'a'"),
        (lambda: organism_study(animals=0), "the study has 0 animals"),
        (lambda: organism_study(days=math.nan), "the study lasts nan days"),
        (lambda: organism_study(every=1e4), "states would be saved every 10000 h"),
        (lambda: organism_study([OrganismArm("a", ("gemcitabin",))]), "'gemcitabin'.*did you mean 'gemcitabine'"),
    ],
)
def test_studies_that_make_no_sense_are_refused_in_one_sentence(call, message):
    with pytest.raises(JaxsimError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
