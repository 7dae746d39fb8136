"""Stochastic means of .net models against BioNetGen's own simulator, where its program `run_network` is at hand.

``pip install bionetgen`` brings it, in an environment of its own; JAXSIM_RUN_NETWORK names the program. Means at three
times lie within 4 standard errors: of some 300 comparisons right ones fail with a chance of 2 %, and seeds are fixed.
"""

import os
import shutil
import subprocess

import numpy as np
import pytest

import jaxsim as js

RUNS, OURS = 300, 20_000  # trajectories
LEAST = 25  # molecules in all runs together, below which a mean is far from normal
# The end of each: some thousand events at most, since the program starts anew for every trajectory.
ENDS = {
    "birth-death": 2.0,
    "higherorder": 0.01,
    "motor": 0.1,
    "Repressilator": 1.0,
    "test_mratio": 20.0,
    "multistate": 1.0,
    "multisite2": 0.02,
}


@pytest.fixture(scope="module")
def program():
    found = os.environ.get("JAXSIM_RUN_NETWORK") or shutil.which("run_network")
    if not found:
        pytest.skip("no BioNetGen: set JAXSIM_RUN_NETWORK to its program run_network (pip install bionetgen)")
    return found


def their_states(program, path, end, folder):
    """Counts of every species at three times, [run, time, species]."""
    states = []
    for run in range(RUNS):
        command = [program, "-p", "ssa", "-h", str(run + 1), "-g", path, "-o", folder / "out", path, str(end / 3), "3"]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-500:]
        states.append(np.loadtxt(folder / "out.cdat", ndmin=2)[1:, 1:])
    return np.array(states)


def scores(mean, theirs, ours):
    """Differences in standard errors, of the species that enough molecules are there of."""
    variance = ours["variance"].values
    known = (variance > 0) & (RUNS * ours["mean"].values > LEAST)
    error = np.sqrt(variance[known] * (1 / RUNS + 1 / OURS))
    still = variance == 0
    assert np.array_equal(theirs[still], ours["mean"].values[still])
    return (mean[known] - theirs[known]) / error


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_means_agree_with_bionetgen(program, networks_folder, tmp_path, name):
    path, end = networks_folder / f"{name}.net", ENDS[name]
    times = np.array([1, 2, 3]) * end / 3
    ours = js.simulate(js.read(path), times=times, trajectories=OURS, seed=11, progress=False)
    theirs = their_states(program, path, end, tmp_path).mean(axis=0)
    z = scores(ours["mean"].values, theirs, ours)
    assert z.size > 0
    assert np.abs(z).max() < 4, f"of {z.size} means the worst is {np.abs(z).max():.2f} standard errors away"
    wrong = scores(ours["mean"].values + 0.5 * np.sqrt(ours["variance"].values), theirs, ours)
    assert np.abs(wrong).max() > 4
