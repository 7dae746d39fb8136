"""Rare events by importance sampling over seeds, against closed forms:

``python -m benchmarks.gradients.gradient_rare OUT.json``.

Reports z of values and slopes, coverage of 95 % intervals, refusals, and what plain Monte Carlo would cost for the same
standard error: its trajectories are p (1 - p) / error^2, each at the processor time of one that `score` follows.
"""

import json
import sys
import time

import numpy as np

import jaxsim as js
from benchmarks.record import describe

SEEDS, TRAJECTORIES = 40, 4096
SETTINGS = {"method": "importance", "trajectories": TRAJECTORIES}
BIRTH, DEATH, TIME = 1.0, 0.2, 3.0


def extinction(birth, death, founders):
    grown = np.exp((birth - death) * TIME)
    return (death * (grown - 1.0) / (birth * grown - death)) ** founders


def cases():
    """Name, network, objective, free numbers, probability and slopes."""
    h = 1e-5
    for founders in (8, 12):
        network = js.Network({"X": founders}, ["X -> 2 X @ b*X", "X -> @ d*X"], {"b": BIRTH, "d": DEATH})
        slopes = [
            (extinction(BIRTH + h, DEATH, founders) - extinction(BIRTH - h, DEATH, founders)) / (2 * h),
            (extinction(BIRTH, DEATH + h, founders) - extinction(BIRTH, DEATH - h, founders)) / (2 * h),
        ]
        right = extinction(BIRTH, DEATH, founders)
        yield f"extinction of {founders}", network, js.probability("X == 0", at=TIME), ["b", "d"], right, slopes
    network = js.Network({"S": 200, "R": 0}, ["S -> S + R @ u*S", "S -> @ m*S"], {"u": 1e-8, "m": 0.3})
    right = 200 * (1 - np.exp(-0.6)) / 0.3  # first order in so small a rate: the rest is 3e-6 of it
    yield "resistance", network, js.probability("R >= 1", at=2.0), ["u"], right * 1e-8, [right]


def measured(network, objective, free, right, slopes):
    """Run all seeds of one case."""
    values, refused, spent, error = [], [], 0.0, 0.0
    for seed in range(SEEDS + 1):  # the first compiles
        began = time.process_time()
        try:
            found = js.gradient(network, objective, free=free, seed=seed, **SETTINGS)
        except js.SimulationError as refusal:
            refused.append(str(refusal))
            continue
        if seed:
            spent += time.process_time() - began
            pairs = ((found.value - right) / found.value_error, *(found.vector - slopes) / found.error)
            values.append([float(z) for z in pairs])
            error += found.value_error**2
    z, ran = np.array(values), len(values)
    began = time.process_time()
    plain = js.gradient(network, objective, free=free, trajectories=1 << 15, seed=1, method="score")
    each = (time.process_time() - began) / plain.trajectories  # compiling included in a first run, so once more
    began = time.process_time()
    js.gradient(network, objective, free=free, trajectories=1 << 15, seed=2, method="score")
    each = min(each, (time.process_time() - began) / plain.trajectories)
    return {
        "probability": right,
        "largest_z": np.abs(z).max(axis=0).tolist(),
        "coverage": np.mean(np.abs(z) < 1.96, axis=0).tolist(),
        "mean_z": z.mean(axis=0).tolist(),
        "relative_error": float(np.sqrt(error / ran) / right),
        "refused": refused,
        "seconds": spent / ran,
        "times_cheaper": right / (error / ran) * each / (spent / ran),
    }


def main():
    """Write the record."""
    record = describe() | {"seeds": SEEDS, "trajectories": TRAJECTORIES, "cases": {}}
    for name, *case in cases():
        record["cases"][name] = measured(*case)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)


if __name__ == "__main__":
    main()
