"""Levels of coupled trajectories: each chain has its own law, sums telescope, the last one takes away all bias.

Statistical tests compare with closed forms and master equations at four standard errors of fixed seeds, a level of
6e-5 for each; biased and uncoupled variants must fail the same tests.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

import jaxsim as js
from jaxsim.estimation import exact_pair
from jaxsim.estimation import levels as level_module

N0 = 120


@pytest.fixture(scope="module")
def dimers(ladder_of):
    """2 A <-> B of 120 molecules, with steps so long that their bias shows."""
    net = js.Network({"A": N0, "B": 0}, ["2 A -> B, k", "B -> 2 A, d"], {"k": 0.02, "d": 0.3})
    return ladder_of(net, "B", 1.5)


@pytest.fixture(scope="module")
def dimers_mean():
    """Mean of B by the master equation."""
    b = np.arange(N0 // 2 + 1.0)
    a = N0 - 2 * b
    up, down = 0.02 * a * (a - 1), 0.3 * b
    generator = np.diag(up[:-1], -1) + np.diag(down[1:], 1) - np.diag(up + down)
    return float(expm(generator * 1.5)[:, 0] @ b)


def z_score(levels, truth, controlled):
    mean = sum(level.sums.mean(controlled) for level in levels)
    variance = sum(level.sums.variance(controlled) / level.sums.number for level in levels)
    return (mean - truth) / np.sqrt(variance)


@pytest.fixture(scope="module")
def three(dimers, level_of):
    """Levels from leaps to the exact process."""
    return [level_of(dimers, "path", 0, 8192), level_of(dimers, "pair", 1, 8192), level_of(dimers, "exact", 1, 8192)]


@pytest.mark.parametrize("controlled", [False, True])
def test_levels_add_up_to_the_exact_mean(three, dimers_mean, controlled):
    assert abs(z_score(three, dimers_mean, controlled)) < 4
    assert abs(z_score(three[:1], dimers_mean, controlled)) > 5  # leaps alone are biased, and it shows


def test_pairs_are_coupled_and_controls_help(three):
    path, pair, exact = three
    assert pair.sums.variance(False) < 0.1 * path.sums.variance(False)
    assert exact.sums.variance(False) < 0.1 * path.sums.variance(False)
    assert path.sums.variance(True) < 0.05 * path.sums.variance(False)
    assert exact.sums.variance(True) < 0.1 * exact.sums.variance(False)


def test_each_chain_of_a_pair_has_the_law_of_its_own_mesh(dimers, three, level_of):
    pair, fine = three[1], level_of(dimers, "path", 1, 8192)
    variance = (fine.sums.finer_variance + pair.sums.finer_variance) / 8192
    assert abs(fine.sums.finer_mean - pair.sums.finer_mean) < 4 * np.sqrt(variance)
    coarse_mean = pair.sums.finer_mean - pair.sums.mean(False)
    error = np.sqrt((three[0].sums.finer_variance + pair.sums.finer_variance) / 8192)
    assert abs(three[0].sums.finer_mean - coarse_mean) < 4 * error
    assert abs(fine.sums.finer_mean - coarse_mean) > 4 * error  # and the two meshes are told apart


def test_exact_trajectories_of_pairs_have_the_exact_mean_and_variance(three, dimers_mean):
    sums = three[2].sums
    assert abs(sums.finer_mean - dimers_mean) < 4 * np.sqrt(sums.finer_variance / sums.number)


def test_a_coupling_that_fires_both_at_the_larger_rate_is_caught(dimers, dimers_mean, three, level_of, monkeypatch):
    def wrong(chain, inputs):  # a chain that fires whenever the exact process does has no law of its own mesh
        return exact_pair.exact_pair(chain, inputs)

    def always(threshold, sums, chosen, heights):
        return jnp.ones(threshold.shape, bool)

    monkeypatch.setattr(exact_pair, "_accepted", always)
    monkeypatch.setitem(level_module.PROGRAMS, "exact", wrong)
    levels = [three[0], level_of(dimers, "exact", 0, 8192)]
    assert abs(z_score(levels, dimers_mean, False)) > 5


def test_controls_have_mean_zero(three):
    for level in three:
        assert abs(level.sums.totals[1]) < 4 * np.sqrt(level.sums.totals[5])


def test_no_bit_depends_on_chunks_or_on_when_trajectories_are_added(dimers, three, ladder_of, level_of):
    other = ladder_of(dimers.question.network, "B", 1.5, chunk=128)
    assert other.chain.lanes != dimers.chain.lanes
    for kind, number, of in (("path", 0, three[0]), ("pair", 1, three[1])):
        again = level_of(other, kind, number, 192)
        again.run(8192)
        assert again.sums == of.sums


@pytest.mark.slow
def test_exposure_doses_and_starts_that_vary(ladder_of, level_of):
    """A linear network: mean = (start exp(-growth) + dose) with the integral of a drug's effect in closed form."""
    drug = js.OneCompartment(elimination_rate=1.5, volume=1.0)
    net = js.Network(
        {"X": js.Poisson(300.0)}, ["X -> , kill*drug", "-> X, birth"], {"kill": js.Uniform(0.2, 0.6), "birth": 40.0},
        inputs={"drug": drug},
    )  # fmt: skip
    plan = js.Schedule(drug=js.Dose(3.0, at=[0.5, 1.2]), X=js.Dose(100, at=1.0))
    ladder = ladder_of(net, "X", 2.0, plan)
    levels = [level_of(ladder, "path", 0, 4096), level_of(ladder, "pair", 1, 4096), level_of(ladder, "exact", 1, 2048)]
    truth = _mean_of_dosed(300.0, 40.0, (0.2, 0.6))
    assert abs(z_score(levels, truth, False)) < 4
    assert abs(z_score(levels, truth, True)) < 4
    assert abs(z_score(levels[:1], truth, False)) > 4


def _mean_of_dosed(start, birth, ends):
    from scipy.integrate import quad

    def area(t):
        return sum(3.0 / 1.5 * -np.expm1(-1.5 * max(t - at, 0.0)) for at in (0.5, 1.2))

    def given(kill):
        def left(t):
            return np.exp(-kill * (area(2.0) - area(t)))

        return start * left(0.0) + 100 * left(1.0) + birth * quad(left, 0.0, 2.0, points=[0.5, 1.2], epsabs=1e-10)[0]

    nodes, weights = np.polynomial.legendre.leggauss(12)
    low, high = ends
    return sum(w / 2 * given(low + (high - low) * (1 + node) / 2) for node, w in zip(nodes, weights, strict=True))


def test_slopes_are_those_of_the_linear_mean(ladder_of):
    """For X -> at rate d, a firing in a step that ends at t changes X at the end by -(1 - d h) for each step after."""
    ladder = ladder_of(js.Network({"X": 1000}, ["X -> , d"], {"d": 1.0}), "X", 2.0)
    rung = ladder.rung(0)
    kept = np.cumprod((1 - np.diff(rung.edges))[::-1])[::-1]
    expected = -np.append(kept[1:], 1.0)
    found = rung.tables.slope[: expected.size, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert rung.mean == pytest.approx(1000 * kept[0], rel=1e-6)


def test_slopes_of_the_exact_process_are_those_of_the_rate_equations(ladder_of):
    """For X -> at rate d, a firing at t changes the mean of X at the end T by -exp(-d (T - t)); leaps are cruder."""
    ladder = ladder_of(js.Network({"X": 1000}, ["X -> , d"], {"d": 1.0}), "X", 2.0)
    edges = ladder.rung(0).edges
    first, last = (-found[:, 0] for found in ladder._slopes(0))
    np.testing.assert_allclose(last, np.exp(edges[1:] - 2.0), rtol=0.01)
    np.testing.assert_allclose(first, np.exp(edges[:-1] - 2.0), rtol=0.02)
    leaps = -ladder.rung(0).tables.slope[: edges.size - 1, 0]
    assert np.abs(leaps / np.exp(edges[1:] - 2.0) - 1).max() > 0.05


def test_exact_pairs_of_a_linear_network_have_almost_no_variance_left(ladder_of, level_of):
    """Its control is the difference itself, but for the slopes' error of second order, here a tenth of a percent."""
    ladder = ladder_of(js.Network({"X": 1000}, ["X -> , d", "-> X, k"], {"d": 1.0, "k": 500.0}), "X", 2.0)
    exact = level_of(ladder, "exact", 0, 256)
    assert exact.sums.variance(True) < 1e-3 * exact.sums.variance(False)


@pytest.mark.slow
def test_a_drug_that_is_gone_leaves_no_negative_rate(ladder_of):
    """Its mean over a step is a difference of integrals; rounding must not make it less than nothing."""
    drug = js.OneCompartment(elimination_rate=40.0, volume=1.0)
    net = js.Network({"X": 50}, ["X -> , 1e-3*drug"], inputs={"drug": drug})
    ladder = ladder_of(net, "X", 4.0, js.Schedule(drug=js.Dose(1e6, at=0.1)))
    for level in (0, 1, 2):
        exposure = ladder.rung(level).tables.exposure
        assert exposure.min() >= 0.0
        assert exposure.max() > 10.0
