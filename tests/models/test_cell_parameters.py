"""The parameter file is complete: every number is used, tagged and sourced, and a broken file is refused by name."""

import re

import pytest

from jaxsim.errors import JaxsimError, NetworkError
from jaxsim.models import cell, cell_parameters, read_parameters
from jaxsim.models.parameters import TAGS
from jaxsim.network import names
from jaxsim.random import Bernoulli, Lognormal

GROUPS = cell_parameters()
ENTRIES = [(group, entry) for group, entries in GROUPS.items() for entry in entries.values()]
ENTRY = """
[parameters.k]
value = 1.0
unit = "1/h"
range = [0.5, 2.0]
tag = "assumed"
source = "a guess"
description = "a rate"
"""


def test_the_groups_are_those_of_the_model():
    network = cell()
    assert tuple(GROUPS["species"]) == network.structure.species
    assert tuple(GROUPS["parameters"]) == network.structure.parameters
    assert {group for group in GROUPS if group.startswith("inputs.")} == {f"inputs.{n}" for n in network.inputs}


@pytest.mark.parametrize(("group", "entry"), ENTRIES, ids=lambda value: getattr(value, "name", value))
def test_every_number_is_tagged_and_sourced(group, entry):
    assert entry.tag in TAGS
    assert entry.unit and entry.description and len(entry.source) > 5
    if entry.tag in ("verified", "derived"):
        assert re.search(r"PMC\d+|doi|\d{4};\d+:\d+", entry.source), "name the publication"


def test_every_parameter_stands_in_the_reactions_it_names():
    reactions = {reaction.name: reaction for reaction in cell().structure.reactions}
    for entry in GROUPS["parameters"].values():
        named = set(entry.reactions.split())
        assert named == {name for name, r in reactions.items() if entry.name in names(r.rate)}, entry.name


def test_symbols_are_unique():
    symbols = [entry.symbol for entry in GROUPS["parameters"].values()]
    assert all(symbols) and len(set(symbols)) == len(symbols)


def test_cells_differ_in_what_they_should():
    network = cell()
    laws = {**network.initial, **network.parameters}
    spread = {name: law.cv for name, law in laws.items() if isinstance(law, Lognormal)}
    assert spread == {"dck_activity": 0.5, "C1i": 0.5, "GF": 0.4, "IL": 0.6}
    assert {n: law.probability for n, law in laws.items() if isinstance(law, Bernoulli)} == {"S": 0.5, "Q": 0.1}


def test_values_can_be_replaced_and_misspelt_names_are_refused():
    network = cell(gsdme_rate=0.0, IL=300, gemcitabine=0.5)
    assert (network.parameters["gsdme_rate"], network.initial["IL"], network.inputs["gemcitabine"]) == (0.0, 300, 0.5)
    with pytest.raises(NetworkError, match="the cell model has no 'gsdme_rat'; did you mean 'gsdme_rate'"):
        cell(gsdme_rat=0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('tag = "assumed"', 'tag = "guessed"'), "'parameters.k' has the tag 'guessed'; choose from verified"),
        (('source = "a guess"\n', ""), "'parameters.k' has no source"),
        (('unit = "1/h"', 'unit = ""'), "'parameters.k' has no unit"),
        (("value = 1.0", "value = 3.0"), "'parameters.k' is 3, outside its range from 0.5 to 2"),
        (("value = 1.0", "value = nan"), "'parameters.k' is nan, outside its range"),
        (("value = 1.0", 'value = 1.0\nlaw = "lognormal"'), "needs a cv if its law is lognormal"),
        (("unit =", "unitt ="), "unknown field 'unitt'; did you mean 'unit'"),
        (("[parameters.k]", "[parameters]\nq = 1\n[parameters.k]"), "'q' stands alone in 'parameters'"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, change, message):
    assert change[0] in ENTRY
    path = tmp_path / "broken.toml"
    path.write_text(ENTRY.replace(*change))
    with pytest.raises(JaxsimError, match=re.escape(message)):
        read_parameters(path)
