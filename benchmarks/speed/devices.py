"""A study on two devices against one:

``python -m benchmarks.speed.devices`` alternates them, so that both see one machine.

Two simulated CPU devices on two cores stand beside one device on one core. Both run the same study, from its file to
the results in a fresh store, compiled before. Prints trajectories per second on two over those on one, the median of
the pairs, and writes a JSON record. A pair counts as undisturbed when both had their cores to themselves for 95 % of
the wall time (processor seconds over wall seconds and cores); on a busy machine few are, and the record says how many.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import record
from benchmarks.speed.timed_study import study_seconds

ALONE = 0.95  # share of the cores that a run must have had to count as undisturbed


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    if options.worker:
        return work(options.trajectories)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("this takes two cores")
    groups = cores[-1:], cores[-2:]
    workers = [started(len(given), given, options.trajectories) for given in groups]
    result = {"kind": "devices", **record.describe(), "arguments": sys.argv[1:], "pairs": []}
    try:
        for worker in workers:
            worker.stdout.readline()  # ready
        for turn in range(options.repeats):
            load = os.getloadavg()[0]
            one, two = (asked(worker, turn, len(given)) for worker, given in zip(workers, groups, strict=True))
            ratio = one["wall_seconds"] / two["wall_seconds"]
            result["pairs"].append({"load": load, "one": one, "two": two, "ratio": ratio})
            result |= summary(result["pairs"])
            record.write(result, options.out)
            print(f"load {load:5.2f}  one {told(one)}  two {told(two)}  ratio {ratio:.2f}", flush=True)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    print(f"two devices over one: {result['ratio']:.2f} (median of {len(result['pairs'])} pairs), "
          f"{result['ratio_undisturbed']} ({result['undisturbed']} undisturbed), "
          f"{result['ratio_by_processor_time']:.2f} by processor time; written to {options.out}")  # fmt: skip


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trajectories", type=int, default=4_000_000, help="of one run (4,000,000)")
    parser.add_argument("--repeats", type=int, default=7, help="pairs of runs (7)")
    parser.add_argument("--out", type=Path, default=record.default_path("devices"), help="where the record goes")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def summary(pairs: list[dict]) -> dict:
    """Ratios of the medians; by processor time, what the cores would give if nobody else used them."""
    calm = [p["ratio"] for p in pairs if min(p["one"]["share_of_cores"], p["two"]["share_of_cores"]) >= ALONE]
    seconds = [statistics.median(p[side]["processor_seconds"] for p in pairs) for side in ("one", "two")]
    return {
        "ratio": statistics.median(p["ratio"] for p in pairs),
        "undisturbed": len(calm),
        "ratio_undisturbed": statistics.median(calm) if calm else None,
        "ratio_by_processor_time": 2.0 * seconds[0] / seconds[1],
    }


def told(run: dict) -> str:
    return f"{run['wall_seconds']:6.2f} s wall {run['processor_seconds']:6.2f} s cpu ({run['share_of_cores']:.0%})"


def started(devices: int, cores: list[int], trajectories: int) -> subprocess.Popen:
    """Start a process that sees so many devices and these cores."""
    command = ["taskset", "-c", ",".join(map(str, cores)), sys.executable, "-m", "benchmarks.speed.devices", "--worker"]
    environment = {
        **os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "PYTHONPATH": str(record.ROOT),
    }  # fmt: skip
    return subprocess.Popen(
        [*command, "--trajectories", str(trajectories)], env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip


def asked(worker: subprocess.Popen, seed: int, cores: int) -> dict:
    """Let a process run the study once."""
    worker.stdin.write(f"{seed}\n")
    found = json.loads(worker.stdout.readline())
    return found | {"share_of_cores": found["processor_seconds"] / (cores * found["wall_seconds"])}


def work(trajectories: int) -> None:
    """Compile, then run the study as often as asked."""
    with tempfile.TemporaryDirectory() as folder:
        run_once(Path(folder), 0, 0, trajectories)
        print("ready", flush=True)
        for turn, line in enumerate(sys.stdin, start=1):
            print(json.dumps(run_once(Path(folder), turn, int(line), trajectories)), flush=True)


def run_once(folder: Path, turn: int, seed: int, trajectories: int) -> dict:
    return dict(
        zip(("wall_seconds", "processor_seconds"), study_seconds(folder, turn, seed, trajectories), strict=True)
    )


if __name__ == "__main__":
    main()
