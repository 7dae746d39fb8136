"""Networks to SBML and back: the same propensities, and what SBML cannot say is refused by name."""

import random
from dataclasses import replace

import pytest

pytest.importorskip("libsbml")

import jaxsim as js
from jaxsim.ensemble.pilot import typical_network
from jaxsim.errors import FormatError
from jaxsim.formats import inspect_file
from jaxsim.formats.conformance import cases_in, load_case
from jaxsim.formats.names import constant_value
from jaxsim.formats.sbml.reader import read_sbml_text
from jaxsim.formats.sbml.writer import sbml_text
from jaxsim.models.coupled.cell import cell_in_tumour
from jaxsim.models.coupled.organism import around_tumour
from jaxsim.models.organism.friberg import friberg

RELATIVE = 1e-12


def again(network):
    return read_sbml_text(sbml_text(network).encode(), "again.xml").or_refuse()


def assert_same(first, second, states=10, seed=1):
    """Same changes, and same propensities, triggers and settings at random states."""
    generator = random.Random(seed)
    assert dict(first.initial) == dict(second.initial)
    for one, other in zip(first.structure.reactions, second.structure.reactions, strict=True):
        assert one.changes == other.changes
    for _ in range(states):
        counts = {name: float(generator.randint(0, 200)) for name in first.structure.species}
        reals = {name: generator.uniform(-3, 3) for name in first.structure.variables}
        values = {**first.parameters, **first.inputs, **counts, **reals, "t": generator.uniform(0, 50)}
        for one, other in zip(first.structure.reactions, second.structure.reactions, strict=True):
            expected = constant_value(one.rate, values)
            assert constant_value(other.rate, {**values, **second.parameters}) == pytest.approx(expected, rel=RELATIVE)
    for one, other in zip(first.structure.events, second.structure.events, strict=True):
        assert str(one).partition("when ")[2] == str(other).partition("when ")[2]
        assert (one.persistent, one.at_start, one.once) == (other.persistent, other.at_start, other.once)


def test_everything_that_sbml_says_comes_back():
    net = js.Network(
        {"A": 100, "B": 3, "C": 0},
        [
            "2 A + B -> 3 C, k",
            "make: -> A @ v*hill(B, h, 2)*exp(-k*t) + if(A > 50 and not B == 3, 1e-20, V*total)",
            "-> B @ michaelis_menten(C, v, h) + log10(2 + A) + sqrt(B)*min(A, C, 7) + abs(sin(A))^1.5",
        ],
        {"k": 1e-7, "v": 3.25, "h": 40.0},
        observables={"total": "A + 2*B"},
        variables={"V": 0.5},
        events=[
            js.Event("t >= 5 and A > 3", {"V": "V/3 + t", "A": "floor(A/2)"}, name="cut", priority=1, persistent=True),
            js.Event("C > 7", {"C": "0"}, at_start=True),
            js.Event("B > 50", {"B": "B + 1"}, priority=2, persistent=True, once=True),
            js.Event("B > 90", {"V": "random_normal(0, 2, -1, 5)"}),
        ],
        name="all & <everything>",
    )
    found = again(net)
    assert_same(net, found)
    assert found.name == net.name


def test_public_cases_survive(cases_folder):
    names = cases_in(cases_folder)
    assert len(names) > 50
    for name in names:
        net = inspect_file(load_case(cases_folder, name).model).or_refuse()
        assert_same(net, again(net), states=3)


def test_what_sbml_cannot_say_is_refused_by_name():
    net = js.Network(
        {"X": 5, "Y": js.Poisson(4.0)},
        [js.Reaction({}, {}, "k*X", {"X": "binomial(X, 0.5)"}, name="division")],
        {"k": js.Lognormal(1.0, cv=0.1)},
        inputs={"drug": js.OneCompartment(elimination_rate=1.0, volume=1.0)},
    )
    with pytest.raises(FormatError) as caught:
        sbml_text(net)
    for name in ("parameter 'k'", "species 'Y'", "input 'drug'", "reaction 'division"):
        assert name in str(caught.value)


def test_acting_once_is_said_only_of_events_that_read_what_they_set():
    net = js.Network({"X": 0}, ["-> X, 1"], events=[js.Event("X > 3", {"X": "0"}, persistent=True, once=True)])
    with pytest.raises(FormatError, match="acts once however often it was triggered"):
        sbml_text(net)


BUILT_IN = {
    "cell": js.models.cell,
    "organism": js.models.organism,
    "coupled cell": lambda: cell_in_tumour().network,
    "coupled organism": lambda: around_tumour(js.models.organism()),
    "marrow": friberg,
}


def without_what_sbml_cannot_say(network):
    """Medians for distributions, numbers for concentrations; reactions keep their propensities, not their effects."""
    network = typical_network(network)
    reactions = [replace(reaction, effects=()) for reaction in network.structure.reactions]
    inputs = {name: 0.25 + index for index, name in enumerate(network.inputs)}
    observables = dict(network.structure.observables)
    return js.Network(network.initial, reactions, network.parameters, observables, inputs, name=network.name)


@pytest.mark.parametrize("name", BUILT_IN)
def test_propensities_of_built_in_models_survive(name):
    network = without_what_sbml_cannot_say(BUILT_IN[name]())
    found = again(network)
    assert_same(network, found, states=3)
    assert len(found.structure.reactions) == len(BUILT_IN[name]().structure.reactions)


@pytest.mark.parametrize("name", ["cell", "organism"])
def test_built_in_models_as_they_are_say_what_is_lost(name):
    with pytest.raises(FormatError, match=r"input 'gemcitabine': is driven by doses.*give it a number"):
        sbml_text(BUILT_IN[name]())


def test_js_write_picks_the_writer(tmp_path):
    net = js.Network({"A": 9}, ["A -> , d"], parameters={"d": 0.5})
    js.write(net, tmp_path / "m.xml")
    assert_same(net, js.read(tmp_path / "m.xml"))
    with pytest.raises(FormatError, match="an ending that is not written"):
        js.write(net, tmp_path / "m.net")
