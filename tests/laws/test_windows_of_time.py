"""Rates that jump, bend or peak with the time: every method against the integral of the rate.

Births at a rate that reads the time alone are Poisson, so mean and variance are the integral of the rate. Windows are
parameters, so that one compiled program serves many of them.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import jaxsim as js
from jaxsim.network import evaluate, parse

END = 96.0
SHARED = {  # a rate of the time, and its integral
    "A": ("if(t >= a and t < b, 200/(b - a), 0)", lambda p: 200.0),
    "B": ("if(t - p*floor(t/p) < w, 10, 0)", lambda p: 10 * sum(np.clip(END - np.arange(0, END, p["p"]), 0, p["w"]))),
    "C": ("200/(s*sqrt(pi))*exp(-((t - c)/s)^2)", lambda p: 200.0),
}
VALUES = {"a": 24.0, "b": 28.0, "p": 24.0, "w": 2.0, "c": 50.0, "s": 0.01}
DRAWN = {"D": ("if(t >= e and t < e + 2, 100, 0)", lambda p: 200.0)}  # begins for each trajectory at another time
NUMBER = 2000
Z = 4.5  # two-sided tail 7e-6 per comparison


def births(rates, values):
    return js.Network(dict.fromkeys(rates, 0), [f"-> {name} @ {rate}" for name, (rate, _) in rates.items()], values)


FLOW = births(SHARED, VALUES)
JUMPS = births({**SHARED, **DRAWN}, {**VALUES, "e": js.Lognormal(24.0, cv=0.3)})


def random_values(number):
    """Windows and peaks from a hundred-thousandth of the span to the whole, some at its ends, and periods."""
    generator = np.random.default_rng(11)
    a, c = generator.uniform(0.0, 90.0, number), generator.uniform(10.0, 80.0, number)
    b = np.minimum(a + 10 ** generator.uniform(-3, 2, number), END)
    a[0], b[1] = 0.0, END
    p = generator.uniform(3.0, 30.0, number)
    s = 10 ** generator.uniform(-3, 0, number)
    return {"a": a, "b": b, "p": p, "w": p * generator.uniform(0.01, 0.9, number), "c": c, "s": s}


def each(values):
    return [dict(zip(values, map(float, row), strict=True)) for row in zip(*values.values(), strict=True)]


def ended(network, method, **options):
    out = js.simulate(network, times=[END], method=method, trajectories=NUMBER, seed=3, progress=False, **options)
    assert int(out["status"].drop_sel(ending=["ok", "absorbed"]).sum()) == 0
    return out.isel(time=0)


def test_rate_equations_meet_random_windows_periods_and_peaks():
    values = random_values(40)
    found = ended(FLOW, "mean_field", parameters=values)["mean"]
    right = [[integral(one) for _, integral in SHARED.values()] for one in each(values)]
    np.testing.assert_allclose(found, right, rtol=1e-6)


@pytest.mark.slow
def test_linear_noise_has_the_poisson_variance():
    for one in each(random_values(2)):
        found = ended(FLOW.with_parameters(**one), "linear_noise")
        right = [integral(one) for _, integral in SHARED.values()]
        np.testing.assert_allclose(found["mean"], right, rtol=1e-6)
        np.testing.assert_allclose(found["variance"], right, rtol=1e-3)


def slow(*names):
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


SLOW = slow("direct", "hybrid", "langevin", "tau_leap", "midpoint_tau_leap", "implicit_tau_leap")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["trapezoidal_tau_leap", *SLOW])
def test_trajectories_meet_random_windows_periods_and_peaks(method):
    """The mean is right and so is the variance, whose error follows from the fourth moment of a Poisson variate."""
    for one in each(random_values(2)):
        found = ended(JUMPS.with_parameters(**one), method)
        right = np.array([integral(one) for _, integral in {**SHARED, **DRAWN}.values()])
        resolved = 0.0 if method == "direct" else 0.01 * right  # steps and leaps resolve a pulse to some tenths of 1 %
        assert np.all(np.abs(found["mean"] - right) < Z * np.sqrt(right / NUMBER) + resolved)
        assert np.all(np.abs(found["variance"] - right) < Z * np.sqrt((right + 2 * right**2) / NUMBER) + resolved)


FORMS = (
    "floor(t/24)",
    "ceil(t/7) - t/7",
    "abs(sin(t/3))",
    "max(0, sin(t) - 0.9)",
    "min(t, 30, k*t)",
    "if(sin(t) > 0.9, 1, 0)",
    "if(exp(-t/20) < k, 1, 0)",
    "if(t > if(t > 10, 50, 20), 1, 2)",
    "if(floor(t/24) == 2 or not (t < 90), 1, 0)",
    "if(exp(-((t - 40)/0.02)^2) > 0.5, 100, 0)",
)


def test_all_forms_of_jumps_and_kinks():
    """Against a fine sum of each expression."""
    counts = {f"A{i}": 0 for i in range(len(FORMS))}
    network = js.Network(counts, [f"-> A{i} @ {rate}" for i, rate in enumerate(FORMS)], {"k": 0.3})
    right = [*(integral(rate) for rate in FORMS[:-1]), 4 * np.sqrt(np.log(2))]  # of the narrow one the closed form
    out = js.simulate(network, times=[END], method="mean_field", progress=False)
    np.testing.assert_allclose(out["mean"][0], right, rtol=1e-4)


def integral(rate):
    with jax.enable_x64(True):
        t = (np.arange(2_000_000) + 0.5) * (END / 2_000_000)
        return float(np.mean(np.asarray(evaluate(parse(rate), {"t": jnp.asarray(t), "k": 0.3}), float)) * END)


@pytest.mark.slow
def test_an_input_that_decides_on_a_rate_is_met_where_it_crosses_the_line():
    """dX/dt = (b - if(drug > 0.5, 0.6, 0.2)) X, with drug = 2 exp(-0.4 (t - 1)) from 1 to its crossing."""
    network = js.Network(
        {"A": 30},
        ["A -> 2 A, b", "A -> @ if(drug > 0.5, 0.6, 0.2)*A"],
        {"b": 0.5},
        inputs={"drug": js.OneCompartment(0.4, 1.0)},
    )
    plan = js.Schedule(drug=js.Dose(2.0, at=1.0))
    right = 30 * np.exp(0.5 * 6 - 0.2 * 6 - 0.4 * np.log(4) / 0.4)

    def last(amount):
        return js.mean_field(network, times=[6.0], schedule=js.Schedule(drug=js.Dose(amount, at=1.0)))[0, 0]

    out = js.simulate(network, times=[6.0], method="mean_field", schedule=plan, progress=False)
    assert float(out["mean"][0, 0]) == pytest.approx(right, rel=1e-6)
    assert float(jax.grad(last)(2.0)) == pytest.approx(-right / 2, rel=1e-4)


@pytest.mark.slow
def test_a_pulse_of_an_input_is_not_passed_over():
    drug = js.OneCompartment(30.0, 1.0, absorption_rate=100.0)
    network = js.Network({"A": 0}, ["-> A @ 3000*drug"], inputs={"drug": drug})
    plan = js.Schedule(drug=js.Dose(2.0, at=50.0))
    assert float(ended(network, "mean_field", schedule=plan)["mean"][0]) == pytest.approx(200.0, rel=1e-5)
    found = ended(network, "langevin", schedule=plan)["mean"][0]
    assert abs(float(found) - 200.0) < 1.0 + Z * np.sqrt(200 / NUMBER)


def test_gradients_in_the_edges_of_windows():
    def total(a, b, r):
        network = js.Network({"A": 0}, ["-> A @ if(t >= a and t < b, r, 0)"], {"a": 1.0, "b": 2.0, "r": 1.0})
        return js.mean_field(network.with_parameters(a=a, b=b, r=r), times=[END])[0, 0]

    assert np.allclose(jax.grad(total, argnums=(0, 1, 2))(24.0, 28.0, 50.0), [-50.0, 50.0, 4.0], rtol=1e-5)


@pytest.mark.slow
def test_gradients_in_the_period_and_the_width_of_windows():
    def periodic(p, w):
        network = births({"B": SHARED["B"]}, {"p": p, "w": w})
        return js.mean_field(network, times=[END])[0, 0]

    # five windows begin by 95.6, the last cut short by the end: 10 (4 w + 96 - 4 p)
    assert np.allclose(jax.grad(periodic, argnums=(0, 1))(23.9, 2.0), [-40.0, 40.0], rtol=1e-4)


@pytest.mark.parametrize("method", slow("controlled_score", "mean_field", "langevin"))
def test_estimators_of_gradients_meet_a_window(method):
    """A window of 0.05 in 96 h, which lies between the edges of the leap grid; births live for 100 h."""
    network = js.Network({"A": 0}, ["-> A @ r*if(t >= 24.03 and t < 24.08, 1, 0)", "A -> @ 0.01*A"], {"r": 500.0})
    right = quad(lambda s: np.exp(-0.01 * (END - s)), 24.03, 24.08)[0]
    found = js.gradient(network, js.mean("A", at=END), free=["r"], method=method, trajectories=1024, seed=1)
    assert abs(float(found.vector[0]) - right) < 1e-3 * right + Z * float(found.error[0])


def test_too_many_moments_are_refused():
    network = js.Network({"A": 0}, ["-> A @ floor(1e6*t) - 1e6*t + 2"])
    with pytest.raises(js.JaxsimError, match="more than 16384 moments"):
        js.simulate(network, times=[END], method="trapezoidal_tau_leap", progress=False)


def test_the_integral_is_what_it_is_compared_with():
    """The negative control: the sum of a window that is one hour longer differs."""
    assert abs(integral("if(sin(t) > 0.9, 1, 0)") - integral("if(sin(t) > 0.8, 1, 0)")) > 1.0
