"""Where the headline of the organism lives: ``python scripts/organism_range.py``.

One number at a time is moved through what is possible, the least certain first, and the typical mouse is treated in
four arms. Writes scripts/results/organism-range.csv: GMP count and neutrophils under chemotherapy over vehicle (means
of days 4 to 9), what antibody and inhibitor leave of the distance of GMP, and tumours over those of chemotherapy alone
on day 21.
"""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from jaxsim.models import organism_parameters
from jaxsim.models.organism.experiments import Experiment, arms, run_group
from jaxsim.models.organism.network import LINK_GROUPS, LINKS
from jaxsim.models.organism.targets import Evidence, burden, left, ratio

RESULTS = Path(__file__).parent / "results" / "organism-range.csv"
ARMS = ("vehicle", "chemo", "chemo+antibody", "chemo+inhibitor", "antibody")
KNOWN = organism_parameters()["parameters"]
HARM = {name: KNOWN[name].value for link in LINK_GROUPS["harm"] for name in LINKS[link].parameters}
VARIANTS = {
    "default": {},
    **{f"{value * 1e3:g} fg of IL-1alpha per cell": {"il1a_per_cell": value} for value in (0.0004, 0.0012, 0.012)},
    **{f"half effect at {value:g} pg/mL": {"il1_constant": value} for value in (22.0, 70.0, 700.0, 2200.0)},
    **{f"lytic share {value:g}": {"pyroptotic_fraction": value} for value in (0.1, 0.2)},
    **{f"marrow killed at {value:g} /h": {"marrow_kill_rate": value} for value in (0.01, 0.045)},
    **{f"tumour of {value:.0e} cells": {"tumour": value} for value in (3e7, 3e8)},
    "no G-CSF links": {"without": ("body_gcsf", "tumour_gcsf")},
    "leak of the inhibitor 0.6": {"gsdme_fraction": 0.6},
    **{f"harm x {part:g}": {name: part * value for name, value in HARM.items()} for part in (0.0, 0.5, 1.2)},
}
SHOWN = {
    "GMP, chemo/vehicle": ratio("gmp_relative"),
    "neutrophils, chemo/vehicle": ratio("neutrophils_relative"),
    "NLR, chemo/vehicle": ratio("nlr"),
    "antibody leaves of GMP": left("gmp_relative", "chemo+antibody"),
    "inhibitor leaves of GMP": left("gmp_relative", "chemo+inhibitor"),
    "tumour, antibody/chemo": burden("chemo+antibody", "chemo"),
    "tumour, inhibitor/chemo": burden("chemo+inhibitor", "chemo"),
    "tumour, antibody alone/vehicle": burden("antibody", "vehicle"),
}


def main() -> None:
    """Treat every variant and keep the table."""
    standard = arms()
    experiments = {
        f"{variant}: {arm}": Experiment(standard.experiments[arm].given, settings=settings)
        for variant, settings in VARIANTS.items()
        for arm in ARMS
    }
    found, _ = run_group(replace(standard, experiments=experiments))
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("variant", *SHOWN))
        for variant in VARIANTS:
            results = {arm: found[f"{variant}: {arm}"] for arm in ARMS}
            evidence = Evidence({"arms": results}, {"arms": standard.times}, {})
            row = [f"{float(np.squeeze(measure(evidence))):.3g}" for measure in SHOWN.values()]
            writer.writerow((variant, *row))
            sys.stdout.write(", ".join((variant, *row)) + "\n")


if __name__ == "__main__":
    main()
