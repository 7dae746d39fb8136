"""``jaxsim conformance``: run cases of the stochastic SBML Test Suite and print how each lies."""

import argparse
from pathlib import Path

from jaxsim.cli import values
from jaxsim.cli.cache import keep_compiled_programs
from jaxsim.cli.parser import Parser

DESCRIPTION = """\
Run a folder of cases of the stochastic part of the SBML Test Suite (Discrete Stochastic Model Test Suite and draws
from distributions) and judge means by Z and standard deviations by Y at every time point, as the suite does. A case
with more than one point out of range is run again with another seed. The exit code is 1 if a case does not pass.
"""

EPILOG = """\
examples:
  jaxsim conformance cases/stochastic
  jaxsim conformance cases/stochastic --runs 1e6 --cases 00001-00039 00100
"""

HEADINGS = ("case", "verdict", "out", "points", "worst Z", "worst Y", "wall s", "compile s")
WIDTHS = (5, 12, 4, 6, 8, 8, 8, 9)


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim conformance", description=DESCRIPTION, epilog=EPILOG)
    add = given.add_argument
    add("path", metavar="PATH", help="folder with a subfolder for each case")
    add("--runs", type=values.positive_count, default=10_000, metavar="N", help="trajectories (default: 10000)")
    add("--cases", nargs="+", default=[], metavar="CASE", help="numbers or ranges such as 00001-00039 (default: all)")
    add("--seed", type=values.seed, default=1, metavar="N", help="the same seed gives the same table (default: 1)")
    add("--precision", choices=("auto", "float32", "float64"), default="auto", help="of propensities (default: auto)")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the cases and print a line for each as it ends."""
    from jaxsim.formats.conformance import cases_in, run_case

    folder = Path(arguments.path)
    names = cases_in(folder, arguments.cases)
    keep_compiled_programs()
    print(_line(HEADINGS))
    passed = 0
    for name in names:
        outcome = run_case(folder, name, int(arguments.runs), arguments.seed, arguments.precision)
        passed += outcome.passed
        found = outcome.judgement
        cells = ["", "", "", ""]
        if found is not None:
            cells = [str(found.number_out), str(found.number), *(f"{found.worst(kind):.2f}" for kind in ("mean", "sd"))]
        times = [f"{outcome.seconds:.1f}", f"{outcome.compile_seconds:.1f}"]
        print(
            _line([name, outcome.verdict, *cells, *times]) + (f"  {outcome.remark}" if outcome.remark else ""),
            flush=True,
        )
    print(f"{passed} of {len(names)} cases pass at {arguments.runs} runs")
    return 0 if passed == len(names) else 1


def _line(cells: "tuple[str, ...] | list[str]") -> str:
    first = [cell.ljust(width) for cell, width in zip(cells[:2], WIDTHS[:2], strict=True)]
    rest = [cell.rjust(width) for cell, width in zip(cells[2:], WIDTHS[2:], strict=True)]
    return "  ".join([*first, *rest]).rstrip()
