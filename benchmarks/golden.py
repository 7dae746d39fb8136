"""Digests of the numbers of some thirty small runs, one for each way through the engine.

A change of structure must leave every one of them as it was. Digests hold on one processor, one JAX and one jaxlib, so
the record is written before a change and checked after it, on one machine:

    python benchmarks/golden.py --write before.json
    python benchmarks/golden.py --check before.json
"""

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import jaxsim as js

TIMES = np.linspace(0.0, 6.0, 7)


def chain() -> js.Network:
    """A birth-death chain with a dimer: constant rates, mass action."""
    return js.Network({"A": 50, "B": 0}, ["A -> B, 1", "B -> A, .5", "A + A -> B, .01", "-> A, 2", "B -> , .1"])


def large() -> js.Network:
    """The same with counts that leaps are for, and a stiff pair."""
    return js.Network(
        {"A": 50_000, "B": 0, "C": 500, "D": 500},
        ["A -> B, 1", "B -> A, .5", "A + A -> B, .00001", "-> A, 2000", "B -> , .1", "C -> D, 900", "D -> C, 900"],
    )


def sampled() -> js.Network:
    """Sampled parameters and starts, a rate that varies with the time, a random effect and an event."""
    division = js.Reaction({}, {}, "0.2*X/(1 + X)", {"X": "binomial(X, 0.5)"})
    return js.Network(
        {"A": 50, "B": 0, "X": js.Poisson(30.0)},
        ["A -> B, k", "B -> A, .5", "-> X @ k*(1 + cos(t))", "X -> , d", division],
        {"k": js.Lognormal(1.0, 0.3), "d": 0.1},
        events=[js.Event("A < 20", {"A": "A + 5"})],
    )


def dosed() -> js.Network:
    """Deaths driven by a drug, and births."""
    return js.Network(
        {"X": 80, "Y": 0}, ["X -> 2 X, 0.1", "X -> Y @ kill*drug*X", "Y -> , 0.3"], {"kill": 0.2},
        inputs={"drug": js.OneCompartment(elimination_rate=0.35, volume=1.0)},
    )  # fmt: skip


def regimen(at: Any = (1.0, 3.0)) -> js.Schedule:
    """Two boluses of a drug with a half-life of 2 h."""
    return js.Schedule(drug=js.Dose(1.0, at=at))


def many() -> js.Network:
    """Sixty steps in a row."""
    return js.Network({f"S{i}": 100 * (i == 0) for i in range(60)}, [f"S{i} -> S{i + 1}, 1" for i in range(59)])


def pairs() -> js.Network:
    """240 bindings of 15 species."""
    of = [(i, j) for i in range(15) for j in range(i, 15)] * 2
    return js.Network(
        {f"S{i}": 10 for i in range(15)}, [f"S{i} + S{j} -> S{i} + S{(j + 1) % 15}, {0.01 + 0.001 * i}" for i, j in of]
    )


def simulated(network: Callable[[], js.Network], **options: Any) -> Callable[[], Any]:
    """A run of js.simulate."""
    return lambda: js.simulate(
        network(), **{"times": TIMES, "trajectories": 300, "seed": 4, "progress": False, **options}
    )


def differentiated(method: str) -> Callable[[], Any]:
    """A gradient in the times of two doses and in a rate."""

    def run() -> Any:
        return js.gradient(
            dosed(), js.mean("X", at=6.0), schedule=regimen(), free=["kill", "drug.at"], method=method,
            trajectories=512, seed=3,
        )  # fmt: skip

    return run


def searched() -> Any:
    """A search over the times of two doses."""
    return js.optimise(
        dosed(), regimen(js.free(0, 5, start=[0.5, 4.0])), minimise=js.mean("X", at=6.0), trajectories=2000, seed=3,
        starts=4, budget=8000, check=0,
    )  # fmt: skip


def studied() -> Any:
    """A study of two points, run into a store and read again."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.toml"
        file.write_text(STUDY)
        js.run_study(file, Path(folder) / "store", progress=False)
        return js.open_study(Path(folder) / "store").load()


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
parameters.beta.values = [0.3, 0.8]

[simulation]
times = {stop = 20.0, step = 5.0}
trajectories = 500
chunk = 200

[statistics]
covariance = true
quantiles = [0.1, 0.5, 0.9]
histograms = {R = [0, 70, 5]}
passages = {extinct = "I == 0"}
"""

ESTIMATORS = (
    *("score", "leap_score", "surrogate", "controlled_score", "controlled_exact_score", "mean_field", "langevin"),
    *("difference", "split_difference"),
)
LEAPS = ("tau_leap", "midpoint_tau_leap", "trapezoidal_tau_leap", "implicit_tau_leap", "hybrid")

RUNS: dict[str, Callable[[], Any]] = {
    "direct": simulated(chain),
    "direct, by XLA": simulated(chain, backend="xla"),
    "direct, trajectories kept": simulated(chain, keep="trajectories", covariance=True, quantiles=(0.1, 0.5)),
    "direct, passages and histograms": simulated(chain, passages={"low": "A < 20"}, histograms={"A": [0, 60, 5]}),
    "thinning, sampled": simulated(sampled, keep="trajectories"),
    "thinning, sampled, by XLA": simulated(sampled, keep="trajectories", backend="xla"),
    "thinning, doses": simulated(dosed, schedule=regimen(), passages={"gone": "X == 0"}),
    "thinning, doses, by XLA": simulated(dosed, schedule=regimen(), backend="xla"),
    "thinning, float64": simulated(dosed, schedule=regimen(), precision="float64"),
    "blocked": simulated(many, trajectories=60),
    "partial propensities": simulated(pairs, trajectories=60),
    **{name: simulated(large, method=name) for name in LEAPS},
    "tau_leap, doses": simulated(dosed, method="tau_leap", schedule=regimen()),
    "tau_leap, sampled": simulated(sampled, method="tau_leap"),
    "auto": simulated(dosed, method="auto", schedule=regimen()),
    "langevin": simulated(dosed, method="langevin", schedule=regimen()),
    "mean_field": simulated(dosed, method="mean_field", schedule=regimen()),
    "mean_field, side by side": simulated(
        dosed, method="mean_field", schedule=regimen(), parameters={"kill": np.linspace(0.1, 0.9, 70)}
    ),
    "linear_noise": simulated(chain, method="linear_noise"),
    "js.mean_field": lambda: js.mean_field(dosed(), times=TIMES, schedule=regimen()),
    "replay": lambda: js.replay(sampled(), times=TIMES, trajectory=17, seed=4),
    "estimate": lambda: js.estimate(dosed(), "X", at=6.0, relative_error=0.01, schedule=regimen(), seed=5),
    **{f"gradient, {method}": differentiated(method) for method in ESTIMATORS},
    "check_gradient": lambda: js.check_gradient(
        dosed(), js.mean("X", at=6.0), free=["kill"], schedule=regimen(), trajectories=256, pairs=64, seed=3
    ),
    "optimise": searched,
    "study": studied,
    "cells": lambda: js.models.cell_study(cells=300, hours=24.0, progress=False),
    "organism": lambda: js.models.organism_study(js.models.scenarios()[:2], days=2, animals=2, method="tau_leap"),
    "coupled": lambda: js.models.coupled_study(arms=js.models.scenarios()[:2], tumour=300, days=1.0),
}


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every array and number in a result, by its place; what the clock or the question makes is left out."""
    if any(word in path for word in LEFT_OUT):
        return
    if hasattr(value, "data_vars"):
        for name in sorted(map(str, value.variables)):
            if not any(word in name for word in LEFT_OUT):
                yield f"{path}.{name}", np.asarray(value[name].values)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from numbers(value[key], f"{path}.{key}")
    elif dataclasses.is_dataclass(value):
        for field in sorted(field.name for field in dataclasses.fields(value)):
            yield from numbers(getattr(value, field), f"{path}.{field}")
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for field in sorted(value._fields):
            yield from numbers(getattr(value, field), f"{path}.{field}")
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            yield from numbers(each, f"{path}.{index}")
    elif isinstance(value, (bool, int, float)) or hasattr(value, "__array__"):
        yield path, np.asarray(value)


LEFT_OUT = ("seconds", "cost", "processor", "provenance", "gain_of", "ratio", "terms")


def digest(value: Any) -> str:
    """A short digest of every number in a result."""
    summed = hashlib.sha256()
    count = 0
    for path, array in numbers(value):
        count += 1
        plain = array.astype(str) if array.dtype.kind in "OU" else array
        summed.update(f"{path}{plain.dtype.kind}{plain.shape}".encode())
        summed.update(np.ascontiguousarray(plain).tobytes())
    if not count:
        raise ValueError("a result without a number")
    return f"{summed.hexdigest()[:16]} of {count}"


def main() -> int:
    """Write the digests, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="write the digests to this file")
    parser.add_argument("--check", type=Path, help="compare with this file")
    parser.add_argument("--only", default="", help="runs whose name holds this")
    arguments = parser.parse_args()
    before = json.loads(arguments.check.read_text()) if arguments.check else {}
    now: dict[str, str] = {}
    differ = []
    for name, run in RUNS.items():
        if arguments.only not in name:
            continue
        now[name] = digest(run())
        same = before.get(name) == now[name]
        print(f"{name:34} {now[name]:28}", ("" if same else f"WAS {before.get(name)}") if before else "", flush=True)
        if before and not same:
            differ.append(name)
    if arguments.write:
        arguments.write.write_text(json.dumps(now, indent=1) + "\n")
    if differ:
        print(f"{len(differ)} of {len(now)} differ: {', '.join(differ)}")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())
