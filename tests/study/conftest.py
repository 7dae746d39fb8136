"""A small study with every kind of statistic, its results at once, and processes that run it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jaxsim as js

STUDY = """
[study]
name = "epidemic"
seed = 11

[model]
species = {S = 60, I = 5, R = 0}
parameters = {beta = 0.5, gamma = 0.2}
reactions = ["S + I -> 2 I @ beta*S*I/65", "I -> R, gamma"]

[design]
kind = "grid"
parameters.beta.values = [0.3, 0.5, 0.8]

[simulation]
times = {stop = 20.0, step = 5.0}
trajectories = 1500
chunk = 400

[outputs]
observables = {sick = "I/65"}

[statistics]
covariance = true
quantiles = [0.1, 0.5, 0.9]
histograms = {R = [0, 70, 5]}
passages = {extinct = "I == 0"}
"""


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """The study file; its twelve chunks are three blocks of 400 and one of 300 of each of three points."""
    path = tmp_path_factory.mktemp("study") / "epidemic.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="session")
def at_once(study):
    """Its store, run by this process without a break."""
    store = study.with_name("at_once.store")
    assert js.run_study(study, store, progress=False).complete
    return store


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """Of processes that share compiled programs on disk, and nothing else."""
    return {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(Path(js.__file__).parent.parent),
    }


@pytest.fixture(scope="session")
def start(environment):
    """A function that starts ``jaxsim`` with these arguments and returns the process."""

    def started(*arguments, **variables):
        return subprocess.Popen(
            [sys.executable, "-m", "jaxsim", *map(str, arguments)],
            env={**environment, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return started


@pytest.fixture(scope="session")
def finish(start):
    """A function that runs ``jaxsim`` to its end and returns (exit code, standard output, standard error)."""

    def finished(*arguments, **variables):
        process = start(*arguments, **variables)
        out, err = process.communicate(timeout=1800)
        return process.returncode, out, err

    return finished


def bits(store):
    """Every value of the results of a store, as bytes by name."""
    data = js.open_study(store)
    return {str(name): np.ascontiguousarray(data[name].values).tobytes() for name in data.variables}


@pytest.fixture(scope="session")
def same():
    """A function that asserts that two stores hold the same bits."""

    def compare(one, other):
        found, wanted = bits(one), bits(other)
        assert found.keys() == wanted.keys()
        assert [name for name in wanted if found[name] != wanted[name]] == []

    return compare
