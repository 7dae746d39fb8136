"""Profile ranges of the calibration: ``python scripts/profile_organism.py both``.

Reads scripts/results/organism-calibration-<hypothesis>.nc and writes scripts/results/organism-profile-<hypothesis>.nc.
About 5 minutes a hypothesis on a busy core.
"""

import sys
from pathlib import Path

import xarray

from jaxsim.models import profile_organism

RESULTS = Path(__file__).parent / "results"


def main(hypotheses: list[str]) -> None:
    """Profile the fit under each hypothesis."""
    for hypothesis in hypotheses or ["both"]:
        with xarray.open_dataset(RESULTS / f"organism-calibration-{hypothesis}.nc", engine="h5netcdf") as record:
            found = profile_organism(record.load())
        found.to_netcdf(RESULTS / f"organism-profile-{hypothesis}.nc", engine="h5netcdf")
        columns = ["low", "high", "open_low", "open_high"]
        sys.stdout.write(found[columns].to_dataframe().round(4).to_string() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
