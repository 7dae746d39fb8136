"""What a notebook shows: parts of a network by name, tables of objects, and the figure of a result."""

import numpy as np
import pytest
import xarray

import jaxsim as js

TIMES = np.linspace(0.0, 4.0, 9)


def decay(unit="1/h", **more):
    return js.Network({"X": 30, "Y": 0}, ["X -> Y, d"], {"d": js.Parameter(1.0, unit, "<b>loss</b>")}, **more)


@pytest.fixture(scope="module")
def full():
    return js.simulate(
        decay(), times=TIMES, trajectories=64, histograms={"X": (0, 1000)}, quantiles=(0.1, 0.9),
        passages={"gone": "X == 0"}, keep="trajectories",
    )  # fmt: skip


def test_the_parts_of_a_network_are_reached_by_name():
    net = decay(observables={"twice": "2*X"}, events=[js.Event("X < 3", {"X": "0"})])
    assert net.species["X"] == 30 and list(net.species) == ["X", "Y"]
    assert [str(reaction) for reaction in net.reactions] == ["X -> Y @ d*X"]
    assert dict(net.observables) == {"twice": "2*X"} and len(net.events) == 1
    with pytest.raises(AttributeError, match="immutable"):
        net.species = {}


def test_tables_escape_every_text_and_take_the_colours_of_the_notebook():
    shown = decay(name="<script>")._repr_html_()
    assert "<script>" not in shown and "<b>" not in shown and "&lt;b&gt;loss" in shown
    assert "color:inherit" in shown and "#" not in shown.replace("&#x27;", "")
    assert "and 5 more" in js.Network({f"S{i}": 0 for i in range(25)}, ["-> S0, 1"])._repr_html_()
    plan = js.Schedule(X=[js.Dose(3, at=1.0), js.Set(2, at=2.0)])._repr_html_()
    assert plan.count("<tr>") == 3 and "Set(2" in plan and "without doses" in js.Schedule()._repr_html_()


def test_results_with_evidence_have_tables():
    net = js.Network({"X": 20}, ["-> X, k", "X -> , 1"], {"k": 20.0})
    check = js.check_gradient(
        net, js.mean("X", at=1.0), free=["k"], method="leap_score", trajectories=200, step=0.1, seed=1
    )
    for found in (check, check.found):
        assert "<td" in found._repr_html_() and "k" in found._repr_html_()
    assert str(check).splitlines()[-1] == check.sentence
    estimate = js.estimate(net, "X", at=1.0, relative_error=0.1)
    assert estimate._repr_html_().count("<tr>") == 1 + len(estimate.levels)
    assert repr(estimate).splitlines()[0] in estimate._repr_html_()


def test_completion_offers_public_names_alone():
    assert js.simulate  # loaded names are still offered
    assert [name for name in dir(js) if not name.startswith("__")] == sorted(set(js.__all__) - {"__version__"})


@pytest.mark.parametrize("method", ["direct", "mean_field", "langevin"])
def test_time_has_the_unit_of_the_rates(method):
    found = js.simulate(decay(), times=TIMES, trajectories=4, method=method)
    assert found["time"].attrs["units"] == "h"
    assert js.plot(found).axes[0].get_xlabel() == "time (h)"


def test_time_has_no_unit_where_rates_name_none_or_several():
    several = decay().with_parameters(d=2.0)
    assert several.time_unit == "h" and decay(unit="").time_unit == "" and decay(unit="1/day").time_unit == "d"
    two = {"a": js.Parameter(1.0, "1/h"), "b": js.Parameter(1.0, "1/d")}
    assert js.Network({"X": 1}, ["X -> , a", "X -> , b"], two).time_unit == ""


def test_a_result_is_drawn_with_all_it_holds(full):
    courses, histogram, survival = js.plot(full).axes
    assert "64 trajectories" in courses.get_title(loc="left") and len(courses.lines) == 2 * 51
    assert histogram.get_xlabel() == "count of X" and survival.get_ylabel() == "not yet gone (%)"
    assert histogram.get_xlim()[1] > 900 and courses.get_xlim() == (0.0, 4.0)
    banded = js.plot(full.drop_vars("trajectories"), species="Y").axes[0]
    assert banded.get_title(loc="left") == "mean; band: quantiles 0.1 to 0.9" and len(banded.lines) == 1


def test_a_batch_is_drawn_by_design_point():
    found = js.simulate(decay(), times=TIMES, trajectories=16, parameters={"d": np.array([0.5, 1.0])})
    panels = js.plot(found).axes
    assert [panel.get_ylabel() for panel in panels] == ["count of X", "count of Y"]
    assert [text.get_text() for text in panels[0].get_legend().get_texts()] == ["d = 0.5", "d = 1"]


def test_one_save_time_draws_its_histogram_and_no_curve():
    (panel,) = js.plot(js.simulate(decay(), times=[1.0], trajectories=16, histograms={"X": (0, 40)})).axes
    assert panel.get_ylabel() == "trajectories (%)"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([1, 2], "not a list"),
        (xarray.Dataset(), "that js.simulate has returned"),
        ({"species": "Xx"}, "no species 'Xx'; did you mean 'X'"),
        ({"species": []}, "given no species"),
        ({}, "nothing in this result can be drawn"),
    ],
)
def test_what_cannot_be_drawn_is_refused(full, given, sentence):
    if isinstance(given, dict):
        bare = full.drop_vars(["histogram_X", "survival", "trajectories"])
        given, options = (bare if given else bare.isel(time=[0])), given
    else:
        options = {}
    with pytest.raises(js.SimulationError, match=sentence):
        js.plot(given, **options)
