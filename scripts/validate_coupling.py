"""Tables against 1e5 cells one by one, and tables that must fail: ``python scripts/validate_coupling.py [CELLS]``.

Prints the largest deviations in standard errors, and writes scripts/results/coupling-validation.nc and .png. Some five
minutes on two idle cores.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from jaxsim.models import Grid, compare_couplings, coupled_study, coupling_table, scenarios, standard_regimen
from jaxsim.models.coupled.figures import plot_coupling

RESULTS = Path(__file__).parent / "results"
DAYS, ANIMALS, WRONG_DOSE = 4, 5, 100.0  # mg/kg, of a table for 120


def main(tumour: int) -> None:
    """Run both couplings and compare them."""
    arms = scenarios(["chemo", "chemo+inhibitor"])
    shared = {"tumour": tumour, "days": DAYS}
    table = coupling_table(Grid((0.0, WRONG_DOSE, 120.0), (0.0, 50.0), (0.0,), hours=24.0 * DAYS),
                           cells=8 * tumour // 10, seed=1, announce=say)  # fmt: skip
    began = time.process_time()
    online = coupled_study("online", arms, animals=ANIMALS, seed=2, announce=say, **shared)
    seconds = time.process_time() - began
    found = compare_couplings(online, coupled_study("tables", arms, table=table, **shared))
    weaker = {"gemcitabine": replace(standard_regimen()["gemcitabine"], amount=WRONG_DOSE)}
    wrong = compare_couplings(online, coupled_study("tables", arms, table=table, regimen=weaker, **shared))
    events, cells = float(online["events"].sum()), float(online["tumour"].mean("time").sum())
    record = found.assign(wrong_deviation=wrong["deviation"], wrong_agree=wrong["agree"]).assign_attrs(
        {name: online.attrs[name] for name in ("device", "machine", "jaxsim", "jax", "numpy", "python")},
        tumour=tumour,
        step=online.attrs["step"],
        table_cells=table.attrs["cells"],
        wrong_dose=WRONG_DOSE,
        imbalance_in_cells=int(np.abs(online["imbalance"]).max()),
        imbalance_outside=float(online["imbalance_outside"].max()),
        core_seconds=seconds,
        events_per_core_second=events / seconds,
        cell_steps_per_core_second=cells * 24.0 * DAYS / online.attrs["step"] / seconds,
    )
    record.to_netcdf(RESULTS / "coupling-validation.nc", engine="h5netcdf")
    plot_coupling(found).savefig(RESULTS / "coupling-validation.png", dpi=150)
    largest = np.abs(record[["deviation", "wrong_deviation"]]).max("time")
    say(largest.to_dataframe().round(2).to_string())
    say("\n".join(f"{name}: {value}" for name, value in record.attrs.items()))


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 100_000)
