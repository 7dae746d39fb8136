"""What follows from the structure alone."""

import random

import numpy as np
import pytest

from jaxsim.network import (
    Event,
    Network,
    Reaction,
    changed_species,
    conservation_laws,
    dependency_graph,
    names_of_time,
    rate_class,
    stoichiometry,
)

ENZYME = ["E + S <-> ES, 1, 1", "ES -> E + P, 1"]


def structure(species, reactions, **rest):
    return Network(dict.fromkeys(species, 0), reactions, **rest).structure


def test_stoichiometry_is_the_net_change():
    matrix = stoichiometry(structure("ABC", ["A + A -> B, 1", "A + C -> A + 2 C, 1", "-> , 1"]))
    assert matrix.tolist() == [[-2, 0, 0], [1, 0, 0], [0, 1, 0]] and matrix.dtype == np.int64


def test_dependencies_follow_rates_effects_and_observables():
    found = dependency_graph(
        structure(
            "ABC",
            ["A -> B, 1", "-> C @ total", "C -> , 1", Reaction({}, {}, "1", {"C": "0"}), "-> @ 1 + sin(t)"],
            observables={"total": "A + B"},
        )
    )
    assert [sorted(after) for after in found] == [[0, 1], [2], [2], [2], []]


def test_a_catalyst_does_not_change():
    assert changed_species(Reaction({"E": 1}, {"E": 1, "P": 1}, "1")) == {"P"}


def test_rates_of_time_and_inputs_vary():
    net = structure("A", ["-> A @ k*drug", "-> A @ sin(t)", "A -> , k"], parameters={"k": 1.0}, inputs={"drug": 0.0})
    assert rate_class(net) == ("time-varying", "time-varying", "constant")
    assert names_of_time(net) == {"t", "drug"}


@pytest.mark.parametrize(
    ("species", "reactions", "expected"),
    [
        (("E", "S", "ES", "P"), ENZYME, [[1, 0, 1, 0], [0, 1, 1, 1]]),
        (("A", "B"), ["2 A -> B, 1"], [[1, 2]]),
        (("A", "B"), ["A -> B, 1", "-> A, 1"], []),
        (("A", "B", "C"), ["A -> B, 1"], [[1, 1, 0], [0, 0, 1]]),
        (("G0", "G1", "M"), ["G0 <-> G1, 1, 1", "G1 -> G1 + M, 1", "M -> , 1"], [[1, 1, 0]]),
        (("A",), [], [[1]]),
        (("A", "B"), [Reaction({}, {}, "1", {"A": "0", "B": "A + B"})], []),
        (("P", "S", "ES", "E"), ENZYME, [[1, 1, 1, 0], [0, 0, 1, 1]]),
        (("A", "B", "C"), ["3 A -> 2 B, 1", "B -> 5 C, 1"], [[10, 15, 3]]),
    ],
)
def test_known_laws(species, reactions, expected):
    assert conservation_laws(structure(species, reactions)).tolist() == expected


def test_a_species_set_by_an_event_is_not_conserved():
    assert conservation_laws(structure("AB", ["A -> B, 1"], events=[Event("A > 5", {"A": "0"})])).tolist() == []


def test_laws_span_the_left_null_space():
    for seed in range(60):
        generator = random.Random(seed)
        species = [f"s{i}" for i in range(generator.randint(1, 9))]
        reactions = []
        for _ in range(generator.randint(1, 8)):
            sides = [{name: generator.randint(1, 3) for name in generator.sample(species, min(len(species), generator.randint(0, 2)))} for _ in range(2)]  # fmt: skip # noqa: E501
            reactions.append(Reaction(*sides, "1"))
        net = structure(species, reactions)
        laws, matrix = conservation_laws(net), stoichiometry(net)
        assert not (laws @ matrix).any()
        rank = np.linalg.matrix_rank(matrix)
        assert len(laws) == len(species) - rank
        assert not len(laws) or np.linalg.matrix_rank(laws) == len(laws)
