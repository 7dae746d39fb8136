"""Sobol indices of the organism: ``python scripts/organism_sensitivity.py 128``, with the number of base points.

Over numbers of tumour, IL-1alpha, marrow and neutrophils that nothing published fixes. Writes
scripts/results/organism-sensitivity.nc and organism-sensitivity.png. About 2 minutes on two cores for 128.
"""

import sys
from pathlib import Path

from jaxsim.models import organism_sensitivity
from jaxsim.models.organism.figures import plot_organism_sensitivity

TUMOUR = ("growth_rate", "plateau", "damage_rate", "damage_exposure", "tolerant_damage", "decision_rate",
          "pyroptotic_fraction", "recovery_fraction", "neutrophil_recovery", "tolerant_fraction", "kill_rate",
          "kill_protection", "effector_suppression", "recruitment_rate", "recruitment_gain",
          "harm_density")  # fmt: skip
SIGNAL = ("il1a_per_cell", "il1_constant", "stroma_constant", "il1a_escape_rate", "body_gcsf_gain", "tumour_gcsf_gain")
MARROW = ("marrow_kill_rate", "myeloid_gain", "gmp_gain", "hspc_gain", "mitotic_gain", "gmp_feedback")
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> None:
    """Run the design, keep the indices and draw them."""
    found = organism_sensitivity(int(arguments[0]) if arguments else 128, names=(*TUMOUR, *SIGNAL, *MARROW))
    found.to_netcdf(RESULTS / "organism-sensitivity.nc", engine="h5netcdf")
    plot_organism_sensitivity(found).savefig(RESULTS / "organism-sensitivity.png", dpi=150)
    for output in found["output"].values:
        one = found.sel(output=output).sortby("total", ascending=False).isel(input=slice(12))
        columns = ["first", "first_low", "first_high", "total", "total_low", "total_high"]
        sys.stdout.write(f"{output}\n{one[columns].to_dataframe().round(3).to_string()}\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
