"""The acceptance table of gradients: every row with its number, its limit and its verdict.

``python benchmarks/gradients.py`` prints the rows as they come and writes a JSON record; ``--rows 1 4 5`` runs some of
them, ``--trajectories`` sets the number of row 4 (1e6). Times are processor seconds. Where a row of the table is about
optimisation (14) it is left to that benchmark.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import record
from gradient_rows import ROWS


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    result = {"kind": "gradients", **record.describe(), "arguments": sys.argv[1:], "rows": []}
    for number in options.rows:
        began = time.process_time()
        for line in ROWS[number](options.trajectories):
            entry = {"row": number, **{key: plain(value) for key, value in line.items()}}
            entry["seconds"] = round(time.process_time() - began, 1)
            result["rows"].append(entry)
            print(f"{number:>2}  {shown(entry)}", flush=True)
            record.write(result, options.out)
    print(f"\nwritten to {options.out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=int, default=[*ROWS], choices=[*ROWS], metavar="ROW")
    parser.add_argument("--trajectories", type=int, default=1_000_000, help="of row 4 (1000000)")
    parser.add_argument("--out", type=Path, default=record.default_path("gradients"), help="where the record goes")
    return parser.parse_args(arguments)


def plain(value):
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def shown(entry: dict) -> str:
    verdict = {True: "pass", False: "FAIL", None: "shown"}[entry["passes"]]
    numbers = np.array2string(np.asarray(entry["number"], float), precision=4, suppress_small=False)
    return f"{verdict:<5} {entry['what']}: {numbers} ({entry['limit']})"


if __name__ == "__main__":
    main()
