"""What has no derivative along trajectories is refused by name."""

import pytest

import jaxsim as js

DRUG = js.OneCompartment(0.6, 1.0)
PLAN = js.Schedule(drug=js.Dose(2.0, at=1.0))
CASES = {
    "an initial count": ({"X": 5}, ["-> X, k", "X -> , 1"], ["X"], r"'X' is of the initial count of 'X'"),
    "the law of an initial count": (
        {"X": js.Lognormal(5.0, 0.3)}, ["-> X, k", "X -> , 1"], ["X.median"], r"of the initial count of 'X'"
    ),
    "a threshold that the state crosses": (
        {"X": 5}, ["-> X @ if(X > level, 1, k)", "X -> , 1"], ["level"], r"jumps with 'level' at 'X > level'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("method", ["auto", "difference"])
@pytest.mark.parametrize("name", CASES)
def test_a_path_without_a_derivative_refuses(name, method):
    initial, reactions, free, sentence = CASES[name]
    network = js.Network(initial, reactions, {"k": 3.0, "level": 4.0}, inputs={"drug": DRUG})
    with pytest.raises(js.JaxsimError, match=sentence) as caught:
        js.gradient(network, js.mean("X", at=2.0), free=free, schedule=PLAN, trajectories=64, method=method)
    assert "\n" not in str(caught.value)
