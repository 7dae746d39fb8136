"""A thousand virtual mice for 21 days at full size: ``python scripts/thousand_mice.py [number [methods]]``.

Times each method, compiling apart, and says by how much its trajectories are off the rate equations of the same mice
(which at 6e7 tumour cells leave noise of about 1e-4). Writes scripts/results/thousand-mice.json.
"""

import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

import jaxsim as js
from jaxsim.models import organism_study, scenarios

RECORD = Path(__file__).parent / "results" / "thousand-mice.json"
METHODS = {
    "mean_field": {},
    "trapezoidal_tau_leap": {"tolerance": 0.1},
    "langevin": {"step": 0.03},
}


def main(arguments: list[str]) -> None:
    """Run every method on the same mice under chemotherapy."""
    number, rows, limit = int(arguments[0]) if arguments else 1000, [], None
    for method in arguments[1:] or METHODS:
        options = METHODS[method]
        began = time.perf_counter()
        study = organism_study(scenarios(["chemo"]), animals=number, method=method, seed=1, **options)
        wall = time.perf_counter() - began
        limit = study if limit is None else limit
        row = {
            "method": method,
            **options,
            "seconds": round(float(study["wall_seconds"].sum()), 1),
            "compiling": round(float(study["compile_seconds"].sum()), 1),
            "in_all": round(wall, 1),
        }
        for name in ("burden", "nadir"):
            apart = np.abs(study[name].values / limit[name].values - 1.0)
            row |= {f"{name}_off_median": float(np.median(apart)), f"{name}_off_95": float(np.quantile(apart, 0.95))}
        rows.append(row)
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
    machine = {"machine": platform.machine(), "cores": len(os.sched_getaffinity(0)), "jaxsim": js.__version__}
    RECORD.write_text(json.dumps({"mice": number, "days": 21, **machine, "methods": rows}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
