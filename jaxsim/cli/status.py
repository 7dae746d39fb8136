"""``jaxsim status``: how far a store is, and who works on it."""

import argparse
import json
from dataclasses import asdict

from jaxsim.cli.parser import Parser
from jaxsim.cli.table import table
from jaxsim.study.pace import said, spoken
from jaxsim.study.state import State

DESCRIPTION = """\
Print how many chunks of a store are done, in flight and lost with dead processes, the processes at work with
their time left, and how trajectories have ended.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim status", description=DESCRIPTION)
    given.add_argument("store", metavar="STORE", help="the store")
    given.add_argument("--json", action="store_true", help="print everything as JSON")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Print the state."""
    from jaxsim.study.state import state_of
    from jaxsim.study.store import open_store

    state = state_of(open_store(arguments.store))
    print(json.dumps(asdict(state), indent=1) if arguments.json else _text(state))
    return 0


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
    text = table(["", ""], rows).partition("\n")[2].partition("\n")[2]
    for worker in state.workers:
        left = worker.get("seconds_left")
        text += (
            f"\nat work: process {worker['pid']} on {worker['machine'].split()[0]}, heartbeat {worker['at']}, "
            + said((left[0], left[1]) if left else None)
        )
    if state.done < state.chunks and not state.workers and state.complete_points < state.points:
        text += "\nnobody works on it; go on with: jaxsim resume"
    return text
