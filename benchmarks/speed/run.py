"""Time jaxsim and its peers on the same cases, in one run, on the same cores.

``python -m benchmarks.speed.run`` runs every case on every simulator that is here, on one core. Each simulator has a
process of its own for each case; repeats are interleaved, so that a disturbance of the machine touches all; compile
time is apart; the laws are compared. One JSON record holds everything; `table.py` writes the README's table from it.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

from benchmarks import record
from benchmarks.peers import PEERS
from benchmarks.speed import cases, laws
from benchmarks.speed.report import print_case
from benchmarks.speed.team import Gone, Team


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    cores = sorted(os.sched_getaffinity(0))
    cores = cores[-1:] if options.cores == "1" else cores
    path = options.out or record.default_path(f"{len(cores)}-core")
    result = {"kind": "simulators", **record.describe(), "cores": len(cores), "arguments": sys.argv[1:], "cases": []}
    for name in options.cases:
        result["cases"].append(run_case(name, cores, options))
        print_case(result["cases"][-1])
        record.write(result, path)
    print(f"\nwritten to {path}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual, known = [*cases.CASES], cases.names()
    parser.add_argument("--cases", nargs="+", default=usual, choices=known, metavar="CASE", help=", ".join(known))
    parser.add_argument("--peers", nargs="+", default=[*PEERS], choices=PEERS, metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--cores", choices=["1", "all"], default="1", help="one core (the last one allowed) or all")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each simulator (5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="aim of one timed run (1)")
    parser.add_argument("--budget", type=float, default=90.0, help="seconds for one simulator on one case (90)")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds after which a run is given up (300)")
    parser.add_argument("--out", type=Path, help="where the record goes (benchmarks/results/<date>-<cores>-core.json)")
    return parser.parse_args(arguments)


def run_case(name: str, cores: list[int], options: argparse.Namespace) -> dict:
    case = cases.find(name)
    entries, teams = {}, {}
    for peer in options.peers:
        say(f"{name}: preparing {peer}")
        team = Team(peer, name, cores, options.timeout)
        entries[peer] = {"peer": peer, "status": "ok", "runs": []}
        teams[peer] = team
        attempt(teams, entries[peer], lambda team=team, entry=entries[peer]: size(team, entry, options))
    for repeat in range(options.repeats):
        for peer, team in [*teams.items()]:
            say(f"{name}: run {repeat + 1} of {peer}")
            if repeat < entries[peer]["repeats"]:
                attempt(teams, entries[peer], lambda t=team, e=entries[peer], r=repeat: e["runs"].append(one(t, e, r)))
    say("")
    for team in teams.values():
        team.close()
    return summarise(case, entries)


def say(text: str) -> None:
    """What is going on, on one line of the terminal that the next one overwrites."""
    if sys.stderr.isatty():
        print(f"\r{text:60s}", end="" if text else "\r", file=sys.stderr, flush=True)


def attempt(teams: dict, entry: dict, work) -> None:
    """Do `work`; a simulator that cannot go on leaves, and its entry says why."""
    try:
        work()
    except Gone as gone:
        entry |= {"status": gone.status, "reason": gone.reason}
        teams.pop(entry["peer"]).close()


def size(team: Team, entry: dict, options: argparse.Namespace) -> None:
    """Find how many trajectories fill the aimed time, and how many repeats the budget allows."""
    facts = team.ready()
    n = batch = facts["batch"]
    seconds = slowest(team.run(n, 0))
    while seconds < options.seconds / 4:
        n *= 4
        seconds = slowest(team.run(n, 0))
    n = max(1, round(n / batch * options.seconds / seconds)) * batch
    if n != batch:
        seconds = slowest(team.run(n, 0))  # the first run of this size may compile or allocate
    repeats = max(1, min(options.repeats, int(options.budget / seconds)))
    entry |= {**facts, "trajectories_per_run": n * len(team.workers), "repeats": repeats, "per_worker": n}


def slowest(replies: list[dict]) -> float:
    return max(reply["wall"] for reply in replies)


def one(team: Team, entry: dict, repeat: int) -> dict:
    replies = team.run(entry["per_worker"], repeat + 1)
    return {
        "wall": slowest(replies),
        "cpu": sum(reply["cpu"] for reply in replies),
        "outcomes": [reply["outcome"] for reply in replies],
    }


def summarise(case, entries: dict) -> dict:
    """Medians and spreads, events counted where a simulator counts them, and z-scores between the laws."""
    done = {peer: entry for peer, entry in entries.items() if entry["status"] == "ok"}
    outcomes = {peer: [o for run in entry["runs"] for o in run["outcomes"]] for peer, entry in done.items()}
    merged = {peer: laws.merge(found) for peer, found in outcomes.items()}
    scores = laws.compare(merged)
    per_trajectory, source = events_per_trajectory(case, outcomes)
    for peer, entry in done.items():
        walls = [run["wall"] for run in entry["runs"]]
        cpus = [run["cpu"] for run in entry["runs"]]
        counted = [sum(o["events"] or 0 for o in run["outcomes"]) for run in entry["runs"]]
        events = [e or per_trajectory * entry["trajectories_per_run"] for e in counted]
        entry |= {
            "events_per_second": spread([e / t for e, t in zip(events, walls, strict=True)]),
            "events_per_cpu_second": spread([e / t for e, t in zip(events, cpus, strict=True)]),
            "trajectories_per_second": spread([entry["trajectories_per_run"] / t for t in walls]),
            **merged[peer],
            **scores.get(peer, {}),
        }
        del entry["runs"], entry["per_worker"]
        entry |= {"wall_seconds": walls, "cpu_seconds": cpus, "counts_events": bool(counted[0])}
    return {
        "case": case.name,
        "species": case.size[0],
        "reactions": case.size[1],
        "time": case.time,
        "save_points": case.save_points,
        "observable": case.observable,
        "events_per_trajectory": per_trajectory,
        "events_counted_by": source,
        "peers": [*entries.values()],
    }


def events_per_trajectory(case, outcomes: dict) -> tuple[float, str]:
    """The mean, from an exact simulator that counts; it serves for those that do not."""
    for peer in ("numba_special", "cpp_scalar", "jaxsim_direct", *outcomes):
        found = [o for o in outcomes.get(peer, []) if o["events"]]
        if found:
            return sum(o["events"] for o in found) / sum(o["trajectories"] for o in found), peer
    return case.events, "the case's own estimate"


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


if __name__ == "__main__":
    main()
