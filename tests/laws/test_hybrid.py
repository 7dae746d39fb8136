"""The hybrid method against closed forms and master equations; its partition, and what it promises whatever that is.

Means and variances are compared by z-scores below 4 (two-sided tail 6e-5 each) and laws by a chi-square with p above
1e-5; seeds are fixed. With about 40 comparisons a right kernel fails with probability below 0.3 %.
"""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from exact import master_equation, poisson_law
from judge import Z_LIMIT, judge, law_p_value
from large import LARGE

import jaxsim as js
from jaxsim.kernels.leaping import hybrid
from jaxsim.runtime import programs
from jaxsim.runtime.double import double_precision


def run(network, times, trajectories, **options):
    options = {"method": "hybrid", "seed": 11, "progress": False, **options}
    return js.simulate(network, times=times, trajectories=trajectories, **options)


def z_share(found, number, expected):
    return (found - expected) / np.sqrt(expected * (1 - expected) / number)


def michaelis_menten():
    """Ten enzymes, of which each binding is a jump, and a thousand substrates; the law of the product left to make."""
    times = np.array([5.0, 20.0])
    network = js.Network(
        {"S": 1000, "E": 10, "C": 0, "P": 0},
        ["S + E -> C, on", "C -> S + E, off", "C -> E + P, cat"],
        {"on": 2e-3, "off": 1.0, "cat": 2.0},
    )
    rates = [
        lambda s, c: 2e-3 * s * (10.0 - c) * (c < 10),
        lambda s, c: 1.0 * c * (s < 1000),
        lambda s, c: 2.0 * c,
    ]
    law = master_equation([(-1, 1), (1, -1), (0, -1)], rates, (1000, 0), (1001, 11), times)
    return network, "S", times, law.sum(axis=2)


CASES = {**LARGE, "michaelis_menten": michaelis_menten}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == "schlogl")) for n in CASES])
def test_the_law_at_the_default_tolerance_is_within_noise(name):
    network, species, times, law = CASES[name]()
    out = run(network, times, 4000, histograms={species: law.shape[1] - 1})
    assert judge(out, species, law).passes
    treated = out["partition"].sum("treatment").values
    assert np.allclose(treated, 1.0)


def test_the_partition_report_says_how_each_reaction_was_treated():
    """A gene that toggles, its many transcripts, and a record of how often it did, which nothing reads."""
    network = js.Network(
        {"off": 1, "on": 0, "M": 5000, "toggles": 0},
        ["up: off -> on + toggles, .3", "down: on -> off, .3", "make: on -> on + M, 2000", "decay: M -> , .2"],
    )
    out = run(network, [10.0], 500)
    share = out["partition"].sel(treatment="exact").to_series().to_dict()
    assert share["up"] == share["down"] == 1.0
    assert share["make"] < 0.7, "while the gene is off, making is rare"
    assert share["decay"] < 0.05
    few = LARGE["birth_death"]()[0].with_parameters(k=20.0).with_initial(X=20)
    alone = run(few, [1.0, 6.0], 4000, histograms={"X": 1299})
    assert np.all(alone["partition"].sel(treatment="exact") == 1.0)


@cache
def mutation():
    """A growing population and its first mutation, whose hazard grows with it."""
    return js.Network(
        {"X": 1000, "N": 0},
        ["X -> 2 X, b", "X -> X + N, u", "N -> , tiny"],
        {"b": 1.0, "u": 1e-5, "tiny": 1e-9},
    )


def unmutated(t, b=1.0, u=1e-5, start=1000):
    """Chance that no cell of a pure birth process has mutated, from dp/dt = b p^2 - (b + u) p of one cell."""
    return ((b + u) / (b + u * np.exp((b + u) * t))) ** start


TIMES = np.array([3.0, 4.0, 4.75])


def mutation_z_scores(**options):
    out = run(mutation(), TIMES, 4000, passages={"mutated": "N > 0"}, tolerance=0.3, **options)
    return np.abs(z_share(out["survival"].values[:, 0], 4000, unmutated(TIMES))).max(), out


def test_a_hazard_that_grows_along_the_leaps_is_followed():
    """Coarse leaps, over which the hazard changes by tens of per cent."""
    worst, out = mutation_z_scores()
    assert worst < Z_LIMIT
    assert float(out["partition"].sel(treatment="exact").isel(reaction=0)) < 0.01


def test_a_hazard_frozen_at_the_start_of_each_leap_fails(monkeypatch):
    """The negative control: with the propensities at the start only, first mutations come late."""
    real = hybrid.next_jump
    monkeypatch.setattr(
        hybrid, "next_jump", lambda threshold, u, span, first, last: real(threshold, u, span, first, first)
    )
    programs._PROGRAMS.clear()
    worst, _ = mutation_z_scores()
    programs._PROGRAMS.clear()
    assert worst > Z_LIMIT


def test_extinction_of_a_small_population_beside_a_large_one():
    """A treated tumour of 1e5 cells sheds resistant ones, which die out or outgrow it.

    Of one sensitive cell no lineage survives with chance k / (k + u (1 - d/b)), the same for all.
    """
    network = js.Network(
        {"S": 100_000, "R": 0},
        ["S -> , k", "S -> S + R, u", "R -> 2 R, b", "R -> , d"],
        {"k": 1.0, "u": 1.4e-5, "b": 1.0, "d": 0.5},
    )
    out = run(network, [30.0], 4000, histograms={"R": 5})
    cured = int(out["histogram_R"].values[0, 1]) / 4000
    assert abs(z_share(cured, 4000, (1.0 / (1.0 + 1.4e-5 * 0.5)) ** 100_000)) < Z_LIMIT
    assert float(out["partition"].sel(treatment="leap").isel(reaction=0)) > 0.2


def test_jumps_under_a_drug_beside_leaps_are_poisson():
    """Rare births that follow a drug and a large, leaping population; they are watched, so they are jumps."""
    drug = js.OneCompartment(elimination_rate=1.0, volume=1.0)
    network = js.Network(
        {"X": 100_000, "N": 0}, ["X -> , d", "-> X, k", "X -> X + N @ u*g*X", "N -> , 0*N"],
        {"k": 2e5, "d": 2.0, "u": 4e-5}, inputs={"g": drug},
    )  # fmt: skip
    times = np.array([1.0, 5.0])
    plan = js.Schedule(g=js.Dose([1.0, 2.0], at=[0.5, 2.0]), X=js.Dose(50_000, at=0.0))
    out = run(network, times, 4000, schedule=plan, histograms={"N": 40})
    ends = np.array([0.5, 4.5]), np.array([0.0, 3.0])
    steady = sum(dose * (1 - np.exp(-since)) * (since > 0) for dose, since in zip((1.0, 2.0), ends, strict=True))
    begun = sum(
        dose * np.exp(-2.0 * at) * (1 - np.exp(-3.0 * since)) / 3
        for dose, at, since in zip((1.0, 2.0), (0.5, 2.0), ends, strict=True)
    )
    law = poisson_law(4.0 * steady + 2.0 * begun, 41)
    assert judge(out, "N", law).passes
    wrong = poisson_law(4.0 * steady, 41)
    assert law_p_value(out["histogram_N"].values[0], wrong[0], 4000) < 1e-5


def test_a_stiff_pair_in_balance_is_passed_over_by_implicit_leaps():
    """A pair that relaxes 40,000 times faster than what drains it."""
    network = js.Network({"A": 5000, "B": 5000, "C": 0}, ["A -> B, 10000", "B -> A, 10000", "B -> C, 1"])
    out = run(network, [1.0], 1000, keep="trajectories", max_events=2000, tolerance=0.02)
    assert int(out["status"].sel(ending="ok")) == 1000
    states = out["trajectories"].values[:, 0]
    assert np.all(states.sum(axis=1) == 10_000)
    p = 1 - np.exp(-0.5)
    assert abs(states[:, 2].mean() / (10_000 * p) - 1) < 0.01  # of first order in the step
    assert abs(states[:, 2].std() / np.sqrt(10_000 * p * (1 - p)) - 1) < 0.01 + Z_LIMIT * np.sqrt(0.5 / 1000)
    assert float(out["partition"].sel(treatment="implicit leap").isel(reaction=0)) > 0.9


@pytest.mark.slow
def test_a_decaying_dimerising_set_agrees_with_the_exact_method():
    """Rathinam et al. 2003, of a tenth of the size."""
    network = js.Network(
        {"A": 1000, "B": 0, "C": 0}, ["A -> , 1", "2 A -> B, .02", "B -> 2 A, 5", "B -> C, .4"]
    )  # fmt: skip
    exact, leaped = (run(network, [1.0], 4000, method=m) for m in ("direct", "hybrid"))
    for name in network.structure.species:
        one, two = exact.sel(species=name).isel(time=0), leaped.sel(species=name).isel(time=0)
        spread = float(one["variance"])
        assert abs(float(one["mean"] - two["mean"])) < Z_LIMIT * np.sqrt(2 * spread / 4000)
        assert abs(float(two["variance"]) / spread - 1) < Z_LIMIT * np.sqrt(4 / 4000)


@pytest.mark.parametrize("size", [5, 500])
def test_what_splits_is_conserved(size):
    """Five molecules, which are jumps to the end, and five hundred, which begin with leaps."""
    network = js.Network({"A": size, "B": 0, "C": 0}, ["A -> B, 1", "A -> C, 2"])
    states = run(network, [0.5, 50.0], 2000, keep="trajectories", tolerance=0.5)["trajectories"].values
    assert states.min() == 0
    assert np.all(states.sum(axis=2) == size)
    assert np.all(states[:, 1, 0] == 0)
    assert abs(states[:, 1, 1].mean() - size / 3) < Z_LIMIT * np.sqrt(size * 2 / 9 / 2000)


def test_a_dose_on_an_empty_compartment():
    network = js.Network({"X": 0}, ["X -> , d"], {"d": 0.5})
    out = run(network, [0.5, 1.0, 3.0], 4000, schedule=js.Schedule(X=js.Dose(5000, at=[1.0])), keep="trajectories")
    states = out["trajectories"].values[:, :, 0]
    assert np.all(states[:, :2] == [0, 5000])
    p = np.exp(-1.0)
    assert abs(states[:, 2].mean() - 5000 * p) < Z_LIMIT * np.sqrt(5000 * p * (1 - p) / 4000)
    assert abs(states[:, 2].var() / (5000 * p * (1 - p)) - 1) < Z_LIMIT * np.sqrt(2 / 4000)


def test_the_jump_along_a_linear_hazard():
    """From 1 to 3 over a leap of 2 the integral is f*2 + f**2*2, of which the root is known."""
    with double_precision():
        jump = hybrid.next_jump(
            jnp.array([1.5, 5.0]),
            jnp.array([0.5, 0.5]),
            jnp.array([2.0, 2.0]),
            jnp.array([[1.0, 1.0]]),
            jnp.array([[3.0, 3.0]]),
        )
    assert jump.fires.tolist() == [True, False]
    assert np.allclose(jump.part, [0.5, 1.0])
    assert np.allclose(jump.left, [0.0, 1.0])
