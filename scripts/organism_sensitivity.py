"""Sobol indices of the organism: ``python scripts/organism_sensitivity.py 128``, with the number of base points.

Over the fitted unknowns and the rates of tumour, drug and blood that nothing published fixes. Writes
scripts/results/organism-sensitivity.nc and organism-sensitivity.png. About 2 minutes on two cores for 128.
"""

import sys
from pathlib import Path

from jaxsim.models import organism_sensitivity
from jaxsim.models.organism_fit import FREE
from jaxsim.plots import plot_organism_sensitivity

TUMOUR = ("growth_rate", "capacity", "damage_rate", "damage_exposure", "decision_rate", "pyroptotic_fraction",
          "apoptotic_fraction", "tolerant_fraction", "kill_rate", "recruitment_rate")  # fmt: skip
MARROW = ("marrow_exposure", "gmp_sensitivity", "mitotic_sensitivity", "release_gain")
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> None:
    """Run the design, keep the indices and draw them."""
    found = organism_sensitivity(int(arguments[0]) if arguments else 128, names=(*FREE, "relay_gain", *TUMOUR, *MARROW))
    found.to_netcdf(RESULTS / "organism-sensitivity.nc", engine="h5netcdf")
    plot_organism_sensitivity(found).savefig(RESULTS / "organism-sensitivity.png", dpi=150)
    for output in found["output"].values:
        one = found.sel(output=output).sortby("total", ascending=False).isel(input=slice(12))
        columns = ["first", "first_low", "first_high", "total", "total_low", "total_high"]
        sys.stdout.write(f"{output}\n{one[columns].to_dataframe().round(3).to_string()}\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
