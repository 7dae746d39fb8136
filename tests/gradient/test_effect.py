"""An effect is moved in all rates that read it, however they write it; what is not linear in it is held and named."""

import jax
import numpy as np
import pytest

import jaxsim as js
from jaxsim.gradient.effect import SHIFT, moved_effect
from jaxsim.network import evaluate

EFFECT = "block/(half + block)"
INPUTS = {"block": 0.0, "other": 0.0}
AT = {"X": 7.0, "Y": 3.0, "half": 2.0, "k": 0.3, "block": 1.7, "other": 0.9, "t": 4.0}


def network(*rates, half=2.0):
    return js.Network({"X": 5, "Y": 5}, [f"X -> @ {rate}" for rate in rates], {"half": half, "k": 0.3}, inputs=INPUTS)


def slopes(*rates, of=EFFECT):
    """Return the derivative of each rate in the shift of the effect."""
    found = [r.rate for r in moved_effect(network(*rates), of).network.structure.reactions]
    with jax.enable_x64(True):
        return [
            float(jax.grad(lambda shift, rate=rate: evaluate(rate, {**AT, SHIFT: shift}) * 1.0)(0.0)) for rate in found
        ]


@pytest.mark.parametrize(
    ("rate", "slope"),
    [
        (f"k*X*({EFFECT})", 0.3 * 7),
        ("k*X*block/(half + block)", 0.3 * 7),  # as it is read from left to right
        ("0.4*block/(block + half)*X", 0.4 * 7),
        ("X/(1 + block/half)", -7.0),  # what is left of an inhibited rate
        ("X*half/(half + block)", -7.0),
        (f"X*(1 - k*({EFFECT})*other/(1 + other))", -0.3 * 7 * 0.9 / 1.9),
        ("X*block*other/(half + block)/(1 + Y)", 7 * 0.9 / 4),
        (f"X*exp(-({EFFECT}))", -7 * np.exp(-1.7 / 3.7)),
        (f"max(Y - X*block/(half + block), 0) + X*({EFFECT})", 7.0),
        ("X*k", 0.0),
        ("X*other", 0.0),
    ],
)
def test_it_moves_in_every_form(rate, slope):
    first, found = slopes(f"X*({EFFECT})", rate)
    assert first == pytest.approx(7.0)
    assert found == pytest.approx(slope, rel=1e-9)


def test_rates_are_what_they_were():
    rates = ["k*X*block/(half + block)", "X/(1 + block/half)", f"max(Y - X*({EFFECT}), 0)"]
    moved = moved_effect(network(*rates), EFFECT).network.structure.reactions
    with jax.enable_x64(True):
        for old, new in zip(network(*rates).structure.reactions, moved, strict=True):
            assert evaluate(new.rate, {**AT, SHIFT: 0.0}) == pytest.approx(float(evaluate(old.rate, AT)), rel=1e-14)


def test_an_input_moves_wherever_it_is_read():
    assert slopes("X*block/(half + block)", of="block") == [pytest.approx(7 * 2 / 3.7**2)]
    assert moved_effect(network("X*block/(half + block)", "X*block^2"), "block").held == ()


@pytest.mark.parametrize("other", ["block/(1 + block)", "block^1.001/(half^1.001 + block^1.001)", "sqrt(block)"])
def test_another_effect_of_the_same_input_is_held(other):
    moved = moved_effect(network(f"X*({EFFECT})", f"Y*({other})"), EFFECT)
    assert len(moved.held) == 1 and "block" in moved.held[0]
    assert SHIFT not in str(moved.network.structure.reactions[1].rate)


def test_what_is_held_is_said():
    both = network(f"X*(1 + {EFFECT})", "X*(1 + 0.1*block/(5 + block))")
    given = {"of": EFFECT, "bins": 2, "trajectories": 64, "step": 0.25}
    with pytest.warns(js.SimulationWarning, match=r"also read '1 \+ 0.1\*block/\(5 \+ block\)', which is not linear"):
        found = js.switching_function(both, js.mean("X", at=1.0), **given)
    assert found.held == ("1 + 0.1*block/(5 + block)",)
    assert "held as it is: 1 + 0.1*block/(5 + block)" in str(found)


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ("other/(half + other)", "no rate reads"),
        ("X*block", "reads the state"),
        ("half*2", "is constant"),
        ("block/(half + block)", "reads 'half', which differs between trajectories"),
    ],
)
def test_what_has_no_course_is_refused(of, message):
    half = js.Lognormal(2.0, 0.3) if "differs" in message else 2.0
    with pytest.raises(js.SimulationError, match=message):
        moved_effect(network("k*X*block/(half + block)", half=half), of)
