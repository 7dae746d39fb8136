"""The acceptance table of gradients: every row with its numbers, its limits and its verdict.

``python -m benchmarks.gradients.gradients`` prints the rows as they come and keeps them in one JSON record; started
again it goes on with the rows that the record lacks. ``--rows score cost`` runs some of them, ``--again`` those that
are there too. Times are processor seconds. A row that fails to run is recorded with its error and the others go on.
"""

import argparse
import json
import sys
import time
import traceback
from pathlib import Path

import jax
import numpy as np

from benchmarks import record
from benchmarks.gradients import gradient_rows

OPTIMISATION = Path(__file__).parent.parent / "optimisation" / "optimisation.py"


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    result = begun(options.out)
    known = {} if options.again else result["rows"]
    for name in options.rows:
        if name not in known or "error" in known[name]:
            result["rows"][name] = run(name, options.trajectories)
            record.write(result, options.out)
            jax.clear_caches()
        for line in result["rows"][name]["lines"]:
            print(f"{result['rows'][name]['number']:>2} {name:<16} {shown(line)}", flush=True)
    return finish(result, options.out)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    rows = list(gradient_rows.ROWS)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=rows, choices=rows, metavar="ROW", help=", ".join(rows))
    parser.add_argument("--again", action="store_true", help="run rows that the record has")
    parser.add_argument("--trajectories", type=int, default=1_000_000, help="of each estimator of row 4 (1000000)")
    parser.add_argument("--out", type=Path, default=record.default_path("gradients"), help="where the record is kept")
    return parser.parse_args(arguments)


def begun(out: Path) -> dict:
    """Return the record to go on with."""
    if out.exists():
        return json.loads(out.read_text())
    return {"kind": "gradients", "rows": {}}


def run(name: str, trajectories: int) -> dict:
    """Return a row with the machine, versions and commit under which it ran."""
    number, function = gradient_rows.ROWS[name]
    began, row = time.process_time(), {"number": number, "lines": [], **record.describe()}
    try:
        for line in function(trajectories):
            row["lines"].append({key: plain(value) for key, value in line.items()})
    except Exception as error:  # noqa: BLE001 - the other rows are to run, and the record says what failed
        traceback.print_exc()
        row["error"] = f"{type(error).__name__}: {error}"
        row["lines"].append({"what": row["error"], "number": [], "limit": "runs", "passes": False})
    row["cpu_seconds"] = round(time.process_time() - began, 1)
    return row


def plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def shown(line: dict) -> str:
    verdict = {True: "pass", False: "FAIL", None: "shown"}[line["passes"]]
    numbers = np.array2string(np.asarray(line["number"], float), precision=4, suppress_small=False, max_line_width=200)
    return f"{verdict:<5} {line['what']}: {numbers} ({line['limit']})"


def finish(result: dict, out: Path) -> int:
    """Print how many rows hold; 1 where one does not."""
    rows = {name: result["rows"][name] for name in gradient_rows.ROWS if name in result["rows"]}
    verdicts = {name: all(line["passes"] is not False for line in row["lines"]) for name, row in rows.items()}
    failed = [f"{rows[name]['number']} ({name})" for name, good in verdicts.items() if not good]
    missing = [f"{number} ({name})" for name, (number, _) in gradient_rows.ROWS.items() if name not in rows]
    seconds = sum(row["cpu_seconds"] for row in rows.values())
    print(f"\n{sum(verdicts.values())} of {len(gradient_rows.ROWS)} rows hold; failed: {', '.join(failed) or 'none'}; "
          f"not run: {', '.join(missing) or 'none'}; {seconds:.0f} processor seconds; kept in {out}")  # fmt: skip
    if OPTIMISATION.exists():
        print(f"14 (optimiser): measured by benchmarks/{OPTIMISATION.name}, row times")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
