"""Schedules: construction, repr, structure as pytrees, and refusals that name the agent."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsim.dosing import Dose, Schedule, Set, every
from jaxsim.errors import ScheduleError


class Unknown:
    """Stands in for an unknown of an optimisation."""

    def __init__(self, initial):
        self.initial = initial

    def __repr__(self):
        return f"Unknown({self.initial})"


def test_repr_reads_as_it_was_written():
    plan = Schedule(
        gemcitabine=Dose(120, "mg/kg", at=[0, 168, 336]),
        tumour=[Set(0, at=5), Dose([1, 2], at=[1, 2], time_unit="d")],
        antibody=Dose(10.5, "mg", at=3, duration=0.5),
    )
    assert repr(plan) == (
        "Schedule(\n"
        "    gemcitabine=Dose(120, 'mg/kg', at=[0, 168, 336]),\n"
        "    tumour=[Set(0, at=[5]), Dose([1, 2], at=[1, 2], time_unit='d')],\n"
        "    antibody=Dose(10.5, 'mg', at=[3], duration=0.5),\n"
        ")"
    )
    assert repr(eval(repr(plan))) == repr(plan)  # noqa: S307 - our own text
    assert repr(Schedule()) == "Schedule()"
    assert list(plan) == ["gemcitabine", "tumour", "antibody"] and len(plan) == 3
    assert repr(pickle.loads(pickle.dumps(plan))) == repr(plan)


def test_structure_is_static_and_numbers_are_leaves():
    first = Schedule(drug=Dose(1.0, "mg", at=[0, 1]), A=Set(3, at=2))
    second = Schedule(drug=Dose(9.0, "mg", at=[3, 7]), A=Set(0, at=5))
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert hash(jax.tree.structure(first)) == hash(jax.tree.structure(second))
    assert jax.tree.structure(first) != jax.tree.structure(Schedule(drug=Dose(1.0, "g", at=[0, 1]), A=Set(3, at=2)))
    infused = Schedule(drug=Dose(1.0, "mg", at=[0, 1], duration=1.0), A=Set(3, at=2))
    assert jax.tree.structure(first) != jax.tree.structure(infused)
    assert [np.shape(leaf) for leaf in jax.tree.leaves(first)] == [(), (2,), (), (1,)]
    doubled = jax.tree.map(lambda x: 2 * x, first)
    assert repr(doubled["drug"][0]) == "Dose(2, 'mg', at=[0, 2])"
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(first)[0]]
    assert paths[0] == ".entries[0][0].amount"


def test_transformations_rebuild_without_validation():
    plan = Schedule(drug=Dose(1.0, at=[3.0, 4.0]))
    batch = jax.vmap(lambda shift: jax.tree.map(lambda x: x + shift, plan))(jnp.arange(3.0))
    assert batch["drug"][0].at.shape == (3, 2)
    assert jax.tree.map(lambda x: None, plan) is not None
    shown = []
    jax.eval_shape(lambda traced: shown.append(repr(traced)), plan)
    assert shown == ["Schedule(\n    drug=Dose(<traced>, at=<traced>),\n)"]


def test_every_gives_equal_intervals():
    assert every(168, 3).tolist() == [0.0, 168.0, 336.0]
    assert every(0.5, 2, start=1).tolist() == [1.0, 1.5]
    assert jax.grad(lambda step: every(step, 4)[3])(2.0) == 3.0
    assert Dose(1, at=range(3)).at.tolist() == [0.0, 1.0, 2.0]


def test_an_unknown_stands_for_its_initial_value():
    plan = Schedule(drug=Dose(1.0, at=Unknown([1.0, 5.0])))
    assert plan["drug"][0].starts(np).tolist() == [1.0, 5.0]
    assert "at=Unknown([1.0, 5.0])" in repr(plan)
    with pytest.raises(ScheduleError, match="the times of 'drug' are not ascending at 5, 1; sort them"):
        Schedule(drug=Dose(1.0, at=Unknown([5.0, 1.0])))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Dose(-1), "a dose has the amount -1; give finite amounts that are not negative"),
        (lambda: Dose([1, np.nan], at=[0, 1]), "a dose has the amount nan"),
        (lambda: Dose(1, duration=-2.0), "a dose has the duration -2"),
        (lambda: Dose(1, "parsec"), "unknown unit 'parsec'"),
    ],
)
def test_a_dose_that_makes_no_sense_is_refused_when_it_is_made(make, sentence):
    with pytest.raises(ScheduleError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Dose(1, at=[2, 1]), "the times of 'drug' are not ascending at 2, 1; sort them"),
        (lambda: Dose(1, at=[0, np.inf]), "'drug' has the time inf"),
        (lambda: Dose([1, 2, 3], at=[0, 1]), r"'drug' has 2 times but amounts of shape \(3,\)"),
        (lambda: Dose(1, at=[]), "'drug' has no times"),
        (lambda: Set(1, at=[2, 2]), "'drug' is set twice at time 2; set it once"),
        (lambda: Set(-1, at=2), "'drug' has the amount -1"),
        (lambda: 3.0, "'drug' is given 3.0; give it a Dose, a Set or a list of these"),
        (lambda: [Dose(1), None], "'drug' is given None"),
    ],
)
def test_refusals_name_the_agent(make, sentence):
    with pytest.raises(ScheduleError, match=sentence):
        Schedule(drug=make())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Dose("much"), "amount of a dose must be a number or a list of numbers, not 'much'"),
        (lambda: Dose(1, at=[[1], [2, 3]]), "at of a dose must be a number"),
        (lambda: Dose(1, at=[[1, 2]]), r"flat list, not an array of shape \(1, 2\)"),
        (lambda: Dose(1, time_unit="weeks"), "unknown time unit 'weeks'"),
        (lambda: Set(None), "value of a setting must be a number"),
    ],
)
def test_what_is_no_number_is_refused_at_once(make, sentence):
    with pytest.raises(ScheduleError, match=sentence):
        make()
