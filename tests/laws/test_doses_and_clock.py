"""Doses into species, large counts, the clock, triggered events and random effects."""

import numpy as np
import pytest
from judge import law_p_value
from scipy import stats

import jaxsim as js


def test_extinct_population_is_revived_by_a_dose():
    network = js.Network({"X": 0}, ["X -> , d"], {"d": 0.1})
    plan = js.Schedule(X=js.Dose(50, at=5.0))
    number = 200_000
    times = [4.9, 5.0, 10.0]
    out = js.simulate(
        network, times=times, trajectories=number, seed=1, schedule=plan, histograms={"X": 51}, progress=False
    )
    p = np.exp(-0.5)
    mean = out["mean"].values[:, 0]
    assert mean[0] == 0
    assert mean[1] == 50
    assert abs(mean[2] - 50 * p) < 4 * np.sqrt(50 * p * (1 - p) / number)
    law = stats.binom.pmf(np.arange(51), 50, p)
    assert law_p_value(out["histogram_X"].values[2], law, number) > 1e-5


def test_two_doses_at_one_instant_a_dose_at_the_start_and_one_at_the_end_all_arrive():
    network = js.Network({"X": 0}, ["X -> , d"], {"d": 1e-9})
    plan = js.Schedule(X=js.Dose([5, 7, 11, 13], at=[0.0, 2.0, 2.0, 4.0]))
    out = js.simulate(network, times=[0.0, 1.0, 2.0, 4.0], trajectories=100, schedule=plan, progress=False)
    assert out["mean"].values[:, 0].tolist() == [5, 5, 23, 36]


def test_set_replaces_the_count():
    network = js.Network({"X": 9}, ["X -> , d"], {"d": 1e-9})
    out = js.simulate(
        network, times=[1.0, 3.0], trajectories=10, schedule=js.Schedule(X=js.Set(4, at=2.0)), progress=False
    )
    assert out["mean"].values[:, 0].tolist() == [9, 4]


@pytest.mark.parametrize("start", [2**24 + 1, 2_000_000_000])
def test_large_counts_step_by_one(start):
    network = js.Network({"X": start}, ["-> X, k"], {"k": 10.0})
    out = js.simulate(network, times=[1.0], trajectories=5_000, seed=3, keep="trajectories", progress=False)
    steps = out["trajectories"].values[:, 0, 0] - start
    z = (steps.mean() - 10) / np.sqrt(10 / 5_000)
    assert abs(z) < 4
    assert set(range(4, 17)) <= set(steps.tolist())  # odd and even: single steps are seen
    assert float(out["variance"].values[0, 0]) == pytest.approx(steps.var(ddof=1), rel=1e-12)


def test_count_beyond_32_bits_is_an_overflow_status():
    network = js.Network({"X": 2**31 - 3}, ["-> X, k"], {"k": 10.0})
    with pytest.warns(js.SimulationWarning, match=r"beyond 2\*\*31"):
        out = js.simulate(network, times=[1.0], trajectories=200, progress=False)
    assert int(out["status"].sel(ending="overflow")) > 190
    assert np.isnan(out["mean"].values).all()


def clock(rate, end, trajectories):
    """Total number of events of a process of constant rate, as a z-score."""
    network = js.Network({"X": 0}, ["X -> X @ 0.5*k", "-> X @ 0.5*k"], {"k": rate})
    out = js.simulate(network, times=[end], trajectories=trajectories, seed=8, progress=False)
    expected = rate * end * trajectories
    return (out.attrs["events"] - expected) / np.sqrt(expected)


def test_clock_does_not_drift():
    """A running float32 clock is off by 2.6 % here, 6,500 standard errors."""
    assert abs(clock(1e5, 100.0, 64)) < 4


@pytest.mark.slow
def test_clock_does_not_drift_at_a_rate_of_a_million():
    assert abs(clock(1e6, 100.0, 64)) < 4


def births_and_deaths(start, rate=1.0, **options):
    network = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": rate, "d": 0.25})
    options = {"trajectories": 20_000, "seed": 2, **options}
    return js.simulate(network, start=start, times=[start + 4, start + 8], progress=False, **options)


@pytest.mark.parametrize("start", [-1e9, 1.7e9, 1e12])
def test_the_clock_may_be_far_from_zero(start):
    """Poisson with mean 4 (1 - exp(-t/4)); rounding at 1e12 moves a rate by 1e-9 of itself."""
    out = births_and_deaths(start)
    mean = 4 * (1 - np.exp(-np.array([1.0, 2.0])))
    z_mean = (out["mean"].values[:, 0] - mean) / np.sqrt(mean / 20_000)
    z_variance = (out["variance"].values[:, 0] - mean) / np.sqrt((mean + 2 * mean**2) / 20_000)
    assert np.abs([z_mean, z_variance]).max() < 4  # two-sided tail 6e-5, of 4 comparisons


FAR = [
    (1e16, {}),
    (-1e16, {}),
    (1e16, {"schedule": js.Schedule(X=js.Dose(1, at=1e16 + 2))}),
    (1e16, {"method": "hybrid", "rate": 1e5}),
    pytest.param(1e16, {"method": "auto"}, marks=pytest.mark.slow),
    pytest.param(1e16, {"method": "tau_leap", "rate": 1e5}, marks=pytest.mark.slow),
    pytest.param(1e16, {"method": "trapezoidal_tau_leap", "rate": 1e5}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("start", "options"), FAR)
def test_a_clock_that_cannot_tell_events_apart_is_a_status(start, options):
    with pytest.warns(js.SimulationWarning, match="count times from a start near zero"):
        out = births_and_deaths(start, trajectories=64, **options)
    assert int(out["status"].sel(ending="clock not resolved")) == 64
    assert np.isnan(out["mean"].values).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mean_field", "langevin"])
def test_methods_that_count_time_between_points_are_right_far_from_zero(method):
    near, far = (births_and_deaths(start, rate=1e4, method=method, trajectories=500) for start in (0.0, 1e16))
    assert np.allclose(near["mean"].values, far["mean"].values, rtol=1e-6 if method == "mean_field" else 0.01)


def test_gradients_and_estimates_refuse_steps_that_are_not_resolved():
    network = js.Network({"X": 0}, ["-> X, k"], {"k": 1.0})
    with pytest.raises(js.SimulationError, match="cannot be told apart at the time 1e"):
        js.gradient(network, js.mean("X", at=1e16 + 8), free=["k"], start=1e16, trajectories=64)
    with pytest.raises(js.SimulationError, match="cannot be told apart at the time 1e"):
        js.estimate(network, "X", at=1e16 + 8, start=1e16)


def test_triggered_event_resets_at_a_threshold():
    network = js.Network({"X": 0}, ["-> X, k"], {"k": 10.0}, events=[js.Event("X >= 20", {"X": "0"})])
    number = 100_000
    out = js.simulate(network, times=[5.0, 10.0], trajectories=number, seed=5, histograms={"X": 20}, progress=False)
    for row, t in enumerate((5.0, 10.0)):
        counts = np.arange(600)
        law = np.bincount(counts % 20, stats.poisson.pmf(counts, 10 * t))
        assert law_p_value(out["histogram_X"].values[row], law, number) > 1e-5


def test_events_cascade_by_priority():
    network = js.Network(
        {"A": 0, "B": 0, "C": 0},
        ["-> A, k"],
        {"k": 10.0},
        events=[
            js.Event("A >= 3", {"B": "B + 1", "A": "0"}, priority=1),
            js.Event("B >= 2", {"C": "C + 1", "B": "0"}),
        ],
    )
    out = js.simulate(network, times=[5.0], trajectories=2_000, seed=5, keep="trajectories", progress=False)
    a, b, c = out["trajectories"].values[:, 0].T
    assert a.max() <= 2
    assert b.max() <= 1
    total = a + 3 * b + 6 * c
    assert abs(total.mean() - 50) < 4 * np.sqrt(50 / 2_000)


def test_random_partition_at_division_is_binomial():
    """Division once, at a rate that no count changes; what is left is Binomial(X, 1/2)."""
    network = js.Network(
        {"X": 37, "D": 0},
        [js.Reaction({}, {}, "10*(1 - D)", {"X": "binomial(X, 0.5)", "D": "1"})],
    )
    number = 100_000
    out = js.simulate(network, times=[20.0], trajectories=number, seed=6, histograms={"X": 38}, progress=False)
    assert law_p_value(out["histogram_X"].values[0], stats.binom.pmf(np.arange(38), 37, 0.5), number) > 1e-5


def flips(idle):
    """A flip of S at 1/9 each way, whose way back is counted by N and makes a random effect."""
    back = js.Reaction({"S": 1}, {"N": 1}, "S/9", effects={"D": "binomial(D, 0.5)"})
    species = {"S": 0, "N": 0, "D": 0} | {f"I{i}": 0 for i in range(idle)}
    return js.Network(species, ["-> S @ (1 - S)/9", back])


FLIP_TIMES = np.array([0.0, 24.0, 48.0, 72.0, 95.0])


def flip_scores(idle, number=20_000):
    """How far P(S = 1) and the mean of N are from their closed forms after the start, in standard errors."""
    out = js.simulate(flips(idle), times=FLIP_TIMES, trajectories=number, seed=5, progress=False)
    out = out.isel(time=slice(1, None))
    fade = np.exp(-2 * FLIP_TIMES[1:] / 9)
    expected = {"S": (1 - fade) / 2, "N": FLIP_TIMES[1:] / 18 - (1 - fade) / 4}
    return np.array([
        (out["mean"].sel(species=name) - value) / np.sqrt(out["variance"].sel(species=name) / number)
        for name, value in expected.items()
    ])  # fmt: skip


def test_states_at_save_times_do_not_hold_the_effect_that_comes_after_them():
    assert np.abs(flip_scores(14)).max() < 4  # two-sided tail 6e-5, of 8 comparisons


def test_saving_only_in_the_event_loop_would_be_seen(monkeypatch):
    """Negative control: lanes that wait for their effect are not saved before it."""
    from jaxsim.kernels import turnover

    monkeypatch.setattr(turnover, "save_before_event", lambda program, lanes, times: lanes)
    assert np.abs(flip_scores(15)).max() > 20  # one species more, since programs are kept


def test_effects_conserve_what_they_move():
    network = js.Network(
        {"IN": 100, "OUT": 0, "DEAD": 0},
        [
            js.Reaction({}, {}, "0.5*(1 - DEAD)", {"OUT": "OUT + IN", "IN": "0", "DEAD": "1"}),
            "IN -> OUT, 0.1",
        ],
    )
    out = js.simulate(network, times=[1.0, 3.0], trajectories=3_000, seed=6, keep="trajectories", progress=False)
    states = out["trajectories"].values
    assert (states[:, :, 0] + states[:, :, 1] == 100).all()
    assert (states[:, :, 0][states[:, :, 2] == 1] == 0).all()
    z = (states[:, 1, 2].mean() - (1 - np.exp(-1.5))) / np.sqrt(np.exp(-1.5) * (1 - np.exp(-1.5)) / 3_000)
    assert abs(z) < 4
