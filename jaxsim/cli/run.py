"""``jaxsim run``: run a study file into a store, or go on with the store."""

import argparse
from pathlib import Path

from jaxsim.cli import study_options
from jaxsim.console.options import Parser

DESCRIPTION = """\
Run a study file (TOML) into a store: a folder beside it that holds results, provenance and what is needed to go on.
The same command goes on where it was stopped. Any number of processes may run on one store at the same time.
A study file may have functions run, of Python files in its folder and of modules that you name by --trust; give the
files of strangers to 'jaxsim show' first, which runs nothing.
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
    path = Path(arguments.study)
    store = arguments.store or str(path.parent / f"{path.stem}.store")
    study_options.quiet_terminal()
    from jaxsim.study import run_study

    try:
        task, of = study_options.share_of(arguments)
        outcome = run_study(arguments.study, store, task=task, of=of, **study_options.settings(arguments))
        study_options.leave_together(arguments)
    except KeyboardInterrupt:
        return study_options.interrupted(store)
    return study_options.ended(outcome, arguments.quiet)
