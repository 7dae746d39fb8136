"""``jaxsim organism``: tumour, marrow and blood of mice or patients under chemotherapy and IL-1 blockade."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jaxsim.cli import values
from jaxsim.cli.cache import keep_compiled_programs
from jaxsim.cli.folder import ready_folder, write_dataset, write_figure
from jaxsim.cli.organism_report import outcomes_table, validation_table
from jaxsim.cli.organism_targets import validate_organism
from jaxsim.cli.parser import Parser

if TYPE_CHECKING:
    import xarray

    from jaxsim.dosing import Dose

VALIDATED = 1000  # animals of the table of targets
DESCRIPTION = """\
Follow tumour, IL-1alpha, marrow, blood and tumour immune cells through named scenarios: vehicle, chemo,
chemo+antibody, chemo+inhibitor, chemo+antagonist, antibody, tumour-free+chemo. Prints outcomes and which targets
hold, and writes figures (PNG) and a Dataset (NetCDF). Most rate constants of the model are assumptions.
"""

EPILOG = """\
examples:
  jaxsim organism                                       the typical mouse in all scenarios, rate equations
  jaxsim organism --scenario vehicle chemo --animals 50
  jaxsim organism --hypothesis relay --cisplatin 6
  jaxsim organism --method trapezoidal_tau_leap --animals 1000 --scenario chemo    a trajectory for each mouse
  jaxsim organism --validate                            which of the targets T1 to T21 hold in 1,000 animals
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim organism", description=DESCRIPTION, epilog=EPILOG)
    add = given.add_argument
    add("--scenario", nargs="+", default=None, metavar="NAME", help="which scenarios (default: all)")
    add("--animal", default="mouse", metavar="NAME", help="mouse or human (default: mouse)")
    add("--animals", type=values.positive_count, default=None, metavar="N",
        help="virtual animals; 1 is the typical one (default: 1; with --validate 1000)")  # fmt: skip
    add("--validate", action="store_true",
        help="print the table of targets T1 to T21 under each hypothesis, and nothing else")  # fmt: skip
    add("--hypothesis", default="both", metavar="NAME",
        help="how IL-1alpha reaches the marrow: direct, relay or both (default: both)")  # fmt: skip
    add("--local-arm", action="store_true", help="with fibroblasts that shelter recovering cells")
    add("--gemcitabine", type=values.amount, default=None, metavar="X",
        help="each time: mg/kg for mice (default: 120), mg/m2 for patients (1000)")  # fmt: skip
    add("--cisplatin", type=values.amount, default=None, metavar="X",
        help="each time: mg/kg for mice (default: 0), mg/m2 for patients (70)")  # fmt: skip
    add("--days", type=values.duration, default=None, metavar="D", help="how long (default: 21 mice, 84 patients)")
    add("--scale", type=values.duration, default=None, metavar="X",
        help="counts per cell (default: 1 mice, 0.001 patients)")  # fmt: skip
    add("--method", default="mean_field", metavar="NAME", help="of simulate (default: mean_field)")
    add("--seed", type=values.seed, default=1, metavar="N", help="the same seed gives the same animals (default: 1)")
    add("--out", default="organism-results", metavar="DIR", help="folder for results (default: organism-results)")
    add("--figures", action=argparse.BooleanOptionalAction, default=True, help="write figures (default: yes)")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the study that the arguments ask for."""
    folder = ready_folder(arguments.out)
    keep_compiled_programs()
    if arguments.validate:
        written = validate_organism(
            int(arguments.animals or VALIDATED), arguments.seed, folder, arguments.figures, announce
        )
        print(f"Written: {', '.join(str(path) for path in written)}")
        return 0
    from jaxsim.models import organism_study, scenarios, validate

    settings = {"hypothesis": arguments.hypothesis, "local_arm": arguments.local_arm}
    study = organism_study(
        scenarios(arguments.scenario),
        animal=arguments.animal,
        animals=int(arguments.animals or 1),
        regimen=_regimen(arguments),
        days=arguments.days,
        method=arguments.method,
        seed=arguments.seed,
        settings=settings | ({} if arguments.scale is None else {"scale": arguments.scale}),
        announce=announce,
    )
    found = validate(study)
    print(outcomes_table(study))
    if found.sizes["target"]:
        print(f"\n{validation_table(found)}\n")
    written = [write_dataset(study, folder / "organism.nc"), write_dataset(found, folder / "validation.nc")]
    if arguments.figures:
        written += write_figures(study, found, folder)
    print(f"Written: {', '.join(str(path) for path in written)}")
    return 0


def _regimen(arguments: argparse.Namespace) -> "dict[str, Dose]":
    """Return the standard doses with the amounts that were given."""
    from jaxsim.models import organism_parameters, standard_regimen

    organism_parameters(arguments.animal)  # refuses an unknown animal
    standard = standard_regimen(arguments.animal)
    given = {"gemcitabine": arguments.gemcitabine, "cisplatin": arguments.cisplatin}
    return {agent: replace(standard[agent], amount=amount) for agent, amount in given.items() if amount is not None}


def announce(name: str) -> None:
    """Say which arm is being simulated."""
    print(f"Simulating: {name}", file=sys.stderr, flush=True)


def write_figures(study: "xarray.Dataset", found: "xarray.Dataset", folder: Path) -> list[Path]:
    """Draw the figures of a study of organisms."""
    from jaxsim.plots import plot_organism_arms, plot_organism_courses, plot_organism_validation

    written = [write_figure(plot_organism_courses(study), folder / "courses.png")]
    if "gmp_frequency_day_4" in study:
        written.append(write_figure(plot_organism_arms(study), folder / "arms.png"))
    if found.sizes["target"]:
        written.append(write_figure(plot_organism_validation(found), folder / "validation.png"))
    return written
