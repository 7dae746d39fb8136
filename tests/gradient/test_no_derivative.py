"""What has no derivative along trajectories is refused by name, before anything is simulated, for every method."""

import pytest

import jaxsim as js
from jaxsim.gradient.methods import METHODS

DRUG = js.OneCompartment(0.6, 1.0)
PLAN = js.Schedule(drug=js.Dose(2.0, at=1.0))
CASES = {
    "an initial count": ({"X": 5}, ["-> X, k", "X -> , 1"], ["X"], {}, r"'X' is of the initial count of 'X'"),
    "the law of an initial count": (
        {"X": js.Lognormal(5.0, 0.3)}, ["-> X, k", "X -> , 1"], ["X.median"], {}, r"of the initial count of 'X'"
    ),
    "a threshold that the state crosses": (
        {"X": 5}, ["-> X @ if(X > level, 1, k)", "X -> , 1"], ["level"], {}, r"jumps with 'level' at 'X > level'"
    ),
    "a drug against the state": (
        {"X": 5}, ["-> X @ if(drug > 0.1*X, 1, k)", "X -> , 1"], ["drug.amount"], {}, r"jumps with 'drug' at"
    ),
    "a drug against what differs between trajectories": (
        {"X": 5}, ["-> X @ if(drug > level, 1, k)", "X -> , 1"], ["drug.at"], {"level": js.Lognormal(0.5, 0.3)},
        r"jumps with 'drug' at",
    ),
    "the law of a threshold": (
        {"X": 5}, ["-> X @ if(drug > level, 1, k)", "X -> , 1"], ["level.median"], {"level": js.Lognormal(0.5, 0.3)},
        r"jumps with 'level' at",
    ),
}  # fmt: skip


@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize("name", CASES)
def test_a_path_without_a_derivative_refuses(name, method, monkeypatch):
    initial, reactions, free, parameters, sentence = CASES[name]
    monkeypatch.setattr("jaxsim.gradient.gradient.assembled", None)
    network = js.Network(initial, reactions, {"k": 3.0, "level": 4.0, **parameters}, inputs={"drug": DRUG})
    with pytest.raises(js.JaxsimError, match=sentence) as caught:
        js.gradient(network, js.mean("X", at=2.0), free=free, schedule=PLAN, trajectories=64, method=method)
    assert "\n" not in str(caught.value)
