"""``jaxsim coupled``: a mouse whose tumour is of single cells, by tables or cell by cell."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.console import options
from jaxsim.console.options import Parser
from jaxsim.console.output import ready_folder, table, write_dataset, write_figure
from jaxsim.models.organism.command import announce_arm

if TYPE_CHECKING:
    import xarray

DESCRIPTION = """\
Follow a mouse whose tumour cells are those of `jaxsim cells`: online, where every cell is simulated and all step with
the organism, or by tables of what treated cells do. Prints outcomes and writes a Dataset (NetCDF) and a figure (PNG).
The first run by tables takes minutes, in which the table is made; it is kept on disk.
"""

EPILOG = """\
examples:
  jaxsim coupled --tumour 100000 --days 4 --scenario chemo chemo+inhibitor
  jaxsim coupled --coupling tables --days 7
  jaxsim coupled --tumour 100 --animals 50 --days 14 --scenario chemo     how often is a small tumour eradicated
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim coupled", description=DESCRIPTION, epilog=EPILOG)
    add = given.add_argument
    add("--coupling", default="online", metavar="NAME", help="online or tables (default: online)")
    add("--scenario", nargs="+", default=None, metavar="NAME",
        help="which scenarios (default: vehicle chemo chemo+antibody chemo+inhibitor)")  # fmt: skip
    add("--tumour", type=options.positive_count, default=100_000, metavar="N", help="cells (default: 100000)")
    add("--animals", type=options.positive_count, default=1, metavar="N", help="runs with other cells (default: 1)")
    add("--days", type=options.duration, default=4.0, metavar="D", help="how long (default: 4)")
    add("--step", type=options.duration, default=0.5, metavar="H", help="coupling step in hours (default: 0.5)")
    add("--gemcitabine", type=options.amount, default=None, metavar="X", help="mg/kg each time (default: 120)")
    add("--seed", type=options.seed, default=1, metavar="N", help="the same seed gives the same cells (default: 1)")
    add("--out", default="coupled-results", metavar="DIR", help="folder for results (default: coupled-results)")
    add("--figures", action=argparse.BooleanOptionalAction, default=True, help="write figures (default: yes)")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the study that the arguments ask for."""
    folder = ready_folder(arguments.out)
    from jaxsim.models import coupled_study, scenarios, standard_regimen
    from jaxsim.models.coupled.study import ARMS

    dose = standard_regimen()["gemcitabine"]
    given = arguments.gemcitabine
    study = coupled_study(
        arguments.coupling,
        scenarios(arguments.scenario or ARMS),
        tumour=int(arguments.tumour),
        animals=int(arguments.animals),
        days=arguments.days,
        step=arguments.step,
        regimen={} if given is None else {"gemcitabine": replace(dose, amount=given)},
        seed=arguments.seed,
        announce=announce_arm,
    )
    print(_report(study))
    written = [write_dataset(study, folder / "coupled.nc")]
    if arguments.figures:
        from jaxsim.models.organism.figures import plot_organism_courses

        written += write_figure(plot_organism_courses(study), folder / "courses.png")
    print(f"\nWritten: {', '.join(str(path) for path in written)}")
    return 0


def _report(study: "xarray.Dataset") -> str:
    """Return outcomes by arm, the means over animals; online also how many runs ended well, and what they cost."""
    columns = {
        "tumour at the end": lambda one: f"{float(one['burden'].mean()):.4g}",
        "eradicated": lambda one: f"{float(one['eradicated'].mean()):.2f}",
        "tolerant share": lambda one: f"{float(one['tolerant'].mean()):.3f}",
        "peak plasma IL-1alpha, pg/mL": lambda one: f"{float(one['il1a_peak'].mean()):.3g}",
    }
    if "lyses" in study:
        columns |= {
            "lysed": lambda one: f"{float(one['lyses'].isel(time=-1).mean()):.4g}",
            "apoptotic": lambda one: f"{float(one['apoptoses'].isel(time=-1).mean()):.4g}",
            "killed": lambda one: f"{float(one['kills'].isel(time=-1).mean()):.4g}",
            "IL-1alpha unaccounted for": lambda one: f"{int(np.abs(one['imbalance']).max())}",
            "status": lambda one: ", ".join(sorted(set(one["status"].values.tolist()))),
            "million events": lambda one: f"{float(one['events'].sum()) / 1e6:.1f}",
            "seconds": lambda one: f"{float(one['run_seconds'].sum()):.0f}",
        }
    arms = [str(arm) for arm in study["arm"].values]
    rows = [[name, *(write(study.sel(arm=arm)) for arm in arms)] for name, write in columns.items()]
    return table(["", *arms], rows)
