"""All cores against one, run by run:

``python -m benchmarks.speed.cores`` alternates them, so that both see the same machine.

Beside jaxsim stands numba's kernel, one process on each core: what the machine itself gives to two independent
processes. Prints trajectories per second on all cores over those on one, the median of the repeats; writes a JSON
record.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

from benchmarks import record
from benchmarks.speed.cases import CASES
from benchmarks.speed.team import Gone, Team

PEERS = ("jaxsim_direct", "numba_special")


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    cores = sorted(os.sched_getaffinity(0))
    result = {"kind": "cores", **record.describe(), "cores": len(cores), "arguments": sys.argv[1:], "cases": []}
    for case in options.cases:
        found = {peer: compare(peer, case, cores, options) for peer in options.peers}
        result["cases"].append({"case": case, **found})
        record.write(result, options.out)
        told = [f"{peer} {entry['ratio']:.2f}" if "ratio" in entry else f"{peer} -" for peer, entry in found.items()]
        print(f"{case:18s} {'   '.join(told)}", flush=True)
    print(f"written to {options.out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=[*CASES], choices=CASES, metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--peers", nargs="+", default=[*PEERS], choices=PEERS, metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--repeats", type=int, default=5, help="runs of each, in turn (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="aim of one timed run (2)")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds after which a run is given up (300)")
    parser.add_argument("--out", type=Path, default=record.default_path("cores"), help="where the record goes")
    return parser.parse_args(arguments)


def compare(peer: str, case: str, cores: list[int], options: argparse.Namespace) -> dict:
    """Run the simulator on all cores and on the last one in turn."""
    teams = [Team(peer, case, given, options.timeout) for given in (cores, cores[-1:])]
    try:
        batch = max(team.ready()["batch"] for team in teams)
        first = speed(teams[1], batch, 1, options.seconds / 4)
        n = batch * max(1, round(first * options.seconds / batch))
        pairs = []
        for i in range(options.repeats):
            share = len(cores) // len(teams[0].workers)  # every core has as much to do as the one alone
            pairs.append([speed(teams[0], n * share, 2 + i, 0.0), speed(teams[1], n, 2 + i, 0.0)])
        return {
            "trajectories_on_one": n,
            "trajectories_per_second": pairs,
            "ratio": statistics.median(together / alone for together, alone in pairs),
        }
    except Gone as reason:
        return {"status": reason.status, "note": str(reason)}
    finally:
        for team in teams:
            team.close()


def speed(team: Team, n: int, seed: int, least: float) -> float:
    """Return trajectories per second, from a run of at least so many seconds."""
    while True:
        replies = team.run(n, seed)
        wall = max(reply["wall"] for reply in replies)
        if wall >= least:
            return n * len(replies) / wall
        n *= 2


if __name__ == "__main__":
    main()
