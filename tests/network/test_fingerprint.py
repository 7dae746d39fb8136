"""The fingerprint of a network changes with everything in it, wherever it stands and however small it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsim as js
from jaxsim.network.fingerprint import fingerprint

MANY = 26  # more than a listing shows


def network(**changes):
    """A network that is longer than its listing in every part."""
    parts = {
        "species": {f"A{n}": n for n in range(MANY)},
        "reactions": [f"r{n}: A{n} -> A{(n + 1) % MANY} @ k{n}*A{n}" for n in range(MANY)]
        + [js.Reaction({}, {}, "k1", {"A3": "floor(A3/2)"}, "jump")],
        "parameters": {f"k{n}": 1.0 + n for n in range(MANY)},
        "observables": {f"o{n}": f"A{n} + 1" for n in range(MANY)},
        "events": [js.Event(f"A{n} > 90", {"V": f"{n} + V"}, f"e{n}") for n in range(MANY)],
        "variables": {"V": 0.5},
        "inputs": {"drug": js.OneCompartment(1.0, 2.0)},
    }
    return js.Network(**(parts | changes))


def changed(part, index, new):
    """The given part of the network with one entry replaced."""
    values = {
        "reactions": list(network().structure.reactions),
        "events": list(network().structure.events),
        "species": dict(network().initial),
        "parameters": dict(network().parameters),
        "observables": {f"o{n}": f"A{n} + 1" for n in range(MANY)},
    }[part]
    values[index] = new
    return network(**{part: values})


OTHERS = {
    "a rate": lambda: changed("reactions", 22, js.Reaction({"A22": 1}, {"A23": 1}, "k23*A22", name="r22")),
    "a product": lambda: changed("reactions", 22, js.Reaction({"A22": 1}, {"A24": 1}, "k22*A22", name="r22")),
    "an effect": lambda: changed("reactions", MANY, js.Reaction({}, {}, "k1", {"A3": "floor(A3/3)"}, "jump")),
    "a trigger": lambda: changed("events", 22, js.Event("A22 > 91", {"V": "22 + V"}, "e22")),
    "what an event sets": lambda: changed("events", 22, js.Event("A22 > 90", {"V": "23 + V"}, "e22")),
    "whether it persists": lambda: changed("events", 22, js.Event("A22 > 90", {"V": "22 + V"}, "e22", persistent=True)),
    "a priority": lambda: changed("events", 22, js.Event("A22 > 90", {"V": "22 + V"}, "e22", 1)),
    "an observable": lambda: changed("observables", "o22", "A22 + 2"),
    "a count": lambda: changed("species", "A22", 23),
    "the last bit of a parameter": lambda: changed("parameters", "k22", float(np.nextafter(23.0, 99.0))),
    "a distribution": lambda: changed("parameters", "k22", js.Lognormal(23.0, 0.1)),
    "a variable": lambda: network(variables={"V": 0.25}),
    "an input": lambda: network(inputs={"drug": js.OneCompartment(1.0, 2.5)}),
    "a unit of an input": lambda: network(inputs={"drug": js.OneCompartment(1.0, 2.0, dose_unit="mg")}),
    "the kind of an input": lambda: network(inputs={"drug": 1.0}),
}


@pytest.mark.parametrize("what", OTHERS)
def test_every_change_is_seen(what):
    assert fingerprint(OTHERS[what]()) != fingerprint(network())


def test_what_is_the_same_has_the_same_fingerprint():
    net = network()
    assert fingerprint(net) == fingerprint(network()) == fingerprint(jax.tree.map(lambda leaf: leaf, net))
    assert fingerprint(net.with_parameters(k1=2)) == fingerprint(net.with_parameters(k1=jnp.float32(2.0)))


def test_an_array_is_read_to_its_last_bit():
    with jax.enable_x64(True):
        near = jnp.float64(0.1), jnp.float64(np.nextafter(0.1, 1.0))
        assert repr(near[0]) == repr(near[1])  # what is printed hides the difference
        first, second = (fingerprint(network().with_parameters(k1=value)) for value in near)
    assert first != second


def test_numbers_texts_and_their_grouping_are_told_apart():
    distinct = [2**53, 2**53 + 1, "1", 1, [1, [2]], [[1], 2], [1, 2], None, "None", "", [], {"a": 1}, ["a", 1], 0.0]
    assert len({fingerprint(value) for value in distinct}) == len(distinct)
    with pytest.raises(TypeError, match="no digest of a function"):
        fingerprint(lambda: None)
