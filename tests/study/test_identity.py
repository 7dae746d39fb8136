"""A study gives the same bits however it is run: at once, in pieces, in shares, on two devices, by two processes."""

import inspect
import json
import random
import signal
import socket
import time

import jax
import numpy as np
import pytest

import jaxsim as js
from jaxsim.cli.main import main
from jaxsim.study.results import state_of
from jaxsim.study.run import REQUEUE
from jaxsim.study.store import open_store


def test_results_are_those_of_simulate(at_once):
    data = js.open_study(at_once)
    net = js.Network(
        {"S": 60, "I": 5, "R": 0}, ["S + I -> 2 I @ beta*S*I/65", "I -> R, gamma"], {"beta": 0.5, "gamma": 0.2},
        observables={"sick": "I/65"},
    )  # fmt: skip
    out = js.simulate(
        net, times=[0.0, 5.0, 10.0, 15.0, 20.0], trajectories=1500, seed=11, parameters={"beta": [0.3, 0.5, 0.8]},
        covariance=True, quantiles=[0.1, 0.5, 0.9], histograms={"R": (0, 70, 5)}, passages={"extinct": "I == 0"},
        progress=False,
    )  # fmt: skip
    for name in (
        "mean",
        "variance",
        "covariance",
        "quantiles",
        "histogram_R",
        "survival",
        "passed",
        "status",
        "reached",
    ):
        assert np.array_equal(data[name].values, out[name].values), name
    for name in ("observable_mean", "observable_variance", "passage_mean", "passage_variance"):  # sums of floats
        assert np.allclose(data[name].values, out[name].values, rtol=1e-12), name
    assert data["trajectories"].values.tolist() == [1500] * 3


def test_another_seed_gives_other_results(study, at_once, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(study.read_text().replace("seed = 11", "seed = 12"))
    js.run_study(other, progress=False)
    assert not np.array_equal(js.open_study(tmp_path / "other.store")["mean"], js.open_study(at_once)["mean"])


def test_four_tasks(study, at_once, same, tmp_path):
    store = tmp_path / "tasks"
    for task in (2, 0, 3):
        outcome = js.run_study(study, store, task=task, of=4, progress=False)
        assert not outcome.complete
    outcome = js.run_study(study, store, task=1, of=4, progress=False)
    assert outcome.complete
    same(store, at_once)


def number_of(folder):
    """Files in a folder that may not exist yet."""
    return sum(1 for path in folder.glob("*.json")) if folder.exists() else 0


def kill_and_resume(study, store, start, kills, generator):
    """Start the study again and again, kill each process at a random moment of its work, then let one finish.

    The moment is a random number of commits after the start and a random fraction of a chunk, so that a busy machine
    does not move all of them to before the first commit.
    """
    killed_at_work = 0
    for _ in range(kills):
        runs, done = number_of(store / "runs"), number_of(store / "ledger" / "done")
        commits = generator.randrange(5)
        process = start("run", study, "--store", store, "--quiet")
        while process.poll() is None and (
            number_of(store / "runs") == runs or number_of(store / "ledger" / "done") < done + commits
        ):
            time.sleep(0.001)
        time.sleep(generator.uniform(0.0, 0.1))
        process.kill()
        process.communicate()
        killed_at_work += process.returncode == -signal.SIGKILL
    assert js.resume_study(store, progress=False).complete
    return killed_at_work


def test_killed_at_random_moments(study, at_once, same, start, tmp_path):
    store = tmp_path / "killed"
    assert kill_and_resume(study, store, start, 2, random.Random(1)) >= 1
    same(store, at_once)


@pytest.mark.slow
def test_killed_at_fifty_random_moments(start, finish, same, tmp_path, study):
    long = tmp_path / "long.toml"  # long enough that fifty kills fall into it
    long.write_text(
        study.read_text()
        .replace("trajectories = 1500", "trajectories = 400_000")
        .replace("chunk = 400", "chunk = 4_000")
    )
    code, _, err = finish("run", long, "--store", tmp_path / "reference", "--quiet")
    assert code == 0, err
    killed = kill_and_resume(long, tmp_path / "killed", start, 50, random.Random(2))
    assert killed >= 40
    same(tmp_path / "killed", tmp_path / "reference")


def test_a_signal_lets_the_chunk_finish_and_asks_to_be_queued_again(study, at_once, same, start, tmp_path):
    store = tmp_path / "signalled"
    process = start("run", study, "--store", store)
    while process.poll() is None and not list((store / "runs").glob("*.json")):
        time.sleep(0.002)
    process.send_signal(signal.SIGUSR1)
    _, err = process.communicate(timeout=1800)
    assert process.returncode == REQUEUE, err
    assert "SIGUSR1" in err
    opened = open_store(store)
    assert set(opened.ledger.claimed()) == set(opened.ledger.done())  # nothing was cut off
    assert state_of(opened).lost == 0
    assert js.resume_study(store, progress=False).complete
    same(store, at_once)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["native", pytest.param("xla", marks=pytest.mark.slow)])
def test_two_simulated_devices(backend, study, same, finish, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(study.read_text().replace("[simulation]", f"[simulation]\nbackend = '{backend}'"))
    assert js.run_study(own, tmp_path / "one", progress=False).complete
    code, _, err = finish(
        "run", own, "--store", tmp_path / "two", "--quiet", XLA_FLAGS="--xla_force_host_platform_device_count=2"
    )
    assert code == 0, err
    assert open_store(tmp_path / "two").manifest["devices"] == ["cpu", "cpu"]
    same(tmp_path / "two", tmp_path / "one")


def test_two_processes_at_the_same_time(study, at_once, same, start, tmp_path):
    store = tmp_path / "two"
    processes = [start("run", study, "--store", store) for _ in range(2)]
    ends = [process.communicate(timeout=1800)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    opened = open_store(store)
    runs = [json.loads(path.read_text()) for path in opened.runs.glob("*.json")]
    assert sum(run["chunks"] for run in runs) == opened.plan.chunks  # none was computed twice
    same(store, at_once)


@pytest.mark.slow
def test_two_processes_of_jax_distributed(study, at_once, same, start, tmp_path):
    store = tmp_path / "distributed"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [
        start("run", study, "--store", store, "--distributed", "--coordinator", address, "--task", k, "--of", 2)
        for k in range(2)
    ]
    ends = [process.communicate(timeout=1800)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    runs = [json.loads(path.read_text())["chunks"] for path in open_store(store).runs.glob("*.json")]
    assert runs == [6, 6]  # twelve chunks: even ones by one process, odd ones by the other
    same(store, at_once)


@pytest.mark.parametrize("found", [[], ["--coordinator", "127.0.0.1:1", "--task", "0", "--of", "1"]])
def test_the_first_process_to_finish_waits_long_for_the_last(found, study, at_once, monkeypatch):
    real, told = inspect.signature(jax.distributed.initialize), []
    monkeypatch.setattr(jax.distributed, "initialize", lambda *a, **k: told.append(real.bind(*a, **k).arguments))
    monkeypatch.setattr(jax.distributed, "shutdown", lambda: told.append("left"))
    assert main(["run", str(study), "--store", str(at_once), "--distributed", "--quiet", *found]) == 0
    given, left = told
    assert left == "left"
    assert given["shutdown_timeout_seconds"] >= 24 * 3600  # shares may end hours apart; JAX gives up after 300 s
    assert given["heartbeat_timeout_seconds"] >= 600
    assert given["initialization_timeout"] >= 600
