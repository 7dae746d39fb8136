"""``jaxsim run``: run a study file into a store, or go on with the store."""

import argparse
from pathlib import Path

from jaxsim.cli import study_options
from jaxsim.cli.cache import keep_compiled_programs
from jaxsim.cli.parser import Parser

DESCRIPTION = """\
Run a study file (TOML) into a store: a folder beside it that holds results, provenance and what is needed to go on.
The same command goes on where it was stopped. Any number of processes may run on one store at the same time.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim run", description=DESCRIPTION, epilog=study_options.EPILOG)
    given.add_argument("study", metavar="STUDY.toml", help="the study file")
    given.add_argument("--store", default=None, metavar="DIR", help="the store (default: STUDY.store)")
    study_options.add_options(given)
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the study."""
    store = arguments.store or str(Path(arguments.study).with_suffix(".store"))
    study_options.quiet_terminal()
    keep_compiled_programs()
    from jaxsim.study import run_study

    try:
        task, of = study_options.share_of(arguments)
        outcome = run_study(arguments.study, store, task=task, of=of, progress=not arguments.quiet)
        study_options.leave_together(arguments)
    except KeyboardInterrupt:
        return study_options.interrupted(store)
    return study_options.ended(outcome, arguments.quiet)
