"""A score of rates that never fire is refused: it would lack, without a word, the events that are not there."""

import jax
import numpy as np
import pytest

import jaxsim as js
from jaxsim.kernels.rates import plan_rates
from jaxsim.optimise.optimum import Certificate
from jaxsim.paths.exposure import exposures

GAIN = 3.0
NETWORK = js.Network(
    {"X": 5}, ["X -> @ X*(block/(half + block))", "-> X, gain"], {"half": 2.0, "gain": GAIN},
    inputs={"block": js.OneCompartment(0.4, 1.0)},
)  # fmt: skip
EFFECT, MEAN = "block/(half + block)", js.mean("X", at=1.0)
GIVEN = {"of": EFFECT, "bins": 2, "trajectories": 20_000, "step": 0.05, "seed": 3}
NONE = js.Schedule(block=js.Dose(0.0, at=0.5))


def truth(floor):
    """Return minus the integral over each half of x(t) exp(-floor (1 - t)), which is what a kill at t takes."""
    t = np.linspace(0.0, 1.0, 2001)
    x = GAIN / floor + (5.0 - GAIN / floor) * np.exp(-floor * t)
    worth = -x * np.exp(-floor * (1.0 - t))
    return np.array([np.trapezoid(worth[:1001], t[:1001]), np.trapezoid(worth[1000:], t[1000:])]) / 0.5


def test_before_the_first_dose_it_is_refused():
    with pytest.raises(js.SimulationError, match=r"never fire between t = 0 and 0.*give floor="):
        js.switching_function(NETWORK, MEAN, schedule=js.Schedule(block=js.Dose(3.0, at=0.5)), **GIVEN)


@pytest.mark.parametrize("more", [{"floor": 0.05}, {"floor": 1e-9, "scored": []}])
def test_what_the_remedies_give_is_right(more):
    found = js.switching_function(NETWORK, MEAN, **GIVEN, **more)
    assert np.all(np.abs(found.value - truth(more["floor"])) < 3.3 * found.error + 0.03 * np.abs(found.value))
    assert np.all(found.error < 0.1 * np.abs(found.value))


@pytest.mark.parametrize("method", ["score", "leap_score", "controlled_score", "controlled_exact_score", "surrogate"])
def test_an_amount_of_zero_is_refused_by_every_score(method):
    with pytest.raises(js.SimulationError, match=r"'block.amount' moves rates that \(almost\) never fire"):
        js.gradient(NETWORK, MEAN, free=["block.amount"], schedule=NONE, method=method, trajectories=256)


def test_a_certificate_says_what_its_gradient_lacks():
    found = js.gradient(NETWORK, MEAN, free=["gain"], method="leap_score", trajectories=64, step=0.25)
    phrase = "'block.amount' moves rates that (almost) never fire between t = 0 and 1"
    whole, lacking = (
        Certificate(slopes=found, chi_square=0.1, degrees=1, p=0.7, active=(), unseen=lacks)
        for lacks in ((), (phrase,))
    )
    assert whole.stationary and not lacking.stationary
    assert f"NOT SEEN by scores: {phrase}" in str(lacking)


def test_a_rate_constant_of_zero_is_refused():
    with pytest.raises(js.SimulationError, match="'gain' moves rates"):
        js.gradient(NETWORK.with_parameters(gain=0.0), MEAN, free=["gain"], method="leap_score", trajectories=256)


def test_a_curve_of_zero_has_its_derivative():
    """The mean of nothing over a cell is set to zero; its derivative in what is added to it is not."""
    drug = js.OneCompartment(1.0, 1.0)
    network = js.Network({"X": 1}, ["X -> @ X*(drug + more)"], {"more": 0.0}, inputs={"drug": drug})
    plan, edges = plan_rates(network.structure, ()), np.linspace(0.0, 1.0, 5)

    def table(more):
        return exposures(network.structure, plan, network.with_parameters(more=more), None, edges)

    with jax.enable_x64(True):
        value, slope = jax.jvp(table, (0.0,), (1.0,))
    assert np.all(np.asarray(value) == 0.0)
    assert np.asarray(slope) == pytest.approx(1.0)
