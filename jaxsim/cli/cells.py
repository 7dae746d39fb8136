"""``jaxsim cells``: what becomes of single tumour cells under gemcitabine, with and without a caspase-1 inhibitor."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsim.cli import values
from jaxsim.cli.cell_report import effort, endings, fates_table
from jaxsim.cli.folder import ready_folder, write_dataset, write_figure
from jaxsim.cli.parser import Parser

if TYPE_CHECKING:
    import xarray

QUICK = 5_000
EVERY = 3.0  # h between saved times

DESCRIPTION = """\
Simulate single tumour cells exactly, event by event: gemcitabine damages DNA, damaged cells arrest, become tolerant,
or die by apoptosis or by lysis (pyroptosis), and release IL-1alpha. Up to three arms are compared on the same cells:
untreated, gemcitabine, and gemcitabine with a caspase-1 inhibitor. Doses are for a mouse, given intraperitoneally.
Prints a table and writes figures (PNG) and a Dataset (NetCDF). Nearly all rate constants of the model are assumptions.
"""

EPILOG = """\
examples:
  jaxsim cells                                     100,000 cells an arm, 120 mg/kg, inhibitor every 6 h
  jaxsim cells --dose 60 --inhibitor 0 --quick     two arms of 5,000 cells
  jaxsim cells --at 0 72 --hours 168               two doses of gemcitabine
  jaxsim cells --cells 1e6 --seed 1 --out results  a million cells an arm
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim cells", description=DESCRIPTION, epilog=EPILOG)
    add_options(given, cells=100_000, out="cells-results")
    given.add_argument(
        "--at", nargs="+", type=values.amount, default=[0.0], metavar="H", help="hours at which gemcitabine is given"
        " (default: 0)",
    )  # fmt: skip
    return given


def add_options(given: Parser, cells: int, out: str) -> None:
    """Add the options that the commands on single cells share."""
    add = given.add_argument
    add("--dose", type=values.amount, default=120.0, metavar="MG/KG", help="gemcitabine, each time (default: 120)")
    add("--inhibitor", type=values.amount, default=50.0, metavar="MG/KG",
        help="caspase-1 inhibitor, each time; 0 leaves the arm out (default: 50)")  # fmt: skip
    add("--inhibitor-every", type=values.interval, default=6.0, metavar="H",
        help="hours between doses of the inhibitor, or 'once'; its half-life is 1 h (default: 6)")  # fmt: skip
    add("--cells", type=values.positive_count, default=cells, metavar="N", help=f"cells per arm (default: {cells:,})")
    add("--hours", type=values.duration, default=96.0, metavar="H", help="hours to follow the cells (default: 96)")
    add("--seed", type=values.seed, default=1, metavar="N", help="the same seed gives the same cells (default: 1)")
    add("--out", default=out, metavar="DIR", help=f"folder for figures and Datasets (default: {out})")
    add("--quick", action="store_true", help=f"{QUICK:,} cells an arm, whatever --cells says")
    add("--figures", action=argparse.BooleanOptionalAction, default=True, help="write figures (default: yes)")
    add("--progress", action=argparse.BooleanOptionalAction, default=None,
        help="draw progress bars (default: on a terminal)")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run the study that the arguments ask for."""
    folder = ready_folder(arguments.out)
    from jaxsim.models import cell_arms, cell_study

    at = tuple(sorted(arguments.at))
    arms = cell_arms(arguments.dose, arguments.inhibitor, arguments.inhibitor_every, at)
    study = cell_study(arms, cells=cell_count(arguments), **study_options(arguments))
    print(fates_table(study))
    print(f"\n{endings(study)}")
    print(effort(study))
    written = [write_dataset(study, folder / "cells.nc")]
    if arguments.figures:
        written += write_figures(study, folder)
    print(f"Written: {', '.join(str(path) for path in written)}")
    return 0


def cell_count(arguments: argparse.Namespace) -> int:
    """Return the number of cells in each arm."""
    return QUICK if arguments.quick else int(arguments.cells)


def study_options(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Return the arguments of a study that are the same for all arms."""
    every = min(EVERY, arguments.hours / 12)
    return {
        "hours": arguments.hours,
        "every": every,
        "seed": arguments.seed,
        "progress": arguments.progress,
        "announce": announce,
    }


def announce(name: str) -> None:
    """Say which arm is being simulated."""
    print(f"Simulating: {name}", file=sys.stderr, flush=True)


def write_figures(study: "xarray.Dataset", folder: Path) -> list[Path]:
    """Draw the figures of a study of arms."""
    from jaxsim.plots import plot_fates, plot_lysis, plot_release

    figures = {"fates.png": plot_fates, "release.png": plot_release, "lysis.png": plot_lysis}
    return [path for name, draw in figures.items() for path in write_figure(draw(study), folder / name)]
