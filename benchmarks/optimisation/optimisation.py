"""What js.optimise must show: every row with its numbers, its limits and its verdict.

``python -m benchmarks.optimisation.optimisation`` prints the rows as they come and keeps them in one JSON record;
``--rows times many`` runs some of them. A row that the record has is replaced.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks import record
from benchmarks.optimisation.optimisation_rows import ROWS


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    for name in options.rows:
        began, lines = (time.perf_counter(), time.process_time()), []
        for what, number, limit, passes in ROWS[name]():
            lines.append({"what": what, "number": plain(number), "limit": limit, "passes": passes})
            verdict = {True: "pass", False: "FAIL", None: "shown"}[passes]
            print(f"{name:<8} {verdict:<5} {what}: {shown(number)} ({limit})", flush=True)
        row = {"lines": lines, "seconds": round(time.perf_counter() - began[0], 1),
               "processor_seconds": round(time.process_time() - began[1], 1), **record.describe()}  # fmt: skip
        known = json.loads(options.out.read_text()) if options.out.exists() else {"kind": "optimisation", "rows": {}}
        known["rows"][name] = row
        record.write(known, options.out)
    print(f"\nwritten to {options.out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rows = list(ROWS)
    parser.add_argument("--rows", nargs="+", default=rows, choices=rows, metavar="ROW", help=", ".join(rows))
    parser.add_argument("--out", type=Path, default=record.default_path("optimisation"), help="where the record is")
    return parser.parse_args(arguments)


def plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def shown(number) -> str:
    return np.array2string(np.asarray(number, float), precision=4, suppress_small=True)


if __name__ == "__main__":
    main()
