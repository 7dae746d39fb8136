"""Throughput of a study against js.simulate on the same trajectories, both compiled before.

    python -m benchmarks.speed.study_overhead [--trajectories N] [--repeats R] [--out FILE.json]

Prints one JSON record: machine, versions, wall and processor seconds of both in turns, and the ratios of their medians.
Reading the study file, making the store and opening it count as the study's.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import jax

import jaxsim as js
from benchmarks.speed.timed_study import study_seconds
from jaxsim.runtime.provenance import provenance


def kernel_seconds(trajectories: int) -> tuple[float, float]:
    """Return the wall and processor seconds that js.simulate takes for the same trajectories."""
    net = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 1000.0, "d": 1.0})
    began = time.perf_counter(), time.process_time()
    js.simulate(net, times=[1.0], trajectories=trajectories, seed=1, progress=False)
    return time.perf_counter() - began[0], time.process_time() - began[1]


def ratio(pairs: list[tuple[tuple[float, float], tuple[float, float]]], kind: int) -> float:
    """Return the median of the study's seconds over that of the kernel's; kind 0 is wall time, 1 processor time."""
    study, kernel = ([pair[side][kind] for pair in pairs] for side in (0, 1))
    return round(statistics.median(study) / statistics.median(kernel), 4)


def main() -> None:
    """Measure in turns and print the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trajectories", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        study_seconds(Path(place), -1, 1, given.trajectories // 10)
        kernel_seconds(given.trajectories // 10)
        pairs = [
            (study_seconds(Path(place), turn, 1, given.trajectories), kernel_seconds(given.trajectories))
            for turn in range(given.repeats)
        ]
    record = {
        "benchmark": "study overhead",
        "date": time.strftime("%Y-%m-%d"),
        "trajectories": given.trajectories,
        "study_wall_seconds": [round(study[0], 3) for study, _ in pairs],
        "kernel_wall_seconds": [round(kernel[0], 3) for _, kernel in pairs],
        "study_processor_seconds": [round(study[1], 3) for study, _ in pairs],
        "kernel_processor_seconds": [round(kernel[1], 3) for _, kernel in pairs],
        "ratio_of_wall_seconds": ratio(pairs, 0),
        "ratio_of_processor_seconds": ratio(pairs, 1),
        **provenance(tuple(jax.local_devices())),
    }
    text = json.dumps(record, indent=1)
    print(text)
    if given.out:
        Path(given.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
