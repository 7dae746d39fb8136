"""Method "auto" leaps where that pays and nowhere else, says why, and always chooses the same."""

import logging
from dataclasses import replace

import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble.automatic import choose_method
from jaxsim.ensemble.request import Request

# Of the benchmarks, with the time they run to.
BIRTH_DEATH = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 1000.0, "d": 1.0}), 20.0
SCHLOGL = (
    js.Network({"X": 250}, ["2 X -> 3 X, a", "3 X -> 2 X, b", "-> X, c", "X -> , d"],
               {"a": 0.015, "b": 1e-4 / 6, "c": 200.0, "d": 3.5}), 4.0,
)  # fmt: skip
LOTKA_VOLTERRA = js.Network({"A": 1000, "B": 1000}, ["A -> 2 A, 10", "A + B -> 2 B, .01", "B -> , 10"]), 5.0
GENE = (
    js.Network(
        {"G0": 1, "G1": 0, "G2": 0, "M": 0, "P": 0},
        ["G0 -> G1, .05", "G1 -> G0, .05", "G1 -> G2, .1", "G2 -> G1, .1", "G2 -> G2 + M, 2", "M -> , .1",
         "M -> M + P, 1", "P -> , .02"],
    ), 1000.0,
)  # fmt: skip
VILAR = (
    js.Network(
        {"Da": 1, "Dr": 1, "Ba": 0, "Br": 0, "Ma": 0, "Mr": 0, "A": 0, "R": 0, "C": 0},
        ["Da + A -> Ba, 1", "Dr + A -> Br, 1", "Ba -> Da + A, 50", "Br -> Dr + A, 100", "Da -> Da + Ma, 50",
         "Dr -> Dr + Mr, .01", "Ba -> Ba + Ma, 500", "Br -> Br + Mr, 50", "Ma -> Ma + A, 50", "Mr -> Mr + R, 5",
         "A + R -> C, 2", "C -> R, 1", "Ma -> , 10", "Mr -> , .5", "A -> , 1", "R -> , .2"],
    ), 200.0,
)  # fmt: skip
REPRESSILATOR = (
    js.Network(
        {"m1": 0, "p1": 500, "m2": 0, "p2": 0, "m3": 0, "p3": 0},
        [r for i, j in ((1, 3), (2, 1), (3, 2)) for r in (
            f"-> m{i} @ .0005 + 799.2/(1600 + p{j}*p{j})", f"m{i} -> , a", f"m{i} -> m{i} + p{i}, 20*a", f"p{i} -> , b",
        )],
        {"a": float(np.log(2) / 120), "b": float(np.log(2) / 600)},
    ), 10_000.0,
)  # fmt: skip


def dimerisation(size):
    return js.Network({"P": size, "D": 0}, ["2 P -> D, k", "D -> 2 P, u"], {"k": 0.1 / size, "u": 4e-3}), 50.0


def chosen(case, **options):
    network, end = case
    return choose_method([network], Request(times=[end], method="auto", **options), "cpu")


@pytest.mark.parametrize(
    ("case", "options"),
    [
        (BIRTH_DEATH, {}),
        (LOTKA_VOLTERRA, {}),
        (SCHLOGL, {}),
        (dimerisation(1_000_000), {}),
    ],
    ids=["birth-death", "Lotka-Volterra", "Schlogl", "dimerisation"],
)
def test_large_populations_are_leaped(case, options):
    choice = chosen(case, **options)
    assert choice.method == "trapezoidal_tau_leap"
    assert "events and costs as much as" in choice.reason


@pytest.mark.parametrize(
    ("case", "options"),
    [(GENE, {}), (VILAR, {}), (REPRESSILATOR, {}), (dimerisation(100), {}), (GENE, {"tolerance": 0.1})],
    ids=["gene", "Vilar", "repressilator", "dimerisation", "gene at 0.1"],
)
def test_where_leaping_does_not_pay_the_choice_is_exact_and_says_so(case, options):
    choice = chosen(case, **options)
    assert choice.method == "direct"
    assert "leaping does not pay" in choice.reason


def test_a_small_population_beside_a_large_one_asks_for_the_hybrid_method():
    network = js.Network(
        {"S": 1_000_000, "R": 5},
        ["S -> 2 S, .9", "S -> , 1", "R -> 2 R, .9", "R -> , 1"],
    )
    choice = chosen((network, 5.0))
    assert choice.method == "hybrid"
    assert "'R'" in choice.reason


def test_events_need_the_exact_method():
    network, end = BIRTH_DEATH
    reset = js.Network(
        network.initial, network.structure.reactions, network.parameters, events=[js.Event("X > 900", {"X": "0"})]
    )
    choice = chosen((reset, end))
    assert choice.method == "direct"
    assert "events" in choice.reason


def test_doses_and_inputs_are_looked_at():
    """An empty compartment that is seeded; and a drug that makes all reactions."""
    network = js.Network({"X": 0}, ["X -> 2 X, .2", "X -> , .1"])
    assert chosen((network, 10.0)).method == "direct"
    assert chosen((network, 10.0), schedule=js.Schedule(X=js.Dose(1e6, at=1.0))).method == "trapezoidal_tau_leap"
    drug = js.OneCompartment(elimination_rate=0.1, volume=1.0)
    driven = js.Network({"X": 0}, ["-> X @ 1e5*g", "X -> , 1"], inputs={"g": drug})
    assert chosen((driven, 10.0), schedule=js.Schedule(g=js.Dose(1.0, at=1.0))).method == "trapezoidal_tau_leap"
    assert "nothing happens" in chosen((driven, 10.0)).reason


def test_the_result_says_what_was_chosen_and_equals_it(caplog):
    network, _ = BIRTH_DEATH
    options = {"times": [20.0], "trajectories": 64, "seed": 3, "progress": False}
    with caplog.at_level(logging.INFO, "jaxsim"):
        out = js.simulate(network, method="auto", **options)
    assert out.attrs["method"] == "trapezoidal_tau_leap"
    assert out.attrs["method_reason"] in caplog.text
    same = js.simulate(network, method=out.attrs["method"], **options)
    assert same["mean"].values.tolist() == out["mean"].values.tolist()
    few = network.with_parameters(k=20.0)
    exact = js.simulate(few, method="auto", **options)
    assert exact.attrs["method"] == "direct"


def test_one_method_serves_a_whole_batch_and_distributions_count_by_their_median():
    network, end = BIRTH_DEATH
    request = Request(times=[end], method="auto")
    few = network.with_parameters(k=1.0)
    assert choose_method([few, few, few], request, "cpu").method == "direct"
    assert choose_method([few, network, few], request, "cpu").method == "hybrid", "of which one point is small"
    spread = network.with_parameters(k=js.Lognormal(1000.0, 0.5))
    assert choose_method([spread], replace(request, trajectories=5), "cpu").method == "trapezoidal_tau_leap"
