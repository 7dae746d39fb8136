"""Ten minutes on a GPU: laws first, then speed, each step in a process of its own with a limit, one JSON record.

``scripts/gpu`` runs it. Nothing but jax, numpy, scipy, optax, diffrax, matplotlib and xarray has to be there, and no
network. A step that fails or runs out of time leaves its last words in the record, and the next one goes on. With
``--device cpu`` the same steps run at sizes of seconds, which shows that the command works.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import record
from benchmarks.speed import device
from benchmarks.speed.cases import CASES

Z_LIMIT = 4.0  # two-sided tail 6e-5; some 60 comparisons
ENOUGH = 100_000  # trajectories of a law on either device


class Sizes(NamedTuple):
    """How much each step simulates."""

    law: int
    events: tuple[int, ...]
    cells: int
    mice: int
    gradient: int


SIZES = {
    "gpu": Sizes(ENOUGH, (10**4, 10**5, 10**6, 10**7), 10**6, 10_000, 100_000),
    "cpu": Sizes(1000, (1000,), 1000, 8, 500),
}


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.step:
        Path(options.part).write_text(json.dumps(STEPS[options.step].run(SIZES[options.device])))
        return 0
    options.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"kind": "gpu", **record.describe(), "device": options.device, "gpu": gpu(), "steps": {}}
    ends = time.monotonic() + (options.seconds or {"gpu": 600.0, "cpu": 3600.0}[options.device])
    for name, step in STEPS.items():
        most = min(step.seconds * (1 if options.device == "gpu" else 4), ends - time.monotonic())
        print(f"\n== {name} (at most {most:.0f} s): {step.says}", flush=True)
        result["steps"][name] = attempt(name, step, most, options)
        record.write(result, options.out)
    good = [name for name, found in result["steps"].items() if found["status"] == "ok"]
    print(f"\n{len(good)} of {len(STEPS)} steps ended well; written to {options.out}")
    return 0 if len(good) == len(STEPS) else 1


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=[*SIZES], default="gpu", help="cpu tries the command out in minutes (gpu)")
    parser.add_argument("--seconds", type=float, help="for everything (600; 3600 on a CPU)")
    parser.add_argument("--out", type=Path, default=record.default_path("gpu"), help="the record (%(default)s)")
    parser.add_argument("--step", choices=[*STEPS], help=argparse.SUPPRESS)
    parser.add_argument("--part", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def gpu() -> str:
    """Name, driver and highest clock, or an empty string."""
    return record.said("nvidia-smi", "--query-gpu=name,driver_version,clocks.max.sm", "--format=csv,noheader")


def attempt(name: str, step: "Step", seconds: float, options: argparse.Namespace) -> dict:
    """Run one step in its own process; say how it ended, and its last words where it did not end well."""
    if seconds < 5.0:
        return {"status": "no time was left"}
    platform = {"JAX_PLATFORMS": "cuda,cpu" if options.device == "gpu" else "cpu", "PYTHONUNBUFFERED": "1"}
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", **platform, **dict(step.environment)}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.json"
        command = [
            sys.executable,
            "-m",
            "benchmarks.speed.gpu",
            "--device",
            options.device,
            "--step",
            name,
            "--part",
            str(part),
        ]
        try:
            done = subprocess.run(
                command, env=environment, timeout=seconds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            words = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
            print(words, f"stopped after {seconds:.0f} s", sep="\n")
            return {"status": f"stopped after {seconds:.0f} s", "output": words[-2000:]}
        print(done.stdout, flush=True)
        took = {"seconds": time.monotonic() - began}
        if done.returncode:
            return {"status": f"failed with {done.returncode}", "output": done.stdout[-4000:], **took}
        return {"status": "ok", "found": json.loads(part.read_text()), **took}


def laws(sizes: Sizes) -> list[dict]:
    """Means and variances of the default device beside those of XLA on the CPU, for the same seed."""
    import jax

    import jaxsim as js

    found = []
    for name in ("birth_death", "schlogl", "gene3", "chain20", "cell_fate"):
        case = CASES[name]
        times = np.linspace(0.0, min(case.time, 24.0), 4)[1:]
        outs = [
            js.simulate(
                case.network(), times=times, trajectories=sizes.law, schedule=case.schedule(), seed=1, progress=False,
                devices=devices, backend="xla",
            )
            for devices in (jax.devices()[:1], jax.devices("cpu")[:1])
        ]  # fmt: skip
        scores = [z_scores(*outs, which) for which in ("mean", "variance")]
        statuses = [out["status"].values.tolist() for out in outs]
        largest = max(float(np.abs(score).max()) for score in scores)
        found.append({"case": name, "largest_z": largest, "statuses": statuses})
        print(f"  {name:12s} largest |z| {largest:.2f}, statuses {statuses[0]} and {statuses[1]}", flush=True)
        if largest > Z_LIMIT or not all(np.isfinite(out["mean"].values).all() for out in outs):
            raise SystemExit(f"the law of {name} differs between the devices")
    return found


def z_scores(first, second, which: str) -> np.ndarray:
    """Differences over their standard errors; the variance of a variance as for a normal law with heavier tails."""
    n, spread = first.attrs["trajectories"], first["variance"].values + second["variance"].values
    error = np.sqrt(spread / n) if which == "mean" else spread * np.sqrt(2.0 / n)
    difference = first[which].values - second[which].values
    return np.where(difference == 0.0, 0.0, difference / np.where(error > 0.0, error, 1.0))


def speed(names: tuple[str, ...], sizes: tuple[int, ...]) -> list[dict]:
    """Events per second of some cases at some ensemble sizes, as `device.py` measures them."""
    options = argparse.Namespace(precision="float32", repeats=2, limit=20.0)
    found = []
    for name in names:
        print(f"  {name}", flush=True)
        found.append({"case": name, "sizes": device.run_sizes(CASES[name], [*sizes], options)})
    return found


def mice(sizes: Sizes) -> dict:
    """Virtual mice for 21 days under chemotherapy and the antibody, by leaps."""
    import jaxsim as js
    from jaxsim.models.organism.scenarios import mouse_regimen

    regimen = mouse_regimen(3)
    plan = js.Schedule(gemcitabine=regimen["gemcitabine"], anti_il1a=regimen["anti_il1a"])
    network = js.models.organism(virtual=True)
    given = {"times": 24.0 * np.arange(1, 22), "schedule": plan, "method": "trapezoidal_tau_leap", "progress": False}
    first = js.simulate(network, trajectories=sizes.mice, seed=0, **given)
    out = js.simulate(network, trajectories=sizes.mice, seed=1, **given)
    found = {"mice": sizes.mice, "seconds": out.attrs["wall_seconds"], "compile": first.attrs["compile_seconds"]}
    print(f"  {sizes.mice} mice: {found['seconds']:.1f} s, compile {found['compile']:.1f} s", flush=True)
    return {**found, "statuses": out["status"].values.tolist()}


def gradient(sizes: Sizes) -> dict:
    """One gradient in three numbers by exact paths, beside its closed form."""
    import jaxsim as js

    network = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 10.0, "d": 1.0})
    given = {"free": ["k", "d"], "method": "controlled_exact_score", "trajectories": sizes.gradient, "step": 0.05}
    js.gradient(network, js.mean("X", at=2.0), seed=0, **given)
    began = time.perf_counter()
    out = js.gradient(network, js.mean("X", at=2.0), seed=1, **given)
    took = time.perf_counter() - began
    right = np.array([1 - np.exp(-2.0), -10 * (1 - np.exp(-2.0)) + 20 * np.exp(-2.0)])
    z = (out.vector - right) / np.maximum(out.error, 1e-12)
    print(f"  {took:.2f} s, z {np.round(z, 2).tolist()}", flush=True)
    return {"seconds": took, "gradient": out.vector.tolist(), "error": out.error.tolist(), "z": z.tolist()}


def peers(sizes: Sizes) -> list[dict]:
    """crn-jax and stochastix on the same device, where they are installed."""
    from benchmarks.peers import Unsupported

    found = []
    for name in ("crn_jax", "stochastix"):
        for case in ("birth_death", "chain20"):
            try:
                peer = importlib.import_module(f"benchmarks.peers.{name}")
                peer.available()
                run = peer.prepare(CASES[case])
            except Unsupported as absent:
                found.append({"peer": name, "case": case, "reason": str(absent)})
                continue
            n = max(run.batch, sizes.events[0] // run.batch * run.batch)
            run(n, 0)
            began = time.perf_counter()
            events = run(n, 1).events
            took = time.perf_counter() - began
            found.append({"peer": name, "case": case, "trajectories": n, "events": events, "seconds": took})
        print(f"  {found[-1]}", flush=True)
    return found


class Step(NamedTuple):
    """One part of the ten minutes."""

    says: str
    seconds: float
    run: Callable[[Sizes], object]
    environment: tuple[tuple[str, str], ...] = ()


SMALL = ("birth_death", "lotka_volterra", "schlogl", "gene3", "repressilator", "chain20")
STEPS = {
    "laws": Step("means and variances against the CPU", 150.0, laws),
    "captured": Step("events a second, the loops in one CUDA graph", 150.0, lambda s: speed(SMALL, s.events)),
    "from the host": Step(
        "the same with the loops run from the host", 60.0, lambda s: speed(("birth_death", "chain20"), s.events[:3]),
        (("JAXSIM_GPU_GRAPH", "off"),),
    ),
    "cells": Step("tumour cells for 96 h", 60.0, lambda s: speed(("cell_fate",), (s.cells,))),
    "mice": Step("virtual mice by leaps", 120.0, mice),
    "gradient": Step("one gradient by exact paths", 60.0, gradient),
    "peers": Step("other simulators", 60.0, peers),
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
