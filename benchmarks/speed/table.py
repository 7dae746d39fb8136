"""Write the README's benchmark table from a record of `run.py`.

``python -m benchmarks.speed.table RECORD.json`` prints it; ``--readme README.md`` replaces what stands between the
markers.
"""

import argparse
import json
from pathlib import Path

from benchmarks.peers import PEERS
from benchmarks.speed.report import OURS, disagrees

BEGIN, END = "<!-- benchmark table", "<!-- benchmark table end -->"
RATE = {"wall": "events_per_second", "cpu": "events_per_cpu_second"}
NAMES = {
    "jaxsim_direct": "**jaxsim**",
    "numba_special": "numba, kernel per model",
    "numba_graph": "numba, dependency graph",
    "rebop": "rebop",
    "gillespy2": "GillesPy2 C++",
    "copasi": "COPASI",
    "stochastix": "stochastix",
    "crn_jax": "crn-jax",
    "jumpax": "jumpax",
    "cpp_scalar": "scalar C++",
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("--readme", type=Path, help="replace the table in this file instead of printing it")
    parser.add_argument("--clock", choices=RATE, default="wall", help="time by the wall or by the processor")
    options = parser.parse_args(arguments)
    text = table(json.loads(options.record.read_text()), options.record.name, options.clock)
    if options.readme is None:
        print(text)
    else:
        options.readme.write_text(replaced(options.readme.read_text(), text))


def table(record: dict, source: str, clock: str) -> str:
    """Markdown: a row per case, a column per simulator, million events per second, and under it how it was measured."""
    seen = {entry["peer"] for case in record["cases"] for entry in case["peers"] if entry["status"] == "ok"}
    peers = [peer for peer in PEERS if peer in seen]
    rest = [NAMES[peer] for peer in peers]
    lines = [f"| million events/s | {' | '.join(rest)} |", f"|---|{'---:|' * len(peers)}"]
    for case in record["cases"]:
        by_peer = {entry["peer"]: entry for entry in case["peers"]}
        cells = [cell(by_peer.get(peer), clock) for peer in peers]
        lines.append(f"| {title(case)} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *notes(record, source, clock)])


def title(case: dict) -> str:
    grid = f", {case['save_points']} save points" if case["save_points"] > 1 else ""
    return f"{case['case'].replace('_', ' ')} ({case['species']} x {case['reactions']}{grid})"


def cell(entry: dict | None, clock: str) -> str:
    if entry is None or entry["status"] != "ok":
        return "–"
    speed = entry[RATE[clock]]["median"] / 1e6
    text = f"{speed:.0f}" if speed >= 100 else f"{speed:.2g}"
    if disagrees(entry):
        text += " †"
    return f"**{text}**" if entry["peer"] == OURS else text


def notes(record: dict, source: str, clock: str) -> list[str]:
    machine, versions = record["machine"], record["versions"]
    repeats = max(entry["repeats"] for case in record["cases"] for entry in case["peers"] if entry["status"] == "ok")
    cores = "one core" if record["cores"] == 1 else f"{record['cores']} cores"
    time = "wall time" if clock == "wall" else "processor time"
    known = ", ".join(f"{name} {versions[name]}" for name in versions if name not in ("python", "jaxlib"))
    lines = [
        f"Medians of up to {repeats} runs by {time} on {cores} of {machine['processor']}, compile time apart; species x"
        f" reactions in brackets. {known}; Python {versions['python']}. Record: `benchmarks/results/{source}`, commit"
        f" {record['commit'][:10]}, {record['date'][:10]}."
    ]
    if any(disagrees(e) for case in record["cases"] for e in case["peers"] if e["status"] == "ok"):
        lines += ["", "† its mean or variance lies more than 4 standard errors from the other simulators'."]
    return lines


def replaced(readme: str, text: str) -> str:
    """The README with the table between its markers replaced; the opening marker says how it is made and stays."""
    start = readme.index(BEGIN)
    opening = readme[start : readme.index("-->", start) + len("-->")]
    return f"{readme[:start]}{opening}\n{text}\n{readme[readme.index(END) :]}"


if __name__ == "__main__":
    main()
