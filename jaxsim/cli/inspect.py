"""``jaxsim inspect``: what a model file becomes, and all that would be refused."""

import argparse

from jaxsim.console.options import BAD_INPUT, Parser

DESCRIPTION = """\
Read a model file (SBML .xml or .sbml, BioNetGen .net, Antimony .ant) without running it. Prints species, parameters,
reactions with their rates and whether these vary in time, events, conservation laws, and everything that is not
supported, by name and line. The exit code is 2 if there is such a thing.
"""

EPILOG = """\
examples:
  jaxsim inspect model.xml
  jaxsim inspect model.net --rounded
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim inspect", description=DESCRIPTION, epilog=EPILOG)
    given.add_argument("path", metavar="FILE", help="the model file")
    given.add_argument("--rounded", action="store_true", help="round initial amounts that are no whole numbers")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Read the file and print the report."""
    from jaxsim.formats import inspect_file
    from jaxsim.formats.inspection import report

    reading = inspect_file(arguments.path, arguments.rounded)
    print(report(reading))
    return BAD_INPUT if len(reading.problems) else 0
