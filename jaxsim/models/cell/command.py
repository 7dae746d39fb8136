"""``jaxsim cells``: what becomes of single tumour cells under gemcitabine, with and without a caspase-1 inhibitor."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.console import options
from jaxsim.console.options import Parser
from jaxsim.console.output import ready_folder, table, write_dataset, write_figure

if TYPE_CHECKING:
    import xarray


# What a study of single cells shows, as tables.


def fates_table(study: "xarray.Dataset") -> str:
    """Return the fates at the end with 95 % intervals, one column per arm."""
    end = study.isel(time=-1)
    rows = [_row(f"{fate}, %", end.sel(fate=fate), "fate_fraction", "fate") for fate in study["fate"].values]
    rows.append(_row("divided at least once, %", end, "divided", "divided"))
    rows.append(_row("IL-1alpha released, % of pool", end, "release", "release"))
    rows.append(["time to lysis, h (10, 50, 90 %)", *(_times(times) for times in study["lysis_time"].values)])
    rows.append(["events per cell", *(f"{number:.0f}" for number in (end["events"] / end["cells"]).values)])
    rows.append(["computing, s", *(f"{seconds:.1f}" for seconds in end["wall_seconds"].values)])
    return f"{_title(study)}\n\n{table(['', *map(str, study['arm'].values)], rows)}"


def arms_table(study: "xarray.Dataset") -> str:
    """Return deaths and release at the end with 95 % intervals, one row per arm."""
    end = study.isel(time=-1)
    columns = [
        _row("apoptotic, %", end.sel(fate="apoptotic"), "fate_fraction", "fate"),
        _row("pyroptotic, %", end.sel(fate="pyroptotic"), "fate_fraction", "fate"),
        _row("IL-1alpha released, % of pool", end, "release", "release"),
    ]
    heading, *rows = zip(["", *map(str, study["arm"].values)], *columns, strict=True)
    return f"{_title(study)}\n\n{table(heading, rows)}"


def effort(*studies: "xarray.Dataset") -> str:
    """Return one sentence on events, time and device."""
    events, computing, compiling = (
        sum(float(study[name].sum()) for study in studies) for name in ("events", "wall_seconds", "compile_seconds")
    )
    device = studies[0].attrs["device"]
    return (
        f"{events:.3g} events in {computing:.1f} s of computing ({events / computing:.2g} a second, device {device}), "
        f"and {compiling:.1f} s of compiling."
    )


def endings(*studies: "xarray.Dataset") -> str:
    """Return one sentence on how the trajectories ended."""
    total = np.sum([study["status"].sum("arm").values for study in studies], axis=0)
    named = [f"{int(n):,} {name}" for name, n in zip(studies[0]["ending"].values, total, strict=True) if n]
    return f"Trajectories by how they ended: {', '.join(named)}."


def _title(study: "xarray.Dataset") -> str:
    hours, cells = float(study["time"][-1]), int(study["cells"][0])
    return f"{cells:,} cells in each arm, after {hours:g} h, with 95 % intervals:"


def _row(name: str, end: "xarray.Dataset", field: str, stem: str) -> list[str]:
    triples = zip(end[field].values, end[f"{stem}_low"].values, end[f"{stem}_high"].values, strict=True)
    return [name, *(_interval(*triple) for triple in triples)]


def _interval(value: Any, low: Any, high: Any) -> str:
    """Write per cent with as many decimals as the interval deserves."""
    half = 100 * max(float(high) - float(low), 1e-12) / 2
    decimals = int(np.clip(np.ceil(1 - np.log10(half)), 1, 4))
    return f"{100 * value:.{decimals}f} ({100 * low:.{decimals}f} to {100 * high:.{decimals}f})"


def _times(times: Any) -> str:
    return "-" if np.isnan(times).any() else ", ".join(f"{value:.1f}" for value in times)


QUICK = 5_000
_EVERY = 3.0  # h between saved times

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
    add_cell_options(given, cells=100_000, out="cells-results")
    given.add_argument(
        "--at", nargs="+", type=options.amount, default=[0.0], metavar="H", help="hours at which gemcitabine is given"
        " (default: 0)",
    )  # fmt: skip
    return given


def add_cell_options(given: Parser, cells: int, out: str) -> None:
    """Add the options that the commands on single cells share."""
    add = given.add_argument
    add("--dose", type=options.amount, default=120.0, metavar="MG/KG", help="gemcitabine, each time (default: 120)")
    add("--inhibitor", type=options.amount, default=50.0, metavar="MG/KG",
        help="caspase-1 inhibitor, each time; 0 leaves the arm out (default: 50)")  # fmt: skip
    add("--inhibitor-every", type=options.interval, default=6.0, metavar="H",
        help="hours between doses of the inhibitor, or 'once'; its half-life is 1 h (default: 6)")  # fmt: skip
    add("--cells", type=options.positive_count, default=cells, metavar="N", help=f"cells per arm (default: {cells:,})")
    add("--hours", type=options.duration, default=96.0, metavar="H", help="hours to follow the cells (default: 96)")
    add("--seed", type=options.seed, default=1, metavar="N", help="the same seed gives the same cells (default: 1)")
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
    every = min(_EVERY, arguments.hours / 12)
    return {
        "hours": arguments.hours,
        "every": every,
        "seed": arguments.seed,
        "progress": arguments.progress,
        "announce": announce_arm_of_cells,
    }


def announce_arm_of_cells(name: str) -> None:
    """Say which arm is being simulated."""
    print(f"Simulating: {name}", file=sys.stderr, flush=True)


def write_figures(study: "xarray.Dataset", folder: Path) -> list[Path]:
    """Draw the figures of a study of arms."""
    from jaxsim.models.cell.figures import plot_fates, plot_lysis, plot_release

    figures = {"fates.png": plot_fates, "release.png": plot_release, "lysis.png": plot_lysis}
    return [path for name, draw in figures.items() for path in write_figure(draw(study), folder / name)]
