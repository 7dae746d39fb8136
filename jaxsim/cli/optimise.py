"""``jaxsim optimise``: the best times and amounts of doses, from a file, with the evidence that they are."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from jaxsim.cli.study_options import add_trust, quiet_terminal
from jaxsim.console.options import Parser
from jaxsim.console.output import ready_folder

DESCRIPTION = """\
Choose the free numbers of a schedule so that an objective over random trajectories is best. Prints the optimum with
its paired gains on fresh trajectories, and writes the schedule, a table, the landscape with the path of the search, the
switching function, time courses before and after, the checks of the gradient and the provenance.
"""

EPILOG = """\
a file:
  [model]
  species = {cells = 1000}
  reactions = ["cells -> 2 cells @ growth*cells/(1 + drug)", "cells -> , death"]
  parameters = {growth = 0.3, death = 0.25}
  [model.inputs.drug]
  elimination_rate = 0.5
  volume = 1.0
  [schedule.drug]
  amount = {low = 0.0, high = 9.0, start = [2.0, 2.0], total = 4.0}
  at = {low = 0.0, high = 40.0, start = [0.0, 12.0], spacing = 6.0}
  [minimise]
  kind = "mean"
  of = "cells"
  at = 48.0

examples:
  jaxsim optimise regimen.toml --out best
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim optimise", description=DESCRIPTION, epilog=EPILOG)
    add = given.add_argument
    add("study", metavar="STUDY.toml", help="what is free, what is sought, and under which limits")
    add("--out", default=None, metavar="DIR", help="folder for results (default: STUDY-optimum)")
    add("--figures", action=argparse.BooleanOptionalAction, default=True, help="write figures (default: yes)")
    add_trust(given)
    add("--quiet", action="store_true", help="say nothing while the search goes on")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the optimisation that a file asks for."""
    quiet_terminal()
    path = Path(arguments.study)
    from jaxsim.gradient.effect import moved_effect
    from jaxsim.study.optimise_file import read_chosen

    chosen = read_chosen(path, tuple(arguments.trust))
    for effect in chosen.file.report.switching or ():
        moved_effect(chosen.network, effect)  # or it would be refused after the search
    folder = ready_folder(arguments.out or str(path.with_name(f"{path.stem}-optimum")))
    from jaxsim.optimise import Optimum, optimise
    from jaxsim.study.optimise_report import write_report

    announce = _announcer(arguments.quiet)
    best = optimise(chosen.network, chosen.schedule, announce=announce, **chosen.arguments)
    assert isinstance(best, Optimum)
    print(best)
    written = write_report(best, chosen.file, folder, arguments.figures, announce)
    print(f"Written: {', '.join(str(file) for file in written)}")
    return 0


def _announcer(quiet: bool) -> Callable[[str], None]:
    """Return what is told of the progress: on a terminal one line that changes, elsewhere a line for each."""
    began, terminal = time.perf_counter(), sys.stderr.isatty()

    def announce(text: str) -> None:
        if not quiet:
            line = f"{time.perf_counter() - began:6.1f} s  {text}"
            print(
                f"\r\033[K{line[:110]}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True
            )

    return announce
