"""Run jaxsim's cases on whatever device JAX finds, over a range of ensemble sizes.

``python -m benchmarks.speed.device`` on a GPU runs 1e4 to 1e7 trajectories of every case; on a CPU 1e4 and 1e5. Sizes
whose run would take longer than ``--limit`` seconds, judged by the size before, are left out and said so. Writes one
record.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np

from benchmarks import record
from benchmarks.speed.cases import CASES

SIZES = {"gpu": [10**4, 10**5, 10**6, 10**7], "cpu": [10**4, 10**5]}


def main(arguments: list[str] | None = None) -> None:
    import jax

    options = parse(arguments)
    device = jax.devices()[0]
    sizes = options.trajectories or SIZES.get(device.platform, SIZES["gpu"])
    path = options.out or record.default_path(device.platform)
    facts = {"platform": device.platform, "kind": device.device_kind, "count": jax.device_count()}
    driver = record.said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") if is_gpu(device) else ""
    result = {"kind": "device", **record.describe(), "device": {**facts, "driver": driver}, "cases": []}
    print(f"{device.device_kind}, {facts['count']} device(s)")
    for name in options.cases:
        print(f"\n{name}\n  {'trajectories':>12s} {'events/s':>9s} {'traj./s':>9s} {'seconds':>8s} {'compile':>8s}")
        result["cases"].append({"case": name, "sizes": run_sizes(CASES[name], sizes, options)})
        record.write(result, path)
    print(f"\nwritten to {path}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=[*CASES], choices=[*CASES], metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--trajectories", nargs="+", type=lambda text: int(float(text)), help="for example 1e4 1e6")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each size (3)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds a run may be expected to take (60)")
    parser.add_argument("--precision", choices=["float32", "float64"], default="float32")
    parser.add_argument("--out", type=Path, help="where the record goes (benchmarks/results/<date>-<platform>.json)")
    return parser.parse_args(arguments)


def is_gpu(device) -> bool:
    return device.platform in ("gpu", "cuda")


def run_sizes(case, sizes: list[int], options: argparse.Namespace) -> list[dict]:
    done: list[dict] = []
    for n in sizes:
        expected = done[-1]["wall_seconds"] * n / done[-1]["trajectories"] if done else 0.0
        if expected > options.limit:
            done_by = f"{n:12.0e} left out: about {expected:.0f} s"
            print(f"  {done_by}")
            break
        done.append(run_size(case, n, options))
        e = done[-1]
        print(
            f"  {n:12.0e} {e['events_per_second']:9.2e} {e['trajectories_per_second']:9.2e} {e['wall_seconds']:8.3f}"
            f" {e['compile_seconds']:7.1f}s",
            flush=True,
        )
    return done


def run_size(case, n: int, options: argparse.Namespace) -> dict:
    import jax

    import jaxsim as js

    network, schedule = case.network(), case.schedule()
    settings = {"precision": options.precision, "schedule": schedule, "progress": False}
    times = np.linspace(0.0, case.time, case.save_points + 1)[1:]

    def run(seed: int):
        return js.simulate(network, times=times, trajectories=n, seed=seed, **settings)

    compiling = run(0).attrs["compile_seconds"]
    results = [run(seed) for seed in range(1, options.repeats + 1)]
    walls = [result.attrs["wall_seconds"] for result in results]
    events = [int(result.attrs["events"]) for result in results]
    last = results[-1].sel(species=case.observable).isel(time=-1)
    memory = jax.devices()[0].memory_stats() or {}
    return {
        "trajectories": n,
        "wall_seconds": statistics.median(walls),
        "all_wall_seconds": walls,
        "compile_seconds": float(compiling),
        "events_per_second": statistics.median(e / t for e, t in zip(events, walls, strict=True)),
        "trajectories_per_second": n / statistics.median(walls),
        "mean": float(last["mean"]),
        "variance": float(last["variance"]),
        "peak_device_bytes": memory.get("peak_bytes_in_use"),
    }


if __name__ == "__main__":
    main()
