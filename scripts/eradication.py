"""Eradication: hybrid at the full size of a tumour and exact trajectories of a small one, against the closed form.

``python scripts/eradication.py``. Drug-sensitive cells die under treatment and shed resistant ones, whose lineages die
out or grow. The chance that none is left depends on the product of cells and mutation rate: it is the same for 6e7
cells and for 1e4 that mutate 6,000 times as often. One sensitive cell leaves no lasting resistant one with chance
k / (k + u (1 - d/b)). Writes scripts/results/eradication.json.
"""

import json
import sys
from pathlib import Path

import numpy as np

import jaxsim as js
from jaxsim.models.parameters import wilson

RECORD = Path(__file__).parent / "results" / "eradication.json"
KILL, BIRTH, DEATH, SHED = 1.0, 1.0, 0.5, 1.4  # per day; SHED: expected resistant cells in all, per day of KILL
CASES = {"hybrid": (60_000_000, 30.0), "direct": (10_000, 20.0)}  # cells and days, until all sensitive ones are dead
TRAJECTORIES = 20_000


def main() -> None:
    """Simulate both and compare them with each other and with the closed form."""
    rows = []
    for method, (cells, days) in CASES.items():
        mutation = SHED * KILL / cells
        out = js.simulate(
            tumour(cells, mutation), times=[days], trajectories=TRAJECTORIES, seed=1, method=method,
            histograms={"sensitive": 1, "resistant": 1}, covariance=False,
        )  # fmt: skip
        cured = float(out["histogram_resistant"].sel(bin_resistant=0).values[0]) / TRAJECTORIES
        low, high = (float(end) for end in wilson(np.float64(cured), TRAJECTORIES))
        exact = float((KILL / (KILL + mutation * (1 - DEATH / BIRTH))) ** cells)
        rows.append({"method": method, "cells": cells, "days": days, "eradicated": cured, "interval_95": [low, high],
                     "closed_form": exact, "seconds": round(float(out.attrs["wall_seconds"]), 1),
                     "compile_seconds": round(float(out.attrs["compile_seconds"]), 1)})  # fmt: skip
        sys.stdout.write(json.dumps(rows[-1]) + "\n")
        sys.stdout.flush()
    apart = abs(rows[0]["eradicated"] - rows[1]["eradicated"])
    share = (rows[0]["eradicated"] + rows[1]["eradicated"]) / 2
    z = apart / np.sqrt(2 * share * (1 - share) / TRAJECTORIES)
    sys.stdout.write(f"apart by {z:.2f} standard errors\n")
    record = {"trajectories": TRAJECTORIES, "jaxsim": js.__version__, "apart_in_standard_errors": z, "rows": rows}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def tumour(cells: int, mutation: float) -> js.Network:
    """Return a treated tumour and the resistant cells that it sheds."""
    return js.Network(
        {"sensitive": cells, "resistant": 0},
        ["sensitive -> , kill", "sensitive -> sensitive + resistant, mutation",
         "resistant -> 2 resistant, birth", "resistant -> , death"],
        {"kill": KILL, "mutation": mutation, "birth": BIRTH, "death": DEATH},
    )  # fmt: skip


if __name__ == "__main__":
    main()
