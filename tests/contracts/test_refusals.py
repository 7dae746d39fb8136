"""Bad input is refused at once, in one sentence that names it."""

import time
import warnings

import numpy as np
import pytest

import jaxsim as js


def simple(**parameters):
    return js.Network({"X": 10}, ["X -> , d", "-> X, k"], {"d": 1.0, "k": 2.0, **parameters})


def simulate(network=None, **options):
    return js.simulate(network or simple(), **{"times": [1.0], "trajectories": 10, "progress": False, **options})


DRUG = js.OneCompartment(elimination_rate=0.5, volume=2.0)

REFUSED = {
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
    began = time.perf_counter()
    with pytest.raises(js.JaxsimError, match=pattern) as raised:
        act()
    assert time.perf_counter() - began < 5
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
