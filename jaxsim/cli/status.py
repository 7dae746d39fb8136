"""``jaxsim status``: how far a store is, and who works on it."""

import argparse
import json
from dataclasses import asdict
from math import isfinite
from typing import Any

from jaxsim.cli.study_options import DAMAGED
from jaxsim.console.options import Parser
from jaxsim.console.output import table
from jaxsim.study.display import said, spoken
from jaxsim.study.results import State
from jaxsim.study.stopping import MOST_LINES, beyond_limit, short_lines

DESCRIPTION = """\
Print how many chunks of a store are done, in flight and lost with dead processes, the processes at work with
their time left, how trajectories have ended, where the stopping rule is not met, and what is damaged. Exit code 1 if
anything is damaged.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim status", description=DESCRIPTION)
    given.add_argument("store", metavar="STORE", help="the store")
    given.add_argument("--json", action="store_true", help="print everything as JSON")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Print the state."""
    from jaxsim.study.results import state_of
    from jaxsim.study.store import open_store

    state = state_of(open_store(arguments.store))
    print(json.dumps(_record(state), indent=1) if arguments.json else _text(state))
    return DAMAGED if state.damaged else 0


def _record(state: State) -> dict[str, Any]:
    """Return a state as JSON can say it: a number that is not known is null."""
    short = [
        {key: value if isfinite(value) else None for key, value in one._asdict().items()} for one in state.short
    ]  # fmt: skip
    return {**asdict(state), "short": short, "damaged": [one._asdict() for one in state.damaged]}


def _text(state: State) -> str:
    rows = [
        ["chunks done", f"{state.done:,} of {state.chunks:,}"],
        ["chunks in flight", f"{state.in_flight:,}"],
        ["chunks lost with dead processes", f"{state.lost:,}"],
        ["design points complete", f"{state.complete_points:,} of {state.points:,}"],
        *([f"trajectories: {label}", f"{number:,}"] for label, number in state.status.items()),
        ["time in chunks", spoken(state.seconds)],
        ["time compiling", spoken(state.compile_seconds)],
    ]
    text = f"{state.verdict}\n" + table(["", ""], rows).partition("\n")[2].partition("\n")[2]
    if state.short:
        text += f"\nthe stopping rule is not met; {beyond_limit(state.short)}:\n{short_lines(state.short)}"
    for damage in state.damaged[:MOST_LINES]:
        text += f"\ndamaged: {damage.part}; {damage.remedy}"
    if state.damaged[MOST_LINES:]:
        text += f"\n... and {len(state.damaged) - MOST_LINES} more; 'jaxsim verify' names all"
    for worker in state.workers:
        left = worker.get("seconds_left")
        text += (
            f"\nat work: process {worker['pid']} on {worker['machine'].split()[0]}, heartbeat {worker['at']}, "
            + said((left[0], left[1]) if left else None)
        )
    if state.done < state.chunks and not state.workers and state.complete_points < state.points:
        text += "\nnobody works on it; go on with: jaxsim resume"
    return text
