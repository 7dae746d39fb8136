"""Two trees of this repository, run by run on one core: birth-death, a chain of 20, cells, a leap and a score.

``python -m benchmarks.speed.trees OLD NEW`` alternates processes of both and writes a JSON record of processor seconds,
compile time apart, with the ratio of the medians: what a change of structure costs.
"""

import argparse
import inspect
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import record


def measured() -> dict[str, float]:
    """Return processor seconds of each case, the median of five runs after one that compiles."""
    import jaxsim as js

    birth_death = js.Network({"X": 100}, ["-> X, 50", "X -> , 0.5"])
    chain = js.Network({f"S{i}": 100 * (i == 0) for i in range(20)}, [f"S{i} -> S{i + 1}, 1" for i in range(19)])
    reactions = ["A -> B, 1", "B -> A, .5", "A + A -> B, .00001", "-> A, 2000", "B -> , .1"]
    large = js.Network({"A": 50_000, "B": 0}, reactions)
    free = js.Network({"X": 100}, ["-> X, k", "X -> , 0.5"], {"k": 50.0})
    quiet = {"seed": 1, "progress": False}
    cases = {
        "birth-death": lambda: js.simulate(birth_death, times=[10.0], trajectories=200_000, **quiet),
        "chain of 20": lambda: js.simulate(chain, times=[20.0], trajectories=40_000, **quiet),
        "cells": lambda: js.models.cell_study(cells=12_000, progress=False),
        "tau_leap": lambda: js.simulate(large, times=[4.0], trajectories=16_000, method="tau_leap", **quiet),
        "score": lambda: js.gradient(
            free, js.mean("X", at=4.0), free=["k"], method="score", trajectories=64_000, seed=1
        ),
    }  # fmt: skip
    found = {}
    for name, run in cases.items():
        run()
        seconds = []
        for _ in range(5):
            began = time.process_time()
            run()
            seconds.append(time.process_time() - began)
        found[name] = statistics.median(seconds)
    return found


def main() -> None:
    """Run both trees in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs=2, type=Path, help="the old and the new one")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--out", type=Path, default=record.default_path("trees"))
    options = parser.parse_args()
    program = f"import json, statistics, time\n{inspect.getsource(measured)}\nprint(json.dumps(measured()))"
    rows: dict[str, list[dict[str, float]]] = {str(tree): [] for tree in options.trees}
    for _ in range(options.repeats):
        for tree, found in rows.items():
            command = ["taskset", "-c", str(options.core), sys.executable, "-c", program]  # imports from its folder
            said = subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True)
            found.append(json.loads(said.stdout.splitlines()[-1]))
    old, new = ({name: [run[name] for run in runs] for name in runs[0]} for runs in rows.values())
    ratio = {name: statistics.median(new[name]) / statistics.median(old[name]) for name in old}
    for name, value in ratio.items():
        print(f"{name:12} {statistics.median(old[name]):8.3f} {statistics.median(new[name]):8.3f} {value:6.3f}")
    record.write({**record.describe(), "seconds": {"old": old, "new": new}, "ratio": ratio}, options.out)


if __name__ == "__main__":
    main()
