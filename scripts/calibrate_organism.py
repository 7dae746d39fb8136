"""Fit the lumped unknowns of the organism and keep the result: ``python scripts/calibrate_organism.py direct both``.

Prints parameters and targets, and writes scripts/results/organism-calibration-<hypothesis>.nc. About 10 minutes a
hypothesis on a busy core.
"""

import sys
from pathlib import Path

from jaxsim.models import calibrate_organism

RESULTS = Path(__file__).parent / "results"
PARAMETERS = ["prior", "fitted", "fitted_low", "fitted_high", "moved", "shrinkage"]
TARGETS = ["wanted", "tolerance", "default", "value", "met_by_default", "met"]


def main(hypotheses: list[str]) -> None:
    """Fit under each hypothesis."""
    for hypothesis in hypotheses or ["direct", "both"]:
        found = calibrate_organism(hypothesis)
        found.to_netcdf(RESULTS / f"organism-calibration-{hypothesis}.nc", engine="h5netcdf")
        for columns in (PARAMETERS, TARGETS):
            sys.stdout.write(found[columns].to_dataframe().round(4).to_string() + "\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
