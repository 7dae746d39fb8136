"""``jaxsim doctor``: check the installation, devices, precision and cache, and say what to fix."""

import argparse

from jaxsim.cli.examinations import EXAMINATIONS
from jaxsim.cli.parser import Parser
from jaxsim.ensemble.program_cache import keep_compiled_programs

DESCRIPTION = """\
Check the installation: versions, devices, precision, the cache of compiled programs, the file system for stores,
memory, and one simulation against its exact law. Prints what is wrong with its remedy; exit code 1 if anything is.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    return Parser(prog="jaxsim doctor", description=DESCRIPTION)


def run(arguments: argparse.Namespace) -> int:
    """Run all examinations and print what they find."""
    keep_compiled_programs()
    wrong = 0
    for name, examine in EXAMINATIONS.items():
        finding = examine()
        mark = "ok " if finding.fine else "FIX"
        print(f"{mark} {name:14}{finding.text}")
        if not finding.fine:
            wrong += 1
            print(f"    {'':14}{finding.remedy}")
    print("nothing to fix" if not wrong else f"{wrong} thing{'s' if wrong > 1 else ''} to fix")
    return 1 if wrong else 0
