"""Tau-leaping against closed forms, master equations and the exact method; what it promises whatever the tolerance.

Means and variances are compared by z-scores below 4 (two-sided tail 6e-5 each) and laws by a chi-square with p above
1e-5; seeds are fixed. With about 120 comparisons a right kernel fails with probability below 1 %.
"""

import numpy as np
import pytest
from exact import master_equation, moments, poisson_law
from judge import Z_LIMIT, judge
from large import LARGE

import jaxsim as js

VARIANTS = ("tau_leap", "midpoint_tau_leap", "trapezoidal_tau_leap", "implicit_tau_leap")
FIRST = [m if m == "trapezoidal_tau_leap" else pytest.param(m, marks=pytest.mark.slow) for m in VARIANTS]


def run(network, times, trajectories, **options):
    options = {"method": "tau_leap", "seed": 5, "progress": False, **options}
    return js.simulate(network, times=times, trajectories=trajectories, **options)


def birth_death(initial=0):
    return js.Network({"X": initial}, ["-> X, k", "X -> , d"], {"k": 1000.0, "d": 1.0})


def z_scores(out, species, mean, variance):
    """Of mean and variance at the last time, for a law that is nearly normal."""
    number, got = out.attrs["trajectories"], out.sel(species=species).isel(time=-1)
    z_mean = (float(got["mean"]) - mean) / np.sqrt(variance / number)
    return z_mean, (float(got["variance"]) / variance - 1) / np.sqrt(2 / number)


def test_small_populations_follow_the_master_equation():
    """Where few molecules are left, leaping does not pay and every lane is exact."""
    times = np.array([0.5, 1.0, 5.0])
    network = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 10.0, "d": 1.0})
    out = run(network, times, 40_000, histograms={"X": 59})
    assert judge(out, "X", poisson_law(10 * (1 - np.exp(-times)), 60)).passes


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == "schlogl")) for n in LARGE])
def test_the_trapezoidal_law_at_the_default_tolerance_is_within_noise(name):
    network, species, times, law = LARGE[name]()
    out = run(network, times, 2_000, method="trapezoidal_tau_leap", histograms={species: law.shape[1] - 1})
    assert judge(out, species, law).passes


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == "schlogl")) for n in LARGE])
def test_the_explicit_law_at_a_small_tolerance_is_within_noise(name):
    network, species, times, law = LARGE[name]()
    out = run(network, times, 2_000, tolerance=0.005, histograms={species: law.shape[1] - 1})
    assert judge(out, species, law).passes


def test_the_judge_sees_the_error_of_a_large_tolerance():
    network, species, times, law = LARGE["birth_death"]()
    out = run(network, times, 20_000, tolerance=0.1, histograms={species: law.shape[1] - 1})
    assert not judge(out, species, law).passes


def spread_error(**options):
    """Relative error of the standard deviation of a stationary birth-death process, and four times its noise."""
    out = run(birth_death(1000), [20.0], 20_000, **options)
    return abs(np.sqrt(float(out["variance"][0, 0]) / 1000.0) - 1), Z_LIMIT * np.sqrt(0.5 / 20_000)


@pytest.mark.parametrize("method", ["tau_leap", "midpoint_tau_leap", "trapezoidal_tau_leap"])
@pytest.mark.parametrize("tolerance", [0.1, 0.03])
def test_half_the_tolerance_bounds_the_error_of_the_spread(method, tolerance):
    error, noise = spread_error(method=method, tolerance=tolerance)
    assert error < 1.2 * tolerance / 2 + noise  # the bound is of first order


def test_the_leap_that_the_noise_alone_allows_would_break_that_bound():
    """The negative control: 0.45 relaxation times, which Cao's two bounds give at a tolerance of 0.03."""
    error, noise = spread_error(method="tau_leap", step=0.45)
    assert error > 1.2 * 0.03 / 2 + noise


@pytest.mark.slow
@pytest.mark.parametrize("method", VARIANTS)
def test_weak_error_falls_with_the_tolerance(method):
    network, species, times, law = LARGE["schlogl"]()
    mean, variance, _ = moments(law)

    def error(tolerance):
        got = run(network, times, 4000, method=method, tolerance=tolerance).sel(species=species)
        return abs(float(got["mean"][-1]) - mean[-1]) + abs(np.sqrt(float(got["variance"][-1])) - np.sqrt(variance[-1]))

    noise = Z_LIMIT * np.sqrt(variance[-1] / 4000)
    assert error(0.01) < error(0.2) + noise
    assert error(0.01) < 2 * noise


# What one leap of the linear birth-death process does to a deviation from the mean, and the variance that it adds, in
# molecules of the stationary mean: both follow from the rule of the variant.
LINEAR = {
    "tau_leap": lambda h: (1 - h, 2 * h),
    "midpoint_tau_leap": lambda h: (1 - h + h**2 / 2, 2 * h),
    "trapezoidal_tau_leap": lambda h: (
        1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24,
        2 * h * (3 / 8 * (1 - h / (3 / 4)) ** 2 + 5 / 8),
    ),
    "implicit_tau_leap": lambda h: (1 / (1 + h), 2 * h / (1 + h) ** 2),
}


@pytest.mark.parametrize("method", VARIANTS)
@pytest.mark.parametrize("step", [0.4, 0.1])
def test_fixed_steps_have_exactly_the_variance_of_their_rule(method, step):
    decay, added = LINEAR[method](step)
    out = run(birth_death(1000), [20.0], 20_000, method=method, step=step)
    z_mean, z_variance = z_scores(out, "X", 1000.0, 1000.0 * added / (1 - decay**2))
    assert abs(z_mean) < Z_LIMIT
    assert abs(z_variance) < Z_LIMIT


@pytest.mark.parametrize(
    ("method", "order"),
    [("tau_leap", 1), ("midpoint_tau_leap", 2), ("trapezoidal_tau_leap", 4), ("implicit_tau_leap", 1)],
)
def test_fixed_steps_converge_in_their_order(method, order):
    """Mean of 1e8 molecules that decay: noise 4e-6 of it, errors from 1e-1 to 4e-5."""
    network = js.Network({"X": 100_000_000}, ["X -> , 1"])
    steps = np.array([0.5, 0.25] if order == 4 else [0.2, 0.1, 0.05])
    means = np.array([float(run(network, [1.0], 1000, method=method, step=h)["mean"][0, 0]) / 1e8 for h in steps])
    rule = np.array([LINEAR[method](h)[0] for h in steps]) ** (1 / steps)
    assert np.all(np.abs(means / rule - 1) < Z_LIMIT * np.sqrt(np.e - 1) / np.sqrt(1e8 * 1000))
    slopes = np.diff(np.log(np.abs(means * np.e - 1))) / np.diff(np.log(steps))
    assert np.allclose(slopes, order, atol=0.3 if order == 4 else 0.15)


@pytest.mark.parametrize("method", FIRST)
@pytest.mark.parametrize("options", [{}, {"step": 0.5}, {"tolerance": 0.5}])
def test_five_molecules_stay_five(method, options):
    network = js.Network({"A": 5, "B": 0, "C": 0}, ["A -> B, 1", "A -> C, 2"])
    states = run(network, [0.5, 50.0], 2000, method=method, keep="trajectories", **options)["trajectories"].values
    assert states.min() == 0
    assert np.all(states.sum(axis=2) == 5)
    assert np.all(states[:, 1, 0] == 0)
    assert abs(states[:, 1, 1].mean() - 5 / 3) < Z_LIMIT * np.sqrt(10 / 9 / 2000)


@pytest.mark.parametrize("method", FIRST)
def test_leaps_that_would_take_too_much_are_rejected_and_nothing_is_made(method):
    network = js.Network({"A": 1000, "B": 0, "D": 0}, ["A -> B, 1", "2 B -> D, .01", "D -> 2 B, 1", "B -> A, .1"])
    times = np.linspace(0.0, 20.0, 21)
    out = run(network, times, 500, method=method, step=1.3, keep="trajectories")
    states = out["trajectories"].values
    assert (out.attrs["rejected"] > 0) == (method != "implicit_tau_leap")
    assert states.min() >= 0
    assert np.all(states @ np.array([1, 1, 2]) == 1000)


def test_a_stiff_set_agrees_with_the_exact_method():
    """Decaying-dimerising, Rathinam et al. 2003, of a tenth of the size."""
    network = js.Network(
        {"A": 1000, "B": 0, "C": 0},
        ["A -> , 1", "2 A -> B, .02", "B -> 2 A, 5", "B -> C, .4"],
    )
    exact, leaped = (run(network, [1.0], 4000, method=m) for m in ("direct", "trapezoidal_tau_leap"))
    for name in network.structure.species:
        one, two = exact.sel(species=name).isel(time=0), leaped.sel(species=name).isel(time=0)
        spread = float(one["variance"])
        assert abs(float(one["mean"] - two["mean"])) < Z_LIMIT * np.sqrt(2 * spread / 4000)
        assert abs(float(two["variance"]) / spread - 1) < Z_LIMIT * np.sqrt(4 / 4000)


@pytest.mark.parametrize("options", [{"step": 0.02}, {"tolerance": 0.02}])
def test_implicit_leaps_pass_over_what_balances_and_keep_what_is_slow(options):
    """A pair that relaxes 40,000 times faster than what drains it, which would take 20,000 explicit leaps."""
    network = js.Network({"A": 5000, "B": 5000, "C": 0}, ["A -> B, 10000", "B -> A, 10000", "B -> C, 1"])
    out = run(network, [1.0], 2000, method="implicit_tau_leap", keep="trajectories", max_events=500, **options)
    assert int(out["status"].sel(ending="ok")) == 2000
    states = out["trajectories"].values[:, 0]
    assert np.all(states.sum(axis=1) == 10_000)
    p = 1 - np.exp(-0.5)
    assert abs(states[:, 2].mean() / (10_000 * p) - 1) < 0.01  # of first order in the step
    assert abs(states[:, 2].std() / np.sqrt(10_000 * p * (1 - p)) - 1) < 0.01 + Z_LIMIT * np.sqrt(0.5 / 2000)
    damped = 1 / (1 + 20_000 * 0.02 / 2)
    difference = states[:, 0] - states[:, 1]
    assert difference.var() < 2 * damped * 10_000 * np.exp(-0.5)


@pytest.mark.parametrize(
    "rate", ["michaelis_menten(S, 400, 300)", "2*hill(S, 500, 4)*S", "900*S^2/(S^2 + 300^2)", "S/(1 + S/100)"]
)
def test_rates_that_are_not_mass_action(rate):
    network = js.Network({"S": 1000}, [f"S -> @ {rate}", "-> S, 50"])
    rates = {
        "michaelis_menten(S, 400, 300)": lambda s: 400 * s / (300 + s),
        "2*hill(S, 500, 4)*S": lambda s: 2 * s**5.0 / (500.0**4 + s**4.0),
        "900*S^2/(S^2 + 300^2)": lambda s: 900 * s**2.0 / (s**2 + 300.0**2),
        "S/(1 + S/100)": lambda s: s / (1 + s / 100),
    }
    times = np.array([1.0, 3.0])
    law = master_equation([(-1,), (1,)], [rates[rate], lambda s: 50.0 + 0.0 * s], (1000,), (1600,), times)
    out = run(network, times, 4000, method="trapezoidal_tau_leap", histograms={"S": 1599})
    assert judge(out, "S", law).passes


def test_a_dose_on_an_empty_compartment():
    network = js.Network({"X": 0}, ["X -> , d"], {"d": 0.5})
    out = run(
        network, [0.5, 1.0, 3.0], 4000, method="trapezoidal_tau_leap", schedule=js.Schedule(X=js.Dose(5000, at=[1.0]))
    )
    assert out["mean"].values[:, 0].tolist()[:2] == [0.0, 5000.0]
    p = np.exp(-1.0)
    z_mean, z_variance = z_scores(out, "X", 5000 * p, 5000 * p * (1 - p))
    assert abs(z_mean) < Z_LIMIT
    assert abs(z_variance) < Z_LIMIT


@pytest.mark.parametrize("method", FIRST)
def test_an_input_that_varies_enters_by_its_mean(method):
    """Births at a rate that follows a drug, without deaths: Poisson with the integral of the rate as mean."""
    drug = js.OneCompartment(elimination_rate=1.0, volume=1.0)
    network = js.Network({"X": 0}, ["-> X @ k*g"], {"k": 2000.0}, inputs={"g": drug})
    out = run(network, [1.0, 5.0], 4000, method=method, schedule=js.Schedule(g=js.Dose([1.0, 2.0], at=[0.5, 2.0])))
    mean = 2000 * ((1 - np.exp(-4.5)) + 2 * (1 - np.exp(-3.0)))
    z_mean, z_variance = z_scores(out, "X", mean, mean)
    assert abs(z_mean) < Z_LIMIT
    assert abs(z_variance) < Z_LIMIT


def test_two_thousand_million_molecules():
    network = js.Network({"X": 2_000_000_000, "Y": 0}, ["X -> Y, 1"])
    out = run(network, [0.5], 1000, method="trapezoidal_tau_leap", tolerance=0.01)
    p = np.exp(-0.5)
    got = out.sel(species="X").isel(time=0)
    assert abs(float(got["mean"]) / (2e9 * p) - 1) < 1e-4  # of second order in the leap; noise is 7e-7
    assert abs(float(got["variance"]) / (2e9 * p * (1 - p)) - 1) < Z_LIMIT * np.sqrt(2 / 1000)
    assert np.allclose(out["mean"].values.sum(), 2e9, atol=1e-3)


def test_growth_beyond_the_range_is_an_overflow():
    network = js.Network({"X": 1_500_000_000}, ["X -> 2 X, 1"])
    with pytest.warns(js.errors.SimulationWarning, match=r"beyond 2\*\*31"):
        out = run(network, [2.0], 100)
    assert int(out["status"].sel(ending="overflow")) == 100


def test_events_and_effects_happen_between_leaps():
    """A trigger that resets the population, and a reaction with an effect, which never is leaped over."""
    reset = js.Event("X > 1500", {"X": "1000"})
    network = js.Network({"X": 1000}, ["X -> 2 X, .5"], events=[reset])
    states = run(network, [5.0], 200, keep="trajectories")["trajectories"].values
    assert states.min() >= 1000
    assert states.max() <= 1600
    halving = js.Network({"X": 1000, "N": 0}, ["-> X, 300", js.Reaction({}, {"N": 1}, "1.0", {"X": "X/2"})])
    out = run(halving, [10.0], 4000)
    exact = run(halving, [10.0], 4000, method="direct")
    difference = float((out["mean"] - exact["mean"]).sel(species="X").isel(time=0))
    assert abs(difference) < Z_LIMIT * np.sqrt(2 * float(exact["variance"].sel(species="X").isel(time=0)) / 4000)
