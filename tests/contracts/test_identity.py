"""A trajectory is a pure function of (seed, design point, number): nothing else changes one bit of it."""

import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import jaxsim as js
from jaxsim.kernels import loop
from jaxsim.runtime.programs import trace_count

TIMES = np.linspace(0.0, 6.0, 7)


def constant():
    return js.Network({"A": 50, "B": 0}, ["A -> B, 1", "B -> A, .5", "A + B -> 2 A, .01"])


def varying_with_sampled_rates():
    return js.Network(
        {"A": 50, "B": 0, "X": js.Poisson(3.0)},
        ["A -> B, 1", "B -> A, .5", "-> X @ k*(1 + cos(t))", "X -> , d"],
        {"k": js.Lognormal(5.0, 0.3), "d": 0.5},
    )


def random_effects():
    division = js.Reaction({}, {}, "0.2*X/(1 + X)", {"X": "binomial(X, 0.5)"})
    return js.Network({"X": 40}, ["X -> 2 X, b", division, "X -> , d"], {"b": 0.2, "d": 0.1})


def many_reactions():
    size = 60
    return js.Network({f"S{i}": 100 * (i == 0) for i in range(size)}, [f"S{i} -> S{i + 1}, 1" for i in range(size - 1)])


def many_reactions_between_few():
    """240 bindings of 15 species, and of one that each trajectory draws."""
    pairs = [(i, j) for i in range(15) for j in range(i, 15)]
    species = {f"S{i}": 10 for i in range(14)} | {"S14": js.Poisson(12.0)}
    return js.Network(species, [f"S{i} + S{j} -> S{i} + S{(j + 1) % 15}, {0.01 + 0.001 * i}" for i, j in pairs * 2])


KINDS = (constant, varying_with_sampled_rates, random_effects, many_reactions, many_reactions_between_few)
NETWORKS = {f.__name__: f for f in KINDS}


@cache
def network(name):
    return NETWORKS[name]()


FEW_OF_MANY = [pytest.param(name, marks=[pytest.mark.slow] * name.startswith("many")) for name in NETWORKS]


def run(name, trajectories, **options):
    options = {"times": TIMES, "seed": 4, "keep": "trajectories", "progress": False, **options}
    return js.simulate(network(name), trajectories=trajectories, **options)


@cache
def reference(name):
    return run(name, 300, chunk=4096)


@pytest.mark.parametrize("name", FEW_OF_MANY)
@pytest.mark.parametrize("chunk", [pytest.param(1, marks=pytest.mark.slow), 17])
def test_chunk_size_does_not_show(name, chunk):
    number = 40 if chunk == 1 else 300
    states = run(name, number, chunk=chunk)["trajectories"].values
    assert np.array_equal(states, reference(name)["trajectories"].values[:number])


@pytest.mark.parametrize("name", NETWORKS)
def test_more_trajectories_leave_the_first_as_they_were(name):
    more = run(name, 700, chunk=4096)["trajectories"].values
    assert np.array_equal(more[:300], reference(name)["trajectories"].values)
    later = run(name, 100, chunk=4096, first=600)["trajectories"].values
    assert np.array_equal(more[600:], later)


@pytest.mark.parametrize("name", FEW_OF_MANY)
def test_interrupting_the_loop_every_few_events_does_not_show(name, monkeypatch):
    monkeypatch.setattr(loop, "SLICE", 0.0)
    monkeypatch.setattr(loop, "SLICE_LEAST", 23)
    states, traces = reference(name)["trajectories"].values, trace_count()
    slices = run(name, 300, chunk=301)["trajectories"].values
    assert trace_count() == traces + 1, "a program of short slices was made"
    assert np.array_equal(slices, states)


@pytest.mark.parametrize("name", NETWORKS)
def test_save_grid_does_not_show(name):
    end = run(name, 300, times=[6.0], chunk=4096)["trajectories"].values
    assert np.array_equal(end[:, 0], reference(name)["trajectories"].values[:, -1])


@pytest.mark.parametrize("name", FEW_OF_MANY)
def test_one_trajectory_can_be_replayed_alone_with_its_events(name):
    out = reference(name)["trajectories"].values[123]
    events = js.replay(network(name), times=TIMES, trajectory=123, seed=4)
    time, state = events["event_time"].values, events["state"].values
    assert np.all(np.diff(time) >= 0)
    for t, expected in zip(TIMES, out, strict=True):
        before = np.searchsorted(time, t, side="right")
        assert np.array_equal(state[before - 1] if before else out[0], expected)


def test_a_late_trajectory_is_the_same_alone():
    last = js.simulate(network("constant"), times=[1.0], trajectories=123_457, seed=9, progress=False)
    alone = js.simulate(
        network("constant"), times=[1.0], trajectories=1, first=123_456, seed=9, keep="trajectories", progress=False
    )
    events = js.replay(network("constant"), times=[1.0], trajectory=123_456, seed=9)
    assert np.array_equal(events["state"].values[-1], alone["trajectories"].values[0, 0])
    without = js.simulate(network("constant"), times=[1.0], trajectories=123_456, seed=9, progress=False)
    total = last["mean"].values[0] * 123_457 - without["mean"].values[0] * 123_456
    assert np.allclose(total, alone["trajectories"].values[0, 0], atol=1e-6)


def test_means_and_variances_do_not_depend_on_chunks_to_the_last_bit():
    one = run("constant", 5_000, chunk=4096, keep=None)
    two = run("constant", 5_000, chunk=371, keep=None)
    for name in ("mean", "variance"):
        assert np.array_equal(one[name].values, two[name].values)


def all_at_once(idle=0, variable=False):
    """Random and assigned effects, events that follow from each other, and doses, many of them at one save time.

    Idle species change how states are saved and how many lanes there are, and nothing else.
    """
    return js.Network(
        {"X": 40, "N": 0, "D": 0} | {f"I{i}": 0 for i in range(idle)},
        [
            js.Reaction({}, {"N": 1}, "0.2*X/(1 + X)", {"X": "binomial(X, 0.5)"}),
            js.Reaction({}, {}, "0.05*N", {"D": "D + N", "N": "0"}),
            "X -> 2 X, 0.3",
            "X -> , 0.1",
        ],
        variables={"V": 1.0} if variable else {},
        events=[
            js.Event("t >= 3", {"X": "X + binomial(X, 0.5)"}, priority=1),
            js.Event("X >= 45", {"X": "floor(X/2)", "D": "D + 1"}, persistent=True),
            js.Event("t >= 3 and D >= 1", {"D": "random_poisson(4)"}),  # that the one before may trigger
            js.Event("t > 6", {"N": "N + random_poisson(2)"}),  # at the very end
            js.Event("t > 0", {"N": "N + 1"}),  # at the very start
        ],
    )


AT_ONCE = js.Schedule(X=js.Dose([7, 10, 5], at=[0.0, 3.0, 6.0]), N=js.Dose(5, at=3.0))
UNEVEN = [0.0, 0.1, 3.0, 3.0 + 1e-9, 6.0]


def at_once(idle=0, variable=False, trajectories=300, **options):
    options = {"times": TIMES, "seed": 4, "keep": "trajectories", "progress": False, "schedule": AT_ONCE, **options}
    passages = {"many": "D >= 3"}
    return js.simulate(all_at_once(idle, variable), trajectories=trajectories, passages=passages, **options)


@cache
def all_kept():
    return at_once()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"idle": 14}, id="by crossings"),
        pytest.param({"idle": 14, "trajectories": 40, "chunk": 17, "times": UNEVEN}, id="few lanes"),
        pytest.param({"variable": True, "trajectories": 40, "chunk": 17}, id="with a variable", marks=pytest.mark.slow),
    ],
)
def test_what_happens_in_one_instant_is_saved_alike(options):
    """A lane that waits for a random effect was saved after it, if the others had nothing more to do meanwhile."""
    out, reference = at_once(**options), all_kept()
    times = np.intersect1d(out["time"].values, TIMES)
    species = ["X", "N", "D"]
    assert {0.0, 3.0, 6.0} <= set(times)
    got, expected = (
        found["trajectories"].sel(time=times, species=species).values[: out.attrs["trajectories"]]
        for found in (out, reference)
    )
    assert np.array_equal(got, expected[: len(got)])
    if len(got) == 300 and "times" not in options:
        assert np.array_equal(out["survival"].values, reference["survival"].values)
        assert np.array_equal(out["passage_mean"].values, reference["passage_mean"].values)


def test_what_happens_in_one_instant_is_replayed_alike():
    states = all_kept()["trajectories"].values[7]
    events = js.replay(all_at_once(), times=TIMES, trajectory=7, seed=4, schedule=AT_ONCE)
    after = np.searchsorted(events["event_time"].values, TIMES, side="right")
    assert np.array_equal(events["state"].values[after - 1], states)


def failing(idle):
    """Counts that fall below zero, because their rate does not vanish."""
    return js.Network({"X": 3, "N": 0} | {f"I{i}": 0 for i in range(idle)}, ["X -> N @ 1"])


@pytest.mark.filterwarnings("ignore::jaxsim.errors.SimulationWarning")
def test_what_a_failed_trajectory_had_reached_is_saved_alike():
    options = {"times": TIMES, "seed": 4, "keep": "trajectories", "progress": False}
    first = js.simulate(failing(idle=0), trajectories=300, **options)
    other = js.simulate(failing(idle=14), trajectories=40, chunk=7, **options)
    got, expected = (found["trajectories"].sel(species=["X", "N"]).values for found in (other, first))
    assert np.array_equal(got, expected[: len(got)])
    failed = (expected == -1).any(axis=(1, 2))
    assert 0 < failed.sum() < 300
    assert (expected[failed] >= 0).any()  # at save times before it failed


def test_waiting_for_other_lanes_is_not_counted_as_events():
    """Ten deaths and a look at nothing; lanes that have ended wait for the slowest."""
    network = js.Network({"X": 10}, ["X -> , 1"])
    out = js.simulate(network, times=[200.0], trajectories=2000, max_events=11, progress=False)
    assert int(out["status"].sel(ending="absorbed")) == 2000


TWO_DEVICES = """
import sys, json
import numpy as np
sys.path.insert(0, {folder!r})
import jax
import test_identity as t
import jaxsim as js
assert len(jax.devices()) == 2
sums = {{}}
for name in ("constant", "varying_with_sampled_rates"):
    states = js.simulate(t.network(name), times=t.TIMES, seed=4, trajectories=300, keep="trajectories",
                         chunk=64, backend="xla", progress=False)["trajectories"].values
    sums[name] = states.tolist()
print(json.dumps(sums))
"""


@pytest.mark.slow
def test_two_devices_do_not_show(tmp_path):
    import os
    from pathlib import Path

    code = TWO_DEVICES.format(folder=str(Path(__file__).parent))
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for name, states in json.loads(done.stdout).items():
        assert np.array_equal(np.array(states), reference(name)["trajectories"].values)


def test_seeds_and_points_give_different_trajectories():
    one, two = (run("constant", 100, seed=seed, chunk=4096)["trajectories"].values for seed in (4, 5))
    assert not np.array_equal(one, two)
    batch = js.simulate(
        js.Network({"X": 0}, ["-> X, k"], {"k": 1.0}),
        times=[5.0],
        trajectories=50,
        parameters={"k": [3.0, 3.0]},
        keep="trajectories",
        progress=False,
    )["trajectories"].values
    assert not np.array_equal(batch[0], batch[1])
