"""``jaxsim organism``: tumour, marrow and blood of mice or patients under chemotherapy and IL-1 blockade."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jaxsim.console import options
from jaxsim.console.options import Parser
from jaxsim.console.output import ready_folder, write_dataset, write_figure
from jaxsim.models.organism.report import decompose_organism, outcomes_table, restoration_table, validate_organism

if TYPE_CHECKING:
    import xarray

    from jaxsim.dosing import Dose

VALIDATED = 30  # animals of the table of targets
DESCRIPTION = """\
Follow tumour, IL-1alpha, marrow, blood and tumour immune cells through named scenarios: vehicle, chemo,
chemo+antibody, chemo+inhibitor, chemo+antagonist, antibody, tumour-free+chemo. Prints outcomes and how much of the
distance between chemotherapy and vehicle blocking IL-1 leaves, and writes figures (PNG) and a Dataset (NetCDF). Most
rate constants of the model are assumptions.
"""

EPILOG = """\
examples:
  jaxsim organism                                       the typical mouse in all scenarios, rate equations
  jaxsim organism --scenario vehicle chemo --animals 50
  jaxsim organism --without tumour_gcsf                 with a link turned off
  jaxsim organism --method langevin --animals 1000 --scenario chemo    a trajectory for each mouse
  jaxsim organism --validate                            what is required of the model and what it shows
  jaxsim organism --decompose                           through which links blocking IL-1 helps
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim organism", description=DESCRIPTION, epilog=EPILOG)
    add = given.add_argument
    add("--scenario", nargs="+", default=None, metavar="NAME", help="which scenarios (default: all)")
    add("--animal", default="mouse", metavar="NAME", help="mouse or human (default: mouse)")
    add("--animals", type=options.positive_count, default=None, metavar="N",
        help=f"virtual animals; 1 is the typical one (default: 1; with --validate {VALIDATED})")  # fmt: skip
    add("--validate", action="store_true", help="print the table of targets, and nothing else")
    add("--decompose", action="store_true",
        help="print the benefit of each agent with each link off, and Shapley shares, and nothing else")  # fmt: skip
    add("--without", nargs="+", default=(), metavar="LINK",
        help="links that are turned off, such as tumour_gcsf, body_gcsf, marrow_programme, harm")  # fmt: skip
    add("--gemcitabine", type=options.amount, default=None, metavar="X",
        help="each time: mg/kg for mice (default: 120), mg/m2 for patients (1000)")  # fmt: skip
    add("--cisplatin", type=options.amount, default=None, metavar="X",
        help="each time: mg/kg for mice (default: 0), mg/m2 for patients (70)")  # fmt: skip
    add("--days", type=options.duration, default=None, metavar="D", help="how long (default: 21 mice, 84 patients)")
    add("--scale", type=options.duration, default=None, metavar="X",
        help="counts per cell (default: 1 mice, 0.001 patients)")  # fmt: skip
    add("--method", default="mean_field", metavar="NAME", help="of simulate (default: mean_field)")
    add("--seed", type=options.seed, default=1, metavar="N", help="the same seed gives the same animals (default: 1)")
    add("--out", default="organism-results", metavar="DIR", help="folder for results (default: organism-results)")
    add("--figures", action=argparse.BooleanOptionalAction, default=True, help="write figures (default: yes)")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Run the study that the arguments ask for."""
    folder = ready_folder(arguments.out)
    if arguments.validate or arguments.decompose:
        command, animals = (validate_organism, VALIDATED) if arguments.validate else (decompose_organism, 1)
        written = command(int(arguments.animals or animals), arguments.seed, folder, arguments.figures, announce_arm)
        print(f"Written: {', '.join(str(path) for path in written)}")
        return 0
    from jaxsim.models import organism_study, scenarios

    settings = {"without": tuple(arguments.without)}
    study = organism_study(
        scenarios(arguments.scenario),
        animal=arguments.animal,
        animals=int(arguments.animals or 1),
        regimen=_regimen(arguments),
        days=arguments.days,
        method=arguments.method,
        seed=arguments.seed,
        settings=settings | ({} if arguments.scale is None else {"scale": arguments.scale}),
        announce=announce_arm,
    )
    print(outcomes_table(study))
    written = [write_dataset(study, folder / "organism.nc"), *_restoration(study, folder)]
    if arguments.figures:
        written += _write_figures(study, folder)
    print(f"\nWritten: {', '.join(str(path) for path in written)}")
    return 0


def _restoration(study: "xarray.Dataset", folder: Path) -> list[Path]:
    """Print and write what is left of the distance to vehicle, where the study has the arms and days to tell."""
    from jaxsim.models import restoration
    from jaxsim.models.organism.targets import UNTIL

    arms = set(study["arm"].values.tolist())
    if not {"vehicle", "chemo"} < arms or float(study["time"][-1]) < 24 * UNTIL:
        return []
    found = restoration(study)
    print(f"\n{restoration_table(found)}")
    return [write_dataset(found, folder / "restoration.nc")]


def _regimen(arguments: argparse.Namespace) -> "dict[str, Dose]":
    """Return the standard doses with the amounts that were given."""
    from jaxsim.models import organism_parameters, standard_regimen

    organism_parameters(arguments.animal)  # refuses an unknown animal
    standard = standard_regimen(arguments.animal)
    given = {"gemcitabine": arguments.gemcitabine, "cisplatin": arguments.cisplatin}
    return {agent: replace(standard[agent], amount=amount) for agent, amount in given.items() if amount is not None}


def announce_arm(name: str) -> None:
    """Say which arm is being simulated."""
    print(f"Simulating: {name}", file=sys.stderr, flush=True)


def _write_figures(study: "xarray.Dataset", folder: Path) -> list[Path]:
    """Draw the figures of a study of organisms."""
    from jaxsim.models.organism.figures import plot_organism_arms, plot_organism_headline

    written = write_figure(plot_organism_headline(study), folder / "headline.png")
    if "gmp_frequency_day_4" in study:
        written += write_figure(plot_organism_arms(study), folder / "arms.png")
    return written
