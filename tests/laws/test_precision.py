"""Precision: rare reactions keep their share, constants and counts of any size give the right rates, or a refusal.

Significance: a mean is judged at five standard errors, 6e-7 for each of about 30 comparisons.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble.request import Request, prepare
from jaxsim.errors import JaxsimError, SimulationError
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.leap.chain import begin_leaps, dosed_at
from jaxsim.gradient.problem import chain_of, drive_of
from jaxsim.kernels.draws import choice_uniform, choose, running_sums, wait_and_choice
from jaxsim.kernels.exact import partial_propensity
from jaxsim.kernels.exact.blocked import _choose, arrange
from jaxsim.kernels.rates import total
from jaxsim.runtime.double import double_precision

STEPS = 2**40  # of the uniform that chooses


def uniforms(first, number):
    """Return the uniforms `first` to `first + number` of STEPS, made from the words of an event."""
    k = np.arange(first, first + number, dtype=np.uint64)
    return choice_uniform(jnp.asarray(((k & np.uint64(0xFF)) << np.uint64(32)) | (k >> np.uint64(8))))


@pytest.mark.parametrize("share", [1e-9, 4e-8, 5e-7, 1e-5])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_rare_reaction_keeps_its_share_wherever_it_stands(share, place):
    rates = np.array([0.2, 0.3, 0.5], np.float32)
    rates = np.insert(rates, place, np.float32(share))
    with double_precision():
        single = [jnp.asarray(rate) for rate in rates]
        sums = running_sums([rate[None] for rate in single])
        exact = np.cumsum(rates.astype(float))
        edge = (exact[place - 1] if place else 0.0) / exact[-1]
        wide = int(share * STEPS * 1.2) + 64
        window = max(int(edge * STEPS) - 32, 0)
        number = min(wide, STEPS - window)
        u = (
            np.asarray(uniforms(window, number))
            if number < 2**26
            else window / STEPS + np.arange(2**22) * number / 2**22 / STEPS
        )
        hits = np.asarray(choose(u * sums[-1], sums)) == place
    found = hits.mean() * number / STEPS
    assert found == pytest.approx(float(rates[place]) / exact[-1], rel=3e-3)


def test_running_sums_in_single_precision_lose_it():
    """The negative control: what the same test finds of sums that are rounded."""
    with double_precision():
        rates = [jnp.full((1,), value, jnp.float32) for value in (0.5, 1e-9, 0.5)]
        rounded = [value.astype(jnp.float64) for value in total(rates)]
        u = uniforms(STEPS // 2 - 2000, 4000)
        assert not np.any(np.asarray(choose(u, rounded)) == 1)
        assert np.sum(np.asarray(choose(u * running_sums(rates)[-1], running_sums(rates))) == 1) == pytest.approx(
            1100, abs=2
        )


def ring(size, rare):
    """Return conversions of which every count but one is large, and the rare one is `rare` times the others."""
    reactions = [f"S{i} -> S{(i + 1) % size}, {rare if i == 7 else 1.0}" for i in range(size)]
    return js.Network({f"S{i}": 1000 for i in range(size)}, reactions)


def test_a_rare_reaction_among_many_rows_keeps_its_share():
    with double_precision():
        program, _ = prepare(ring(60, 1e-7), Request(times=[1.0]), "cpu")
        layout = arrange(program.structure, program.rates)
        row = layout.order.index(7)
        a = np.full((layout.rows, 1), 1000.0, np.float32)
        a[row], a[60:] = 1e-4, 0.0
        edge, total = a[:row].sum(dtype=float), a.sum(dtype=float)
        window = int(edge / total * STEPS) - 1000
        u = uniforms(window, 4000)
        wide = jnp.broadcast_to(jnp.asarray(a), (layout.rows, 4000))
        blocks = list(jnp.sum(wide.reshape(-1, layout.block, 4000), axis=1))
        found = int(np.sum(np.asarray(_choose(layout, u, running_sums(blocks), wide)) == row))
    assert found == pytest.approx(1e-4 / total * STEPS, abs=3)  # 1,833 steps


def test_a_rare_reaction_among_groups_keeps_its_share():
    """All levels of the search: columns of groups, groups, members. The rare reaction is found by halving."""
    size, lanes = 40, 1000
    rng = np.random.default_rng(1)
    reactions = [f"S{i} -> S{(i + 1) % size}, {1e-7 if i == 7 else 1.0}" for i in range(size)]
    pairs = [rng.choice(size, 3, replace=False) for _ in range(300)]
    reactions += [f"S{a} + S{b} -> S{b} + S{c}, 1e-3" for a, b, c in pairs]
    network = js.Network({f"S{i}": 1000 for i in range(size)}, reactions)
    with double_precision():
        program, inputs = prepare(network, Request(times=[1.0], trajectories=10), "cpu")
        program = replace(program, lanes=lanes)
        groups, tables = partial_propensity.groups_of(program), inputs.tables
        x = partial_propensity.grouped(program, jax.tree.map(jnp.asarray, inputs), ())
        columns = partial_propensity._columns(groups, x)
        whole = np.asarray(columns, float).sum(axis=1)
        choose_at = jax.jit(lambda threshold: partial_propensity._choose(groups, tables, x, columns, threshold))

        def zoomed(low, high):
            """Return places between two that are chosen differently, and what is chosen."""
            places = low + (high - low) * (np.arange(lanes) + 0.5) / lanes
            return places, np.asarray(choose_at(jnp.asarray(places * whole)))

        grid, chosen = zoomed(0.0, 1.0)
        found = []
        for k in np.flatnonzero(np.diff(chosen)):  # the rare one hides at an edge between two others
            ends = grid[k], grid[k + 1]
            for _ in range(2):
                near, at = zoomed(*ends)
                j = int(np.flatnonzero(np.diff(at))[0])
                width = max(near[j + 1] - near[j], 2e-10)
                ends = near[j] - width, near[j + 1] + width
            found.append(np.mean(zoomed(*ends)[1] == 7) * (ends[1] - ends[0]))
    assert np.sum(np.array(found) > 0) == 1
    assert max(found) == pytest.approx(1e-4 / whole[0], rel=0.1)


def test_short_waits_are_resolved_and_long_ones_not_cut():
    with double_precision():
        j = np.unique(np.geomspace(1, 2**31, 4000).astype(np.uint64))
        bits = jnp.asarray((np.uint64(2**32 - 1) - j) << np.uint64(32))
        waits = np.asarray(wait_and_choice(bits, jnp.float32)[0], float)
        exact = -np.log1p(-(j.astype(float) + 0.5) * 2.0**-32)
        np.testing.assert_allclose(waits, exact, rtol=2e-4)  # the uniform is rounded to 2**-24 above 2**-12
        np.testing.assert_allclose(waits[exact < 2.0**-12], exact[exact < 2.0**-12], rtol=2e-7)
        longest = wait_and_choice(jnp.zeros((1,), jnp.uint64), jnp.float32)[0]
    assert float(longest[0]) == pytest.approx(33 * np.log(2.0), rel=1e-6)


def mean(out, species, at=-1):
    """Return a mean and its standard error."""
    return (float(out[name].sel(species=species)[..., at]) for name in ("mean", "standard_error"))


def decay(**values):
    return js.Network({"A": 1000}, ["A -> @ c1*A*c2"], values)


def test_constants_of_any_size_that_cancel_give_the_same_law():
    """80 decades, and one program."""
    exponents = np.arange(-40, 41, 10)
    out = js.simulate(
        decay(c1=1.0, c2=1.0), times=[1.0], trajectories=1000, seed=2, progress=False,
        parameters={"c1": 10.0**exponents, "c2": 10.0**-exponents},
    )  # fmt: skip
    assert out.attrs["precision"] == "float32"
    found = out["mean"].sel(species="A").values.ravel()
    np.testing.assert_allclose(found, 1000 * np.exp(-1.0), atol=5 * np.sqrt(1000 * 0.2325 / 1000))


def test_sampled_constants_beyond_single_precision():
    network = decay(c1=js.Lognormal(1e-45, 0.3), c2=1e45)
    usual = decay(c1=js.Lognormal(1.0, 0.3), c2=1.0)
    found, expected = (
        js.simulate(net, times=[1.0], trajectories=1000, seed=2, progress=False)["mean"].values
        for net in (network, usual)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3)  # the same draws


@pytest.mark.parametrize("law", [js.Uniform(1.0, 5.0), js.Normal(3.0, 0.5)])
def test_what_varies_beside_a_large_constant_keeps_its_law(law):
    """-> C at rate d: the mean at 1 is 3; with F in single precision it would be 0 or 8."""
    network = js.Network({"A": 10**8, "C": 0}, ["-> C @ max(0, F + d - A)"], {"F": 1e8, "d": law})
    value, error = mean(js.simulate(network, times=[1.0], trajectories=4000, seed=7, progress=False), "C")
    assert abs(value - 3.0) < 5 * error


@pytest.mark.parametrize(
    "narrow", [lambda: js.Uniform(1e8, 1e8 + 1), lambda: js.Normal(-1e8, 3.0), lambda: js.Lognormal(1.0, 1e-6)]
)
def test_laws_narrower_than_single_precision_are_refused(narrow):
    with pytest.raises(JaxsimError, match=r"narrower than the single precision .* a constant plus a law of the differ"):
        narrow()


@pytest.mark.parametrize("exponent", [-60, -45, 45])
def test_constants_out_of_single_precision_run_in_double_and_say_so(exponent):
    network = js.Network({"A": 1000}, ["A -> @ k*A"], {"k": 10.0**exponent})
    out = js.simulate(network, times=[10.0**-exponent], trajectories=1000, seed=3, progress=False)
    assert out.attrs["precision"] == "float64"
    assert "single precision" in out.attrs["precision_reason"]
    value, error = mean(out, "A")
    assert abs(value - 1000 * np.exp(-1.0)) < 5 * error
    with pytest.raises(SimulationError, match="single precision"):
        js.simulate(network, times=[10.0**-exponent], precision="float32", progress=False)


@pytest.mark.parametrize(
    ("rate", "double"),
    [
        ("6.02e23*6.02e23*1e-50*A*B", False),
        ("A*6.02e23*B*6.02e23*1e-50", True),
        ("A*exp(-A)", False),
        ("k*exp(-A)", True),
        ("A*B*C*D*k", True),
        ("A/(1 + (B/10)^8)", False),
        ("5*hill(A, 10, 8)", False),
        ("5*A^8/(10^8 + A^8)", False),
        ("5*A^12/(10^12 + A^12)", True),
        ("1e-40", True),
        ("max(0, 100 - A)", False),
        ("if(A > 5, 1, 2)*A", False),
    ],
)
def test_which_rates_single_precision_serves(rate, double):
    """Counts of B, C and D may grow; those of A too."""
    reactions = [f"-> A @ {rate}", "-> B, 1", "-> C, 1", "-> D, 1"]
    network = js.Network(dict.fromkeys("ABCD", 9), reactions, {"k": 1e36})
    with double_precision():
        program, _ = prepare(network, Request(times=[1.0]), "cpu")
    assert program.precision == ("float64" if double else "float32"), program.reason
    assert bool(program.reason) == double


def test_what_double_precision_does_not_hold_is_refused_by_name():
    for rate in ("c1*c1*A", "1e-200*A*1e-200"):
        network = js.Network({"A": 10}, [f"A -> @ {rate}"], {"c1": 1e-200})
        with pytest.raises(SimulationError, match="range of double precision"):
            js.simulate(network, times=[1.0], progress=False)


BASES = (1000, 2**24 - 2, 10**8 + 1, 2**31 - 100)


@pytest.mark.parametrize("method", ["direct", "tau_leap"])
def test_differences_of_counts_are_those_of_whole_numbers(method):
    """Relaxation to five above the start, at starts around 2**24 and 2**31."""
    for base in BASES:
        network = js.Network({"A": base, "B": 0}, ["-> A @ k*max(0, K - A)", "-> B @ 3*if(A - K == -5, 1, 0)"],
                             {"k": 1.0, "K": base + 5.0})  # fmt: skip
        out = js.simulate(network, times=[1.0], trajectories=4000, seed=4, method=method, progress=False)
        value, error = mean(out, "A")
        assert abs(value - base - 5 * (1 - np.exp(-1.0))) < 5 * error
        value, error = mean(out, "B")
        assert abs(value - 3 * (1 - np.exp(-5.0)) / 5) < 5 * error + (0.02 if method == "tau_leap" else 0.0)
    assert out.attrs["precision"] == ("float32" if method == "direct" else "float64")


def test_two_counts_beyond_single_precision_are_subtracted_and_compared():
    network = js.Network(
        {"A": 2**31 - 101, "B": 2**31 - 108, "C": 0, "D": 0},
        ["-> C @ A - B", "-> D @ 2*if(A >= B + 7, 1, 0)"],
        observables={"sum": "A + B + C - C"},
    )
    out = js.simulate(network, times=[1.0], trajectories=4000, seed=5, progress=False)
    assert out.attrs["precision"] == "float32"
    for name, expected in (("C", 7.0), ("D", 2.0)):
        value, error = mean(out, name)
        assert abs(value - expected) < 5 * error
    assert float(out["observable_mean"].sel(observable="sum")[-1]) == 2.0**32 - 209


def test_passages_see_whole_counts():
    network = js.Network({"A": 10**8}, ["-> A, k"], {"k": 1.0, "level": 1e8 + 3})
    out = js.simulate(
        network, times=[100.0], trajectories=4000, seed=6, progress=False,
        passages={"three": "A >= 100000003", "level": "A >= level", "one": "A == 100000001"},
    )  # fmt: skip
    np.testing.assert_allclose(out["passage_mean"].values, [3.0, 3.0, 1.0], atol=5 * np.sqrt(3.0 / 4000))


def test_counts_of_gradients_are_whole_numbers():
    network = js.Network({"A": 120_000_001}, ["A -> , k"], {"k": 1e-9})
    plan = js.Schedule(A=js.Dose(100_000_001, at=0.5))
    numbers = free_numbers(network, plan, ["k"], None)
    problem = posed(numbers, js.mean("A", at=1.0), 8, 1, (0.0, None), 0.25, None, 1, 0)
    drive = drive_of(problem)
    edge = int(np.argmin(np.abs(problem.grid.edges - 0.5)))
    lanes = begin_leaps(chain_of(problem, 4), drive)
    assert np.asarray(lanes.x[0]).tolist() == [120_000_001] * 4
    assert np.asarray(dosed_at(drive, edge, lanes.x)[0]).tolist() == [220_000_002] * 4


def test_gradients_refuse_what_single_precision_does_not_serve():
    small = js.Network({"A": 10}, ["A -> @ k*c*A"], {"k": 1e-45, "c": 1e45})
    large = js.Network({"A": 10**8}, ["-> A @ k*(K - A)"], {"k": 1.0, "K": 1e8 + 5})
    for network in (small, large):
        with pytest.raises(SimulationError, match="gradients are computed in single precision"):
            js.gradient(network, js.mean("A", at=1.0), free=["k"], trajectories=100)


@pytest.mark.slow
def test_a_rare_reaction_fires_as_often_as_it_should():
    """5e8 events: 100 firings of a share of 2e-7, within five standard deviations."""
    network = js.Network({"R": 0, "B": 0}, ["-> B, 1", "-> R, 2e-7", "-> B, 1"])
    out = js.simulate(network, times=[25_000.0], trajectories=10_000, seed=7, progress=False)
    fired = float(out["mean"].sel(species="R")[-1]) * 10_000
    assert abs(fired - 50) < 5 * np.sqrt(50)
