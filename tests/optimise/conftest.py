"""One small network for all searches, so that they share compiled programs: X is made, and a drug stops that."""

import pytest

import jaxsim as js

END = 10.0


@pytest.fixture(scope="session")
def network():
    return js.Network(
        {"X": 40, "Y": 40},
        ["-> X @ 20/(1 + drug)", "X -> , 0.5", "-> Y @ 20/(1 + toxic*drug)", "Y -> , 0.5"],
        {"toxic": 0.3},
        inputs={"drug": js.OneCompartment(0.7, 1.0)},
    )
