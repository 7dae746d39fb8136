"""``jaxsim show``: the results of a store as a table, or what a study file asks for; exports."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jaxsim.console.options import Parser
from jaxsim.console.output import table

if TYPE_CHECKING:
    import xarray

DESCRIPTION = """\
Print the results of a store at its last save time (mean and half-width of its 95 % interval), one line for each
design point, and where the stopping rule is not met; or, of a study file, what it asks for. Exports the results to
NetCDF or CSV. Runs no code that a study file names.
"""
_MOST_ROWS = 40


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim show", description=DESCRIPTION)
    given.add_argument("what", metavar="STORE or STUDY.toml", help="the store, or a study file")
    given.add_argument("--netcdf", default=None, metavar="FILE", help="write all results to a NetCDF file")
    given.add_argument("--csv", default=None, metavar="FILE",
                       help="write mean, variance and standard error as CSV")  # fmt: skip
    return given


def run(arguments: argparse.Namespace) -> int:
    """Print, and export."""
    path = Path(arguments.what)
    if not path.is_dir():
        print(_asked(path))
        return 0
    from jaxsim.study import open_study
    from jaxsim.study.results import write_csv, write_netcdf

    data = open_study(path)
    if arguments.netcdf:
        print(f"wrote {write_netcdf(data, Path(arguments.netcdf))}")
    if arguments.csv:
        print(f"wrote {write_csv(data, Path(arguments.csv))}")
    if not (arguments.netcdf or arguments.csv):
        print(results_table(data))
        print(ending(data))
    return 0


def _asked(path: Path) -> str:
    """Return what a study file asks for; functions that it names are not called."""
    from jaxsim.study.schema import decode, study_text
    from jaxsim.study.setup import setup_of
    from jaxsim.study.sources import Sources

    file = decode(study_text(path))
    simulation = file.simulation
    named = [file.model.entry, *file.statistics.reductions.values()]
    told = [f"functions that it runs, which 'show' does not: {', '.join(n for n in named if n)}"] if any(named) else []
    if file.model.entry is None:
        statistics = msgspec.structs.replace(file.statistics, reductions={})
        setup = setup_of(msgspec.structs.replace(file, statistics=statistics), Sources(path.parent))
        points, times = setup.points, setup.request.times
        lines = [
            repr(setup.network),
            f"design points: {len(points.values):,}" + (f", varying {', '.join(points.names)}" if points.names else ""),
            f"save times: {len(times)} from {times[0]:g} to {times[-1]:g}",
        ]
    else:
        lines = [f"design: {file.design.kind if file.design else 'one point'}", f"save times: {simulation.times}"]
    return "\n".join([
        *lines,
        f"trajectories of each point: {simulation.trajectories:,}{' at most' if file.stop else ''}",
        f"method: {simulation.method}; seed {file.study.seed}",
        *told,
    ])  # fmt: skip


def ending(data: "xarray.Dataset") -> str:
    """Return how the study has ended, and where its stopping rule is not met."""
    from jaxsim.study.stopping import beyond_limit, short_lines, shortfalls, verdict

    short, complete = shortfalls(data), int((data["trajectories"] > 0).sum())
    lines = [verdict(complete, data.sizes["point"], short)]
    return "\n".join([*lines, *([beyond_limit(short), short_lines(short)] if short else [])])


def results_table(data: "xarray.Dataset") -> str:
    """Return the results at the last save time as a table."""
    from jaxsim.study.stopping import QUANTILE

    varied = [str(name) for name in data.coords if data[name].dims == ("point",)]
    end, rows = data.isel(time=-1), []
    for point in range(min(data.sizes["point"], _MOST_ROWS)):
        one = end.isel(point=point)
        means, errors = one["mean"].values, QUANTILE * one["standard_error"].values
        rows.append([
            str(point), *(f"{float(one[name]):.4g}" for name in varied), f"{int(one['trajectories']):,}",
            *(f"{mean:.5g} ± {float(f'{error:.1g}'):g}" for mean, error in zip(means, errors, strict=True)),
        ])  # fmt: skip
    text = table(["point", *varied, "trajectories", *map(str, data["species"].values)], rows)
    more = data.sizes["point"] - len(rows)
    return text + (f"\n... and {more} more points; --csv or --netcdf write them all" if more else "")
