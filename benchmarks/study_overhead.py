"""Throughput of a study against js.simulate on the same trajectories, both compiled before, and what survives a sweep.

    python benchmarks/study_overhead.py [--trajectories N] [--repeats R] [--out FILE.json]

Prints one JSON record: machine, versions, seconds of both in turns, and the ratio of their medians.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import jax

import jaxsim as js
from jaxsim.ensemble.provenance import provenance

STUDY = """
[study]
seed = 1
[model]
species = {{X = 0}}
parameters = {{k = 1000.0, d = 1.0}}
reactions = ["-> X, k", "X -> , d"]
[simulation]
times = [1.0]
trajectories = {trajectories}
"""


def study_seconds(folder: Path, trajectories: int, turn: int) -> float:
    """Return the seconds that the chunks of a fresh store take, from the first claim to the last commit."""
    path = folder / f"turn{turn}.toml"
    path.write_text(STUDY.format(trajectories=trajectories))
    js.run_study(path, progress=False)
    (run,) = (json.loads(p.read_text()) for p in (folder / f"turn{turn}.store" / "runs").glob("*.json"))
    return float(run["wall_seconds"])


def kernel_seconds(trajectories: int) -> float:
    """Return the seconds that js.simulate takes for the same trajectories."""
    net = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 1000.0, "d": 1.0})
    began = time.perf_counter()
    js.simulate(net, times=[1.0], trajectories=trajectories, seed=1, progress=False)
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns and print the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trajectories", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        study_seconds(Path(place), given.trajectories // 10, -1)
        kernel_seconds(given.trajectories // 10)
        pairs = [
            (study_seconds(Path(place), given.trajectories, turn), kernel_seconds(given.trajectories))
            for turn in range(given.repeats)
        ]
    record = {
        "benchmark": "study overhead",
        "date": time.strftime("%Y-%m-%d"),
        "trajectories": given.trajectories,
        "study_seconds": [round(a, 3) for a, _ in pairs],
        "kernel_seconds": [round(b, 3) for _, b in pairs],
        "ratio_of_medians": round(statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs), 4),
        **provenance(tuple(jax.local_devices())),
    }
    text = json.dumps(record, indent=1)
    print(text)
    if given.out:
        Path(given.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
