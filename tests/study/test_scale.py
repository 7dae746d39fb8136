"""Studies of many trajectories and many design points: flat memory, one compilation."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STUDY = """
[model]
species = {{X = 3}}
parameters = {{d = 1.0, k = 0.5}}
reactions = ["X -> , d", "-> X, k"]
[design]
kind = "latin hypercube"
points = {points}
parameters.d = {{low = 0.5, high = 2.0}}
parameters.k = {{low = 0.1, high = 1.0}}
[simulation]
times = [1.0]
trajectories = {trajectories}
"""
CODE = """
import sys, jaxsim as js
from pathlib import Path
from jaxsim.runtime.programs import trace_count

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

js.run_study(sys.argv[1], progress=False)
before, traced = peak(), trace_count()
js.run_study(sys.argv[2], progress=False)
print(before, peak(), trace_count() - traced)
"""


def run_both(folder, small, large):
    """Peak memory in KiB after a small study and after a large one, and the programs traced by the second."""
    paths = []
    for name, (points, trajectories) in {"small": small, "large": large}.items():
        paths.append(folder / f"{name}.toml")
        paths[-1].write_text(STUDY.format(points=points, trajectories=trajectories))
    done = subprocess.run([sys.executable, "-c", CODE, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return map(int, done.stdout.split())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's account of memory")
def test_memory_is_flat_over_a_hundred_million_trajectories(tmp_path):
    before, after, _ = run_both(tmp_path, (2, 1_000_000), (2, 50_000_000))
    assert after < before + 60_000


def test_ten_thousand_design_points_compile_once(tmp_path):
    before, after, traced = run_both(tmp_path, (100, 100), (10_000, 100))
    assert traced == 0
    assert after < before + 120_000
