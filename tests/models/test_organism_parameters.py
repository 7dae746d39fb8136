"""The organism's parameter files are complete: every number is used, tagged, sourced, and drives the agents."""

import re

import pytest

from jaxsim.dosing import Dose, area_under_curve
from jaxsim.models import organism, organism_parameters
from jaxsim.models.cell.network import caspase1_inhibitor, gemcitabine
from jaxsim.models.organism.network import AGENTS
from jaxsim.models.parameters import TAGS
from jaxsim.network import names
from jaxsim.random import Lognormal

ENTRIES = [
    (f"{animal}.{group}", entry)
    for animal in ("mouse", "human")
    for group, entries in organism_parameters(animal).items()
    for entry in entries.values()
]


@pytest.mark.parametrize("animal", ["mouse", "human"])
def test_the_groups_are_those_of_the_model(animal):
    groups = organism_parameters(animal)
    network = organism(animal)
    assert set(network.structure.parameters) == set(groups["parameters"])
    assert {group for group in groups if group.startswith("inputs.")} == {f"inputs.{n}" for n in network.inputs}
    assert set(network.inputs) == set(AGENTS)


@pytest.mark.parametrize(("group", "entry"), ENTRIES, ids=lambda value: getattr(value, "name", value))
def test_every_number_is_tagged_and_sourced(group, entry):
    assert entry.tag in TAGS
    assert entry.unit and entry.description and len(entry.source) > 5
    if entry.tag in ("verified", "derived"):
        assert re.search(r"PMC\d+|PMID \d+|doi|\d{4};\d+:e?\d+", entry.source), "name the publication"


@pytest.mark.parametrize("animal", ["mouse", "human"])
def test_every_parameter_stands_in_the_reactions_it_names(animal):
    groups = organism_parameters(animal)
    reactions = {reaction.name: reaction for reaction in organism().structure.reactions}
    for entry in groups["parameters"].values():
        named = set(entry.reactions.split())
        assert named == {name for name, r in reactions.items() if entry.name in names(r.rate)}, entry.name


def test_virtual_animals_differ_in_what_they_should():
    network = organism(virtual=True)
    spread = {name: law.cv for name, law in network.parameters.items() if isinstance(law, Lognormal)}
    symbols = {entry.symbol for name, entry in organism_parameters()["parameters"].items() if name in spread}
    expected = "y0 ec pyro mk dmg decide gP gT aM aP aH eB rI rb rec_neut n krec gamP loc esc KT kZ dens e50 tol_dmg"
    assert " ".join(sorted(symbols)) == " ".join(sorted(expected.split(" ")))
    assert set(spread.values()) == {0.4}
    assert not any(isinstance(value, Lognormal) for value in organism().parameters.values())


def test_gemcitabine_and_inhibitor_are_those_of_the_single_cells():
    inputs = organism().inputs
    for name, alone in (("gemcitabine", gemcitabine()), ("caspase1_inhibitor", caspase1_inhibitor())):
        areas = [float(area_under_curve(one, Dose(50, "mg/kg"))) for one in (inputs[name], alone)]
        assert areas[0] == pytest.approx(areas[1], rel=1e-9)


@pytest.mark.parametrize(
    ("animal", "agent", "dose", "area"),
    [
        ("mouse", "gemcitabine", Dose(20, "mg/kg"), 27.1),  # uM h; 1628 uM min measured
        ("mouse", "gemcitabine", Dose(120, "mg/kg"), 163.0),
        ("human", "gemcitabine", Dose(1000, "mg/m2", duration=0.5), 42.2),
        ("mouse", "anti_il1a", Dose(0.2, "mg"), 0.2 / 150 * 1e6 / 7.68e-3),  # nM h
        ("human", "cisplatin", Dose(70, "mg/m2"), 1 / 0.03),
        ("mouse", "il1a", Dose(80, "ng"), 0.4 * 80e3),  # pg into plasma
        ("mouse", "gcsf", Dose(2.5, "ug"), 7500.0),
        ("mouse", "cyclophosphamide", Dose(200, "mg/kg"), 1 / 0.23),
    ],
)
def test_exposures(animal, agent, dose, area):
    assert float(area_under_curve(organism(animal).inputs[agent], dose)) == pytest.approx(area, rel=0.01)
