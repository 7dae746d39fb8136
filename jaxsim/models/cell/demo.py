"""``jaxsim demo``: a million tumour cells in each of three arms, dose-response, and intervals of the inhibitor."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jaxsim.console.guard import guarded, leave
from jaxsim.console.options import Parser
from jaxsim.console.output import ready_folder, write_dataset, write_figure
from jaxsim.models.cell.command import (
    add_cell_options,
    arms_table,
    cell_count,
    effort,
    endings,
    fates_table,
    study_options,
    write_figures,
)

if TYPE_CHECKING:
    import xarray

DOSES = (0.0, 15.0, 30.0, 60.0, 120.0, 240.0)  # mg/kg
INTERVALS = (float("inf"), 24.0, 12.0, 6.0)  # h
FEWER = 100  # the scans take this fraction of the cells

DESCRIPTION = """\
A million single tumour cells in each of three arms, simulated exactly: untreated, gemcitabine, and gemcitabine with a
caspase-1 inhibitor. Then, with fewer cells, the response to the dose, and what is gained by giving the inhibitor more
often. Prints tables and writes figures (PNG) and Datasets (NetCDF).
"""

EPILOG = """\
examples:
  scripts/demo                     the whole demonstration, minutes on two cores
  scripts/demo --cells 20000       the same with fewer cells, half a minute
  scripts/demo --dose 60 --out 60  another dose, another folder
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim demo", description=DESCRIPTION, epilog=EPILOG)
    add_cell_options(given, cells=1_000_000, out="demo-results")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the three studies of the demonstration."""
    began = time.perf_counter()
    folder = ready_folder(arguments.out)
    cells = cell_count(arguments)
    fewer = min(cells, max(2_000, cells // FEWER))
    studies = _studies(arguments, cells, fewer)
    written = [write_dataset(study, folder / f"{name}.nc") for name, study in studies.items()]
    if arguments.figures:
        written += _figures(studies, folder)
    print(f"\n{endings(*studies.values())}")
    print(effort(*studies.values()))
    print(f"Everything took {time.perf_counter() - began:.0f} s.")
    print(f"Written to {folder}: {', '.join(path.name for path in written)}")
    return 0


def _studies(arguments: argparse.Namespace, cells: int, fewer: int) -> dict[str, "xarray.Dataset"]:
    """Simulate and print, one table per study."""
    from jaxsim.models import CellArm, cell_arms, cell_study, dose_response_arms, interval_arms

    options = study_options(arguments)
    dose, inhibitor, interval = arguments.dose, arguments.inhibitor, arguments.inhibitor_every
    studies = {"cells": cell_study(cell_arms(dose, inhibitor, interval), cells=cells, **options)}
    print(f"{fates_table(studies['cells'])}\n")
    studies["dose_response"] = cell_study(dose_response_arms(DOSES, inhibitor, interval), cells=fewer, **options)
    print(f"{arms_table(studies['dose_response'])}\n")
    if inhibitor and dose:
        arms = (CellArm(f"gemcitabine {dose:g} mg/kg", dose), *interval_arms(dose, inhibitor, INTERVALS))
        studies["inhibitor_interval"] = cell_study(arms, cells=fewer, **options)
        print(arms_table(studies["inhibitor_interval"]))
    return studies


def _figures(studies: dict[str, "xarray.Dataset"], folder: Path) -> list[Path]:
    from jaxsim.models.cell.figures import plot_dose_response, plot_inhibitor_interval

    written = write_figures(studies["cells"], folder)
    for name, draw in (("dose_response", plot_dose_response), ("inhibitor_interval", plot_inhibitor_interval)):
        if name in studies:
            written += write_figure(draw(studies[name]), folder / f"{name}.png")
    return written


if __name__ == "__main__":
    leave(guarded(lambda: run(parser().parse_args())))
