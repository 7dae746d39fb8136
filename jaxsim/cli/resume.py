"""``jaxsim resume``: go on with a store, without the study file."""

import argparse

from jaxsim.cli import study_options
from jaxsim.console.options import Parser

DESCRIPTION = """\
Go on with a store that 'jaxsim run' has made: compute what is not done, take over what dead processes have claimed,
compute again what is damaged. Functions are run from the store's copies of the Python files beside the study file,
and from modules that you name by --trust.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim resume", description=DESCRIPTION, epilog=study_options.EPILOG)
    given.add_argument("store", metavar="STORE", help="the store")
    study_options.add_options(given)
    return given


def run(arguments: argparse.Namespace) -> int:
    """Go on with the study."""
    study_options.quiet_terminal()
    from jaxsim.study import resume_study

    try:
        task, of = study_options.share_of(arguments)
        outcome = resume_study(arguments.store, task=task, of=of, **study_options.settings(arguments))
        study_options.leave_together(arguments)
    except KeyboardInterrupt:
        return study_options.interrupted(arguments.store)
    return study_options.ended(outcome, arguments.quiet)
