"""Memory does not grow with the number of trajectories."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's account of memory")

CODE = """
from pathlib import Path
import jaxsim as js

def peak():  # of this program alone; getrusage would give that of its parent at the fork if larger
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

net = js.Network({{"X": 3}}, ["X -> , d", "-> X, k"], {{"d": 1.0, "k": 0.5}})
js.simulate(net, times=[1.0], trajectories=100_000, progress=False)
before = peak()
out = js.simulate(net, times=[1.0], trajectories={number}, progress=False)
after = peak()
assert int(out["reached"].values[0]) == {number}
print(before, after)
"""


def peak_memory(number):
    """Peak resident memory in KiB before and after running `number` trajectories."""
    code = CODE.format(number=number)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return map(int, done.stdout.split())


def test_memory_is_constant():
    before, after = peak_memory(3_000_000)
    assert after < before + 30_000
    assert after < 1_000_000


@pytest.mark.slow
def test_a_hundred_million_trajectories_fit_in_a_gigabyte():
    before, after = peak_memory(100_000_000)
    assert after < before + 60_000
    assert after < 1_000_000
