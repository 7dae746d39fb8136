"""Bad input is refused at once, in one sentence that names it."""

import subprocess
import sys
import time
import warnings

import jax
import numpy as np
import pytest

import jaxsim as js


def simple(**parameters):
    return js.Network({"X": 10}, ["X -> , d", "-> X, k"], {"d": 1.0, "k": 2.0, **parameters})


def simulate(network=None, **options):
    return js.simulate(network or simple(), **{"times": [1.0], "trajectories": 10, "progress": False, **options})


DRUG = js.OneCompartment(elimination_rate=0.5, volume=2.0)

REFUSED = {
    "another arrow": (lambda: js.Network({"S": 1, "I": 1}, ["S => I, k"], {"k": 1.0}), "'=>'; write '->'"),
    "an arrow of two ways": (lambda: js.Network({"S": 1, "I": 1}, ["S ⇌ I, k, k"], {"k": 1.0}), "'⇌'; write '<->'"),
    "the empty set": (lambda: js.Network({"S": 1}, ["S -> ∅, k"], {"k": 1.0}), "'∅'; leave an empty side blank"),
    "one equals sign": (lambda: simulate(passages={"gone": "X = 0"}), "'='; write '==' to compare"),
    "method by another name": (lambda: simulate(method="SSA"), "'SSA'; it is called 'direct' here"),
    "rate equations by another name": (lambda: simulate(method="ODE"), "it is called 'mean_field' here"),
    "times as text": (lambda: simulate(times="10"), "times '10' are not numbers"),
    "inside jax.jit": (lambda: jax.jit(lambda k: simulate(simple(k=k)))(2.0), "js.gradient"),
    "negative amount": (lambda: js.Dose(-10), "amount -10"),
    "unit that does not exist": (lambda: js.Dose(1, "parsec"), "unknown unit 'parsec'"),
    "unknown name in a rate": (lambda: js.Network({"S": 1}, ["S -> @ bta*S"], {"beta": 1.0}), "bta.*beta"),
    "parameter not finite": (lambda: simple(k=float("nan")), "'k'"),
    "parameter replaced by infinity": (lambda: simulate(parameters={"k": np.inf}), "'k'"),
    "unknown parameter": (lambda: simulate(parameters={"kk": 1.0}), "'kk'.*'k'"),
    "times out of order": (lambda: simulate(times=[2.0, 1.0]), "times.*2.*1"),
    "times repeated": (lambda: simulate(times=[1.0, 1.0]), "times"),
    "times not finite": (lambda: simulate(times=[1.0, np.inf]), "times"),
    "times missing": (lambda: simulate(times=[]), "times are empty"),
    "times before the start": (lambda: simulate(times=[-1.0]), "before the start"),
    "no trajectories": (lambda: simulate(trajectories=0), "trajectories is 0"),
    "half a trajectory": (lambda: simulate(trajectories=1.5), "trajectories is 1.5"),
    "negative seed": (lambda: simulate(seed=-1), "seed"),
    "unknown method": (lambda: simulate(method="dirct"), "dirct.*direct"),
    "misspelt method": (lambda: simulate(method="tau_lep"), "tau_lep.*'tau_leap'"),
    "step of an exact method": (lambda: simulate(step=0.1), "step=.*tau_leap"),
    "tolerance of an exact method": (lambda: simulate(tolerance=0.1), "tolerance=.*tau_leap"),
    "tolerance above one": (lambda: simulate(method="tau_leap", tolerance=3), "tolerance is 3"),
    "no step at all": (lambda: simulate(method="tau_leap", step=0.0), "step is 0.0"),
    "tolerance and step": (lambda: simulate(method="tau_leap", step=1.0, tolerance=0.1), "one of them"),
    "unknown keep": (lambda: simulate(keep="all"), "keep='all'"),
    "zero chunk": (lambda: simulate(chunk=0), "chunk"),
    "dose before the start": (lambda: simulate(schedule=js.Schedule(X=js.Dose(5, at=-1.0))), "before the start"),
    "dose of nobody": (lambda: simulate(schedule=js.Schedule(Y=js.Dose(5, at=1.0))), "'Y'"),
    "fraction of a molecule": (lambda: simulate(schedule=js.Schedule(X=js.Dose(0.5, at=1.0))), "X"),
    "schedule of another type": (lambda: simulate(schedule={"X": 5}), "Schedule"),
    "rate negative at the start": (lambda: simulate(js.Network({"X": 1}, ["-> X @ 2*X - 5"])), "negative"),
    "rate infinite at the start": (lambda: simulate(js.Network({"X": 0}, ["-> X @ 1/X"])), "not finite"),
    "rate without a bound": (lambda: simulate(js.Network({"X": 0}, ["-> X @ 1/abs(t - 0.5)"])), "no bound"),
    "rate with a pole": (lambda: simulate(js.Network({"X": 0}, ["-> X @ abs(tan(4*t))"])), "no bound"),
    "no reactions": (lambda: simulate(js.Network({"X": 0}, [])), "no reactions"),
    "batches of two lengths": (lambda: simulate(parameters={"k": [1.0, 2.0], "d": [1.0, 2.0, 3.0]}), "lengths"),
    "histogram of nobody": (lambda: simulate(histograms={"Y": 10}), "'Y'"),
    "histogram without bins": (lambda: simulate(histograms={"X": (5, 5)}), "bins"),
    "quantile above one": (lambda: simulate(quantiles=[1.5]), "quantile"),
    "passage of nobody": (lambda: simulate(passages={"gone": "Z == 0"}), "'Z'"),
    "no network": (lambda: js.simulate("X", times=[1.0]), "Network"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_at_once_in_one_sentence(what):
    act, pattern = REFUSED[what]
    began = time.process_time()  # a busy machine is no long computation
    with pytest.raises(js.JaxsimError, match=pattern) as raised:
        act()
    assert time.process_time() - began < 5
    message = str(raised.value)
    assert "\n" not in message
    assert 15 < len(message) < 400


def status_of(network, pattern, **options):
    with pytest.warns(js.SimulationWarning, match=pattern):
        out = simulate(network, **{"times": [0.01, 50.0], "trajectories": 200, **options})
    counts = {str(k): int(v) for k, v in zip(out["ending"].values, out["status"].values, strict=True) if v}
    assert sum(counts.values()) == 200
    assert np.isnan(out["mean"].values[-1]).all()
    assert np.isnan(out["variance"].values[-1]).all()
    assert out["reached"].values[-1] < 200
    return counts


def test_negative_rate_at_run_time_is_a_status():
    network = js.Network({"X": 0}, ["-> X @ 10 - X"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(network)  # never below zero: X stops at 10
    counts = status_of(js.Network({"X": 0}, ["-> X @ 10.5 - X"]), "negative rate")
    assert set(counts) == {"negative rate"}


def test_rate_that_blows_up_at_run_time_is_a_status():
    counts = status_of(js.Network({"X": 9}, ["X -> @ 1 + 1/X"]), "infinite or not a number")
    assert set(counts) == {"rate not finite"}


def test_reaction_without_its_reactants_is_a_status():
    counts = status_of(js.Network({"X": 5}, ["X -> @ 3"]), "below zero")
    assert "negative count" in counts


def test_step_cap_is_a_status_and_never_a_plausible_number():
    counts = status_of(js.Network({"X": 0}, ["-> X, 10"]), "200 of 200.*limit of events", max_events=20)
    assert counts == {"step limit": 200}


def test_extinction_is_a_fine_ending():
    out = simulate(js.Network({"X": 3}, ["X -> , 5"]), times=[50.0], trajectories=100)
    assert int(out["status"].sel(ending="absorbed")) == 100
    assert out["mean"].values.tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: simulate(n_trajectories=5), r"simulate\(\) .*'n_trajectories'; did you mean 'trajectories'"),
        (lambda: js.Network(specie={"S": 1}, reactions=[]), r"Network\(\) .*did you mean 'species'"),
        (lambda: js.mean_field(simple(), tmes=[1.0]), r"mean_field\(\) .*did you mean 'times'"),
    ],
)
def test_misspelt_keyword_is_told_the_nearest(call, sentence):
    with pytest.raises(TypeError, match=sentence):
        call()


WRONG_TYPES = """
import jaxsim as js
net = js.Network({"X": 1}, ["X -> , k"], {"k": 1.0})
for call in (
    lambda: js.Network(["S", "I"], ["S -> I, k"], {"k": 1.0}),
    lambda: js.Network({"S": 1}, ["S -> , k"], ["k"]),
    lambda: js.simulate(net, times=[1.0], devices=2),
):
    try:
        call()
    except js.JaxsimError as error:
        print(error)
"""


def test_wrong_types_are_refused_without_type_checks():
    """In a process of its own, since the tests check the types of arguments before the package does."""
    said = subprocess.run([sys.executable, "-c", WRONG_TYPES], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [
        "species are a list; give a dictionary of values, as in species={'S': 990}",
        "parameters are a list; give a dictionary of values, as in parameters={'k': 0.1}",
        "devices is 2; give a list of JAX devices, such as jax.local_devices()[:2]",
    ]


def test_whole_floats_single_quantiles_and_drawn_seeds_are_taken():
    out = simulate(trajectories=1e2, quantiles=0.5, seed=None)
    assert out.attrs["trajectories"] == 100 and out["quantile"].size == 1
    again = simulate(trajectories=100, quantiles=[0.5], seed=out.attrs["seed"])
    np.testing.assert_array_equal(out["mean"], again["mean"])
    assert simulate(seed=None).attrs["seed"] != out.attrs["seed"]


DOSED = js.Network({"X": 10}, ["X -> @ m*drug*X"], {"m": 0.1}, inputs={"drug": DRUG})


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: simulate(simple(spare=1.0)), "reads the parameter 'spare'"),
        (lambda: simulate(DOSED), "'drug' stays at its baseline"),
        (lambda: simulate(DOSED, schedule=js.Schedule(drug=js.Dose(1, at=100))), "'drug' at 100 h comes after the end"),
    ],
)
def test_what_changes_nothing_is_said(call, sentence):
    with pytest.warns(js.NoEffectWarning, match=sentence):
        call()


def test_what_matters_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(DOSED, schedule=js.Schedule(drug=js.Dose(1, at=1.0)))
        simulate(DOSED, schedule=js.Schedule())
        simulate(simple(level=3.0), passages={"low": "X < level"})


def test_a_warning_points_at_the_line_that_called():
    net = js.Network({"X": 5}, ["X -> 2 X, 1"])
    with pytest.warns(js.SimulationWarning, match="stopped at the limit of events") as caught:
        js.simulate(net, times=[5.0], trajectories=20, seed=1, max_events=10, progress=False)
    assert caught[0].filename == __file__
