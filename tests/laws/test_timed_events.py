"""Triggers that read the time, variables that events set, and draws, against what is known of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsim as js
from jaxsim.errors import SimulationError
from jaxsim.random import draw_from

Z_LIMIT = 4.0  # two-sided tail 6e-5 per comparison
P_LIMIT = 1e-5  # Kolmogorov-Smirnov, per law
NUMBER = 20_000


def clock_network():
    """A clock that ticks every time unit from 0.5 on, two events that a tick triggers, and a random one."""
    return js.Network(
        {"ticks": 0, "early": 0, "lost": 0, "kept": 0, "first": 0, "X": 0},
        ["-> X, k"],
        {"k": 1.0, "half": 0.5},
        observables={"clock": "origin + t"},
        variables={"origin": 0.0, "V": -1.0, "G": 0.0},
        events=[
            js.Event("clock >= half", {"origin": "-half - t", "ticks": "ticks + 1"}, name="tick", priority=5),
            js.Event("t > 2.25 and t < 2.5", {"V": "V + t"}),
            js.Event("t >= 3 and kept < 1 and lost < 1", {"early": "1", "lost": "lost + 1"}, priority=3),
            js.Event("t >= 3 and early < 1", {"first": "first + 1"}, priority=2),
            js.Event("t >= 3 and early < 1", {"kept": "kept + 1"}, priority=1, persistent=True),
            js.Event("1 > 0", {"G": "random_gamma(2, 1.5)"}, at_start=True),
            js.Event("0 < 1", {"X": "99"}),
        ],
    )


@pytest.fixture(scope="module")
def ticked():
    return js.simulate(clock_network(), times=[0.0, 2.0, 2.25, 3.0, 7.5], trajectories=NUMBER, seed=3, progress=False)


def test_a_clock_that_events_reset_ticks_at_its_moments_and_at_the_very_end(ticked):
    assert ticked["mean"].sel(species="ticks").values.tolist() == [0, 2, 2, 3, 8]
    assert not ticked["variance"].sel(species="ticks").values.any()


def test_a_strict_comparison_turns_true_at_its_moment_and_sets_a_variable_once(ticked):
    found = ticked["observable_mean"].sel(observable="V").values
    assert np.allclose(found, [-1, -1, 1.25, 1.25, 1.25], atol=1e-12)


def test_of_simultaneous_events_only_persistent_ones_outlive_their_trigger(ticked):
    """An event of higher priority makes the triggers of two others false: one is dropped, the persistent one acts."""
    end = ticked["mean"].isel(time=-1)
    assert [float(end.sel(species=name)) for name in ("early", "first", "kept")] == [1, 0, 1]


def test_a_draw_at_the_start_has_its_law_and_what_holds_at_the_start_does_not_fire(ticked):
    law = stats.gamma(2, scale=1.5)
    mean, variance = (ticked[f"observable_{k}"].sel(observable="G").values for k in ("mean", "variance"))
    fourth = law.moment(4) - 4 * law.mean() * law.moment(3) + 6 * law.mean() ** 2 * law.moment(2) - 3 * law.mean() ** 4
    assert (np.abs(mean - law.mean()) < Z_LIMIT * law.std() / np.sqrt(NUMBER)).all()
    assert (np.abs(variance - law.var()) < Z_LIMIT * np.sqrt((fourth - law.var() ** 2) / NUMBER)).all()
    x = ticked["mean"].sel(species="X").values
    assert abs(x[-1] - 7.5) < Z_LIMIT * np.sqrt(7.5 / NUMBER)  # not 99


def test_the_same_draws_whatever_the_chunks():
    settings = {"times": [1.0], "trajectories": 64, "seed": 3, "progress": False}
    one = js.simulate(clock_network(), **settings)["observable_mean"].values
    parts = js.simulate(clock_network(), chunk=16, **settings)["observable_mean"].values
    assert np.allclose(one, parts, rtol=1e-14)


MOMENTS = {  # trigger: how often it fires at the start if it may, ever after if it may, and without; at moment 5
    "t > {start}": (1, 1, 1),
    "t >= {start}": (1, 1, 0),
    "t <= {start}": (1, 1, 0),
    "t == {start}": (1, 1, 0),
    "t != {start}": (1, 1, 1),
    "not (t < {start})": (1, 1, 0),
    "t > {moment}": (0, 1, 1),
    "t >= {moment} and t <= {moment}": (0, 1, 1),
    "t == {moment}": (0, 1, 1),
    "t != {moment}": (1, 2, 1),
    "not (t < {moment})": (0, 1, 1),
    "{moment} - t < 0": (0, 1, 1),
    "t <= {moment}": (1, 1, 0),
    "t == {moment} and A == 4": (0, 1, 1),
    "t > {moment} and A == 4": (0, 1, 1),
    "t >= {moment} and A == 2": (0, 0, 0),
}


def firings(start, times):
    """How often each trigger has fired by the times, first those that may fire at the start: int [time, 2 * triggers].

    At the moment, two doses make A equal to 4.
    """
    triggers = [trigger.format(start=start, moment=start + 5) for trigger in MOMENTS]
    flags = [(trigger, at_start) for at_start in (True, False) for trigger in triggers]
    species = {"A": 0} | {f"N{n}": 0 for n in range(len(flags))}
    events = [js.Event(t, {f"N{n}": f"N{n} + 1"}, at_start=flag) for n, (t, flag) in enumerate(flags)]
    network = js.Network(species, ["A -> A, 1"], events=events)
    plan = js.Schedule(A=js.Dose([2, 2], at=[start + 5, start + 5]))
    options = {"schedule": plan, "trajectories": 3, "keep": "trajectories", "progress": False}
    states = js.simulate(network, start=start, times=times, **options)["trajectories"].values
    assert (states == states[0]).all()
    return states[0, :, 1:]


def test_a_trigger_is_looked_at_at_its_moment_and_just_after_it(start=-3.0):
    """Also where the moment is a save time, the time of a dose, the start or the end."""
    at_first, ever, without = np.array(list(MOMENTS.values())).T
    found = firings(start, [start, start + 5, start + 9])
    assert found[:, : len(MOMENTS)].tolist() == [at_first.tolist(), ever.tolist(), ever.tolist()]
    just_after = [int(name in ("t > {start}", "t != {start}", "t != {moment}")) for name in MOMENTS]
    first = [n * (name != "t != {moment}") for n, name in zip(just_after, MOMENTS, strict=True)]
    assert found[:, len(MOMENTS) :].tolist() == [first, without.tolist(), without.tolist()]


@pytest.mark.slow
def test_a_trigger_is_looked_at_where_the_run_ends_or_has_no_length(start=2.5):
    found = firings(start, [start, start + 5, start + 9])
    assert np.array_equal(firings(start, [start]), found[:1])
    assert np.array_equal(firings(start, [start + 5]), found[1:2])


def test_moments_that_only_rounding_sets_apart_are_one():
    events = [js.Event("t >= 0.3 and t <= 0.1 + 0.2", {"A": "A + 1"}), js.Event("t == 0.3", {"B": "B + 1"})]
    network = js.Network({"A": 0, "B": 0, "C": 0}, ["C -> , 1"], events=events)
    plan = js.Schedule(C=js.Dose([1, 1], at=[0.3, 0.1 + 0.2]))
    out = js.simulate(network, times=[1.0], trajectories=3, schedule=plan, progress=False)
    assert out["mean"].sel(species=["A", "B"]).values.tolist() == [[1, 1]]


def test_an_event_triggered_again_while_it_waits_acts_as_often():
    """Others trigger it five times in one instant: SBML Level 3, section 4.11.6, and case 00978 of its test suite."""
    flips = [js.Event("t >= 1", {"M": "2" if n % 2 == 0 else "0"}, priority=50 - n) for n in range(9)]
    kinds = [  # and how often it acts
        ({"persistent": True, "priority": 1}, 5),
        ({"persistent": True, "priority": 1, "once": True}, 1),
        ({"persistent": True, "priority": 60}, 5),
        ({"persistent": True, "priority": 46}, 5),
        ({"persistent": False, "priority": 1}, 1),
        ({"persistent": False, "priority": 46}, 3),
    ]
    counters = [js.Event("M > 1", {f"X{n}": f"X{n} + 1"}, **kind) for n, (kind, _) in enumerate(kinds)]
    species = {"M": 0} | {f"X{n}": 0 for n in range(len(kinds))}
    network = js.Network(species, [], events=[*flips, *counters])
    out = js.simulate(network, times=[2.0], trajectories=2, progress=False)
    assert out["mean"].values[0, 1:].tolist() == [acts for _, acts in kinds]


def test_triggers_beyond_what_can_be_counted_are_a_status():
    on = js.Event("M == 0 and t >= 1 and C < most", {"M": "1", "C": "C + 1"}, priority=2)
    off = js.Event("M == 1", {"M": "0"}, priority=2)
    waits = js.Event("M == 1", {"X": "X + 1"}, persistent=True)
    network = js.Network({"X": 0, "M": 0, "C": 0}, [], {"most": 0}, events=[on, off, waits])
    with pytest.warns(js.SimulationWarning, match="triggered more than 65,535 times in one instant"):
        out = js.simulate(
            network, times=[2.0], trajectories=2, parameters={"most": [65_535.0, 65_536.0]}, progress=False
        )
    assert out["status"].sel(ending="trigger limit").values.tolist() == [0, 2]
    assert out["mean"].sel(species="X").values[0].tolist() == [65_535]


def test_methods_that_do_not_follow_them_say_so():
    for method in ("tau_leap", "mean_field", "langevin"):
        with pytest.raises(SimulationError, match=r"event|variable"):
            js.simulate(clock_network(), times=[1.0], method=method)


def test_a_variable_that_is_no_number_ends_the_trajectory():
    network = js.Network(
        {"X": 0}, ["-> X, 1"], variables={"V": 0.0}, events=[js.Event("X >= 2", {"V": "random_normal(0, 0 - X)"})]
    )
    with pytest.warns(js.SimulationWarning, match="variable that is infinite or not a number"):
        out = js.simulate(network, times=[50.0], trajectories=50, seed=1, progress=False)
    assert int(out["status"].sel(ending="variable not finite")) == 50


LAWS = {
    "random_normal": ((1.0, 2.0), stats.norm(1, 2)),
    "random_uniform": ((1.0, 3.0), stats.uniform(1, 2)),
    "random_exponential": ((0.5,), stats.expon(scale=2)),
    "random_lognormal": ((1.0, 0.5), stats.lognorm(0.5, scale=np.e)),
    "random_cauchy": ((1.0, 2.0), stats.cauchy(1, 2)),
    "random_laplace": ((1.0, 2.0), stats.laplace(1, 2)),
    "random_rayleigh": ((2.0,), stats.rayleigh(scale=2)),
    "random_gamma": ((2.5, 1.1), stats.gamma(2.5, scale=1.1)),
}


def words(number, seed=0):
    generator = np.random.default_rng(seed)
    return tuple(jnp.asarray(generator.integers(0, 2**32, number, dtype=np.uint32)) for _ in range(2))


def drawn(name, *arguments, number=20_000):
    with jax.enable_x64(True):
        return np.asarray(draw_from(name, words(number), *(jnp.full((number,), a, jnp.float64) for a in arguments)))


@pytest.mark.parametrize("name", LAWS)
def test_real_draws_have_their_law_truncated_or_not(name):
    arguments, law = LAWS[name]
    assert stats.kstest(drawn(name, *arguments), law.cdf).pvalue > P_LIMIT
    low, high = law.ppf(0.99), law.ppf(0.9999)  # in the tail, where distribution functions near 1 lose their digits
    found = drawn(name, *arguments, low, high)
    assert low <= found.min() <= found.max() <= high
    part = law.sf(low) - law.sf(high)
    assert stats.kstest(found, lambda x: (law.sf(low) - law.sf(x)) / part).pvalue > P_LIMIT
    assert stats.kstest(found, law.cdf).pvalue < P_LIMIT  # the law untruncated must not pass


@pytest.mark.parametrize("shape", [0.05, 0.9, 1.0, 3.0, 2e4])
def test_the_gamma_quantile_is_accurate_in_both_tails(shape):
    from jaxsim.random.draws import gamma_quantile

    tail = np.array([1e-12, 1e-6, 0.01, 0.3, 0.5])
    with jax.enable_x64(True):
        low = np.asarray(gamma_quantile(jnp.full(5, shape), jnp.asarray(tail), jnp.asarray(1 - tail)))
        high = np.asarray(gamma_quantile(jnp.full(5, shape), jnp.asarray(1 - tail), jnp.asarray(tail)))
    assert np.allclose(low, stats.gamma.ppf(tail, shape), rtol=1e-9, atol=1e-290)
    assert np.allclose(high, stats.gamma.isf(tail, shape), rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "arguments", "law"),
    [
        ("binomial", (100.0, 0.2), stats.binom(100, 0.2)),
        ("random_poisson", (20.0,), stats.poisson(20)),
        ("random_bernoulli", (0.3,), stats.bernoulli(0.3)),
    ],
)
def test_truncated_counts_have_their_law(name, arguments, law):
    low, high = (15, 32) if name != "random_bernoulli" else (0, 1)
    counts = np.arange(low, high + 1)
    p = law.pmf(counts) / law.pmf(counts).sum()
    found = drawn(name, *arguments, float(low), float(high))
    observed = np.array([(found == k).sum() for k in counts])
    assert observed.sum() == len(found)
    assert stats.chisquare(observed, p * len(found)).pvalue > P_LIMIT


def test_parameters_out_of_range_give_no_number():
    for name, arguments in (
        ("random_normal", (0.0, -1.0)),
        ("random_gamma", (0.0, 1.0)),
        ("random_uniform", (2.0, 1.0)),
        ("random_normal", (0.0, 1.0, 2.0, 1.0)),
        ("random_bernoulli", (1.5,)),
        ("random_poisson", (4.0, 7.5, 7.6)),
    ):
        assert np.isnan(drawn(name, *arguments, number=5)).all(), name
