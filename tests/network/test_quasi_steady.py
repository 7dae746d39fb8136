"""Fast species at their quasi-steady state: what is left has the same means, and what has none is refused."""

import numpy as np
import pytest

import jaxsim as js
from jaxsim.network import evaluate, to_string

GENE = ["-> M, a", "M -> , d", "M -> M + P @ d*b*M", "P -> , 1"]


def gene(d):
    return js.Network({"M": 0, "P": 0}, GENE, {"a": 20.0, "b": 2.0, "d": d}, {"both": "M + P"})


def mean(network, of="P"):
    return js.simulate(network, times=[0.5, 2.0], method="mean_field")["mean"].sel(species=of).values


def test_the_mean_is_that_of_a_fast_species():
    assert mean(js.quasi_steady(gene(1000.0), ["M"])) == pytest.approx(mean(gene(1000.0)), rel=2e-3)
    assert mean(gene(2.0)) != pytest.approx(mean(js.quasi_steady(gene(2.0), ["M"])), rel=0.1)  # not of a slow one


def test_what_reads_it_reads_its_state():
    left = js.quasi_steady(gene(1000.0), ["M"])
    assert left.structure.species == ("P",)
    assert [f"{name} = {to_string(value)}" for name, value in left.structure.observables] == ["both = a/d + P"]


def test_one_after_the_other_with_stoichiometry_and_partners():
    network = js.Network(
        {"A": 0, "B": 0, "C": 9},
        ["-> 2 A @ 3*C", "A -> B @ k*A*C/(1 + C)", "A -> , 1", "B -> C @ 5*B", "C -> , 0.5"],
        {"k": 4.0},
    )
    left = js.quasi_steady(network, ["A", "B"])
    rate = 2 * 3 * 9 / (4.0 * 9 / 10 + 1.0) * 4.0 * 9 / 10  # of A turning to B, and so of B to C
    env = {"k": 4.0, "C": 9.0}
    rates = {str(r).partition(" @")[0]: float(evaluate(r.rate, env)) for r in left.structure.reactions}
    assert rates == pytest.approx({"-> C": rate, "C ->": 4.5})


def test_parameters_keep_units_and_laws():
    network = js.Network(
        {"M": 0, "P": 0}, GENE, {"a": js.Lognormal(20.0, 0.3), "b": 2.0, "d": js.Parameter(9.0, "1/h", "decay")}
    )
    left = js.quasi_steady(network, ["M"])
    assert left.parameters["a"] == js.Lognormal(20.0, 0.3)
    assert (left.units["d"], left.descriptions["d"]) == ("1/h", "decay")


REFUSED = {
    "no species 'Q'": (GENE, ["Q"]),
    "is not its count times": (["-> M, a", "M -> @ M/(b + M)", "P -> , 1"], ["M"]),
    "is never lost": (["-> M, a", "P -> , 1"], ["M"]),
    "is made from itself": (["M -> 2 M, a", "M -> , 5", "P -> , 1"], ["M"]),
    "events or effects": (["-> M, a", js.Reaction({"M": 1}, {}, "M", {"P": "0"})], ["M"]),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_one_sentence(sentence):
    reactions, fast = REFUSED[sentence]
    network = js.Network({"M": 0, "P": 0}, reactions, {"a": 20.0, "b": 2.0, "d": 1.0})
    with pytest.raises(js.NetworkError, match=sentence) as caught:
        js.quasi_steady(network, fast)
    assert "\n" not in str(caught.value)


def test_a_species_that_is_not_made_is_gone():
    left = js.quasi_steady(js.Network({"M": 5, "P": 3}, ["M -> P, 9", "P -> , 1"]), ["M"])
    assert mean(left) == pytest.approx(3.0 * np.exp([-0.5, -2.0]), rel=1e-5)
