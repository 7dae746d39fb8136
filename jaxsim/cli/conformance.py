"""``jaxsim conformance``: run cases of the SBML Test Suite, stochastic or semantic, and print how each lies."""

import argparse
import json
from collections import Counter
from pathlib import Path

from jaxsim.console import options
from jaxsim.console.options import Parser

DESCRIPTION = """\
Run a folder of cases of the stochastic part of the SBML Test Suite (Discrete Stochastic Model Test Suite and draws
from distributions) and judge means by Z and standard deviations by Y at every time point, as the suite does. A case
with more than one point out of range is run again with another seed. The exit code is 1 if a case does not pass.

Cases of the semantic part (courses of differential equations, with tolerances) are solved by rate equations, or exactly
where a model has no reactions; refusals are counted by reason, and the exit code is 1 if a case is wrong.
"""

EPILOG = """\
examples:
  jaxsim conformance cases/stochastic
  jaxsim conformance cases/stochastic --runs 1e6 --cases 00001-00039 00100
  jaxsim conformance cases/semantic --record table.json
"""

HEADINGS = ("case", "verdict", "out", "points", "worst Z", "worst Y", "wall s", "compile s")
WIDTHS = (5, 12, 4, 6, 8, 8, 8, 9)


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim conformance", description=DESCRIPTION, epilog=EPILOG)
    add = given.add_argument
    add("path", metavar="PATH", help="folder with a subfolder for each case")
    add("--runs", type=options.positive_count, default=10_000, metavar="N", help="trajectories (default: 10000)")
    add("--cases", nargs="+", default=[], metavar="CASE", help="numbers or ranges such as 00001-00039 (default: all)")
    add("--seed", type=options.seed, default=1, metavar="N", help="the same seed gives the same table (default: 1)")
    add("--precision", choices=("auto", "float32", "float64"), default="auto", help="of propensities (default: auto)")
    add("--record", metavar="FILE", help="write what became of semantic cases as JSON")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the cases and print a line for each as it ends."""
    from jaxsim.formats.conformance import cases_in, is_semantic, run_case

    folder = Path(arguments.path)
    names = cases_in(folder, arguments.cases)
    if is_semantic(folder, names[0]):
        return _run_semantic(folder, names, arguments.record)
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


def _run_semantic(folder: Path, names: list[str], record: str | None) -> int:
    """Run semantic cases, print what is wrong as it comes, and how many were refused why."""
    from jaxsim.formats.conformance import run_course
    from jaxsim.runtime.progress import progress_bar

    verdicts = []
    with progress_bar(len(names), None, "cases") as count:
        for name in names:
            verdicts.append(run_course(folder, name))
            count(1)
            if verdicts[-1].verdict == "WRONG":
                print(f"{name}  WRONG  {verdicts[-1].wrong} of {verdicts[-1].points} values: {verdicts[-1].remark}")
    found = Counter(verdict.verdict for verdict in verdicts)
    reasons = Counter(verdict.reason for verdict in verdicts if verdict.verdict == "refused")
    for reason, number in reasons.most_common():
        print(f"{number:6d} refused: {reason}")
    accepted = len(names) - found["refused"]
    print(f"{accepted} of {len(names)} cases accepted: {found['right']} right, {found['WRONG']} wrong")
    if record:
        table = {
            "cases": len(names), "accepted": accepted, "right": found["right"], "wrong": found["WRONG"],
            "values_compared": sum(verdict.points for verdict in verdicts),
            "methods": dict(Counter(verdict.method for verdict in verdicts if verdict.points)),
            "refused": dict(reasons.most_common()),
            "wrong_cases": {verdict.case: verdict.remark for verdict in verdicts if verdict.verdict == "WRONG"},
            "right_cases": [verdict.case for verdict in verdicts if verdict.verdict == "right"],
        }  # fmt: skip
        Path(record).write_text(json.dumps(table, indent=1) + "\n")
    return 1 if found["WRONG"] else 0


def _line(cells: "tuple[str, ...] | list[str]") -> str:
    first = [cell.ljust(width) for cell, width in zip(cells[:2], WIDTHS[:2], strict=True)]
    rest = [cell.rjust(width) for cell, width in zip(cells[2:], WIDTHS[2:], strict=True)]
    return "  ".join([*first, *rest]).rstrip()
