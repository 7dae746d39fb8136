"""Networks: validation, immutability, the pytree, equality of structures, size."""

import copy
import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsim.errors import NetworkError
from jaxsim.network import Event, Network, Parameter, Reaction, names


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Spread:
    """A stand-in for a distribution."""

    median: float

    def sample(self, u):
        return self.median * u


def sir(**changes):
    given = {
        "species": {"S": 990, "I": 10, "R": 0},
        "reactions": ["S + I -> 2 I @ beta*S*I/N", "I -> R, gamma"],
        "parameters": {"beta": 0.3, "gamma": Parameter(0.1, "1/d", "recovery")},
        "observables": {"N": "S + I + R"},
    }
    return Network(**{**given, **changes})


def test_what_a_network_holds():
    net = sir(name="sir")
    assert dict(net.initial) == {"S": 990, "I": 10, "R": 0}
    assert dict(net.parameters) == {"beta": 0.3, "gamma": 0.1}
    assert dict(net.units) == {"gamma": "1/d"} and dict(net.descriptions) == {"gamma": "recovery"}
    assert net.structure.species == ("S", "I", "R")
    assert str(net.structure.reactions[0]) == "S + I -> 2 I @ beta*S*I/(S + I + R)"
    assert "Network 'sir' of 3 species and 2 reactions" in repr(net) and "gamma = 0.1 1/d" in repr(net)


def test_observables_may_read_observables_in_any_order():
    net = sir(observables={"infected": "I/N", "N": "S + I + R"}, reactions=["I -> R @ gamma*infected*N"])
    assert names(net.structure.reactions[0].rate) == {"S", "I", "R", "gamma"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"reactions": ["S + I -> 2 I @ bta*S*I"]},
            r"reaction 'S \+ I -> 2 I @ bta\*S\*I': unknown name 'bta'; did you mean 'beta'\? "
            "Declare it as a species, parameter, observable or input",
        ),
        ({"reactions": ["S -> @ qqq"]}, "unknown name 'qqq'; declare it as"),
        ({"reactions": ["X -> S, 1"]}, "reaction 'X -> S @ 1.*X': 'X' is not a species"),
        ({"reactions": ["S -> Ii, 1"]}, "'Ii' is not a species; did you mean 'I'"),
        ({"reactions": ["S -> , -1"]}, "reaction 'S -> , -1' has the negative rate -1"),
        ({"reactions": [Reaction({"S": 1}, {}, -1)]}, "the rate is negative"),
        ({"reactions": ["S -> @ binomial(S, 0.5)"]}, "binomial.* is random"),
        ({"reactions": ["a: S -> , 1", "a: I -> , 1"]}, "two reactions are named 'a'"),
        ({"reactions": "S -> , 1"}, "must be a list"),
        ({"reactions": [Reaction({}, {}, "1", {"X": "0"})]}, "'X' is not a species"),
        ({"reactions": [Reaction({}, {}, "1", {"S": "Q"})]}, "unknown name 'Q'"),
        ({"reactions": [Reaction({}, {}, "1", {"S": "t"})]}, "unknown name 't'"),
        ({"parameters": {"S": 1.0}}, "'S' is declared as a species and as a parameter; rename"),
        ({"parameters": {"t": 1.0}}, "parameter 't' has a reserved name"),
        ({"parameters": {"exp": 1.0}}, "parameter 'exp' has a reserved name"),
        ({"parameters": {"a b": 1.0}}, "parameter 'a b' is not a name"),
        ({"parameters": {"beta": float("nan"), "gamma": 1}}, "parameter 'beta' is nan; give a finite number"),
        ({"parameters": {"beta": jnp.inf, "gamma": 1}}, "parameter 'beta' is inf"),
        ({"parameters": {"beta": "0.3", "gamma": 1}}, "parameter 'beta' is '0.3'; give a number"),
        ({"parameters": {"beta": [1.0], "gamma": 1}}, "parameter 'beta' is"),
        ({"parameters": {"beta": np.ones(3), "gamma": 1}}, r"parameter 'beta' has shape \(3,\)"),
        ({"parameters": {"beta": True, "gamma": 1}}, "parameter 'beta' is True"),
        ({"species": {"S": -1, "I": 0, "R": 0}}, "species 'S' starts at -1; counts are integers from 0 on"),
        ({"species": {"S": 1.5, "I": 0, "R": 0}}, "species 'S' starts at 1.5"),
        ({"species": {"S": jnp.float32(-2), "I": 0, "R": 0}}, "species 'S' starts at -2"),
        ({"observables": {"N": "S + Q"}}, "observable 'N': unknown name 'Q'"),
        ({"observables": {"N": "M", "M": "N"}}, "the observables 'N', 'M' read each other in a circle"),
        ({"observables": {"N": "binomial(S, 0.5)"}}, "observable 'N': binomial"),
        ({"inputs": {"drug": float("nan")}}, "input 'drug' is nan"),
        ({"inputs": {"drug": None}}, "input 'drug' is None"),
        ({"events": ["S > 1"]}, "must be an Event"),
        ({"events": [Event("Q > 1", {"S": "0"})]}, "unknown name 'Q'"),
        ({"events": [Event("S > 1", {"beta": "0"})]}, "'beta' is not a species"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(changes, why):
    with pytest.raises(NetworkError, match=why) as caught:
        sir(**changes)
    assert "\n" not in str(caught.value)


def test_observables_that_double_each_other_are_refused():
    doubling = {f"o{i + 1}": f"o{i} + o{i}" for i in range(40)}
    with pytest.raises(NetworkError, match="use observables of observables more sparingly"):
        sir(observables={"N": "S", "o0": "S", **doubling})


def test_networks_are_immutable():
    net = sir()
    with pytest.raises(AttributeError, match="use with_parameters"):
        net.parameters = {}
    with pytest.raises(AttributeError):
        net.other = 1
    with pytest.raises(TypeError):
        net.parameters["beta"] = 1.0
    with pytest.raises(AttributeError):
        net.structure.species = ()


def test_values_are_replaced_by_name():
    net = sir()
    other = net.with_parameters(beta=0.5).with_initial(S=10.0)
    assert other.parameters["beta"] == 0.5 and other.initial["S"] == 10 and net.parameters["beta"] == 0.3
    assert other.structure is net.structure and dict(other.units) == dict(net.units)
    with pytest.raises(NetworkError, match="no parameter 'bta'; did you mean 'beta'"):
        net.with_parameters(bta=1.0)
    with pytest.raises(NetworkError, match="no species 'T'"):
        net.with_initial(T=1)
    with pytest.raises(NetworkError, match="starts at -1"):
        net.with_initial(S=-1)


def test_a_network_is_a_pytree():
    net = sir(inputs={"drug": 0.5}, parameters={"beta": 0.3, "gamma": Spread(0.1)})
    assert jax.tree.leaves(net) == [0.3, 0.1, 990, 10, 0, 0.5]
    doubled = jax.tree.map(lambda leaf: 2 * leaf, net)
    assert doubled.parameters["gamma"] == Spread(0.2) and doubled.initial["S"] == 1980
    assert list(doubled.initial) == ["S", "I", "R"] and doubled.structure is net.structure
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(net)]
    assert paths[0] == ".parameters['beta']" and paths[2] == ".initial['S']"


def test_networks_pass_through_transformations():
    def rate(net):
        return net.parameters["beta"] * net.initial["S"]

    net = sir()
    assert jax.jit(rate)(net) == pytest.approx(297.0)
    batch = jax.vmap(lambda beta: rate(net.with_parameters(beta=beta)))(jnp.arange(3.0))
    assert batch.tolist() == [0.0, 990.0, 1980.0]
    slopes = jax.grad(lambda beta: rate(net.with_parameters(beta=beta)))(0.3)
    assert slopes == 990.0


def test_equal_structures_share_a_program():
    traces = []

    @jax.jit
    def rate(net):
        traces.append(net)
        return net.parameters["beta"]

    rate(sir())
    rate(sir(parameters={"beta": 2.0, "gamma": 0.5}, species={"S": 5, "I": 1, "R": 1}).with_parameters(beta=1.0))
    assert len(traces) == 2, "units are part of the key"
    rate(sir(parameters={"beta": 7.0, "gamma": 0.25}))
    assert len(traces) == 2
    assert sir().structure == sir().structure and hash(sir().structure) == hash(sir().structure)
    assert sir().structure != sir(reactions=["I -> R, gamma"]).structure


def test_networks_survive_copying_and_pickling():
    net = sir(events=[Event("I > 500", {"I": "I/2"})])
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.structure == net.structure and jax.tree.leaves(twin) == jax.tree.leaves(net)


def test_long_listings_are_cut():
    net = Network({f"s{i}": i for i in range(50)}, [f"s{i} -> , 1" for i in range(50)])
    assert "and 30 more" in repr(net) and len(repr(net).splitlines()) < 30
