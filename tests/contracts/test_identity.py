"""A trajectory is a pure function of (seed, design point, number): nothing else changes one bit of it."""

import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble.compiled import trace_count
from jaxsim.kernels import loop

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


def run(name, trajectories, **options):
    options = {"times": TIMES, "seed": 4, "keep": "trajectories", "progress": False, **options}
    return js.simulate(network(name), trajectories=trajectories, **options)


@cache
def reference(name):
    return run(name, 300, chunk=4096)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("chunk", [1, 17])
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


@pytest.mark.parametrize("name", NETWORKS)
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


@pytest.mark.parametrize("name", NETWORKS)
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
                         chunk=64, progress=False)["trajectories"].values
    sums[name] = states.tolist()
print(json.dumps(sums))
"""


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
