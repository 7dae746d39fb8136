"""``jaxsim show``: the results of a store as a table, or what a study file asks for; exports."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsim.cli.parser import Parser
from jaxsim.cli.table import table

if TYPE_CHECKING:
    import xarray

DESCRIPTION = """\
Print the results of a store at its last save time (mean and half-width of its 95 % interval), one line for each
design point; or, of a study file, what it asks for. Exports the results to NetCDF or CSV.
"""
MOST_ROWS = 40


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
    if Path(arguments.what).is_file():
        from jaxsim.study.store import read_study

        print(_asked(read_study(Path(arguments.what))[1]))
        return 0
    from jaxsim.study import open_study
    from jaxsim.study.exports import write_csv, write_netcdf

    data = open_study(arguments.what)
    if arguments.netcdf:
        print(f"wrote {write_netcdf(data, Path(arguments.netcdf))}")
    if arguments.csv:
        print(f"wrote {write_csv(data, Path(arguments.csv))}")
    if not (arguments.netcdf or arguments.csv):
        print(results_table(data))
    return 0


def _asked(setup: Any) -> str:
    request, points = setup.request, setup.points
    lines = [
        repr(setup.network),
        f"design points: {len(points.values):,}" + (f", varying {', '.join(points.names)}" if points.names else ""),
        f"save times: {len(request.times)} from {request.times[0]:g} to {request.times[-1]:g}",
        f"trajectories of each point: {request.trajectories:,}{' at most' if setup.file.stop else ''}",
        f"method: {request.method}; seed {request.seed}",
    ]
    return "\n".join(lines)


def results_table(data: "xarray.Dataset") -> str:
    """Return the results at the last save time as a table."""
    from jaxsim.study.stopping import QUANTILE

    varied = [str(name) for name in data.coords if data[name].dims == ("point",)]
    end, rows = data.isel(time=-1), []
    for point in range(min(data.sizes["point"], MOST_ROWS)):
        one = end.isel(point=point)
        means, errors = one["mean"].values, QUANTILE * one["standard_error"].values
        rows.append([
            str(point), *(f"{float(one[name]):.4g}" for name in varied), f"{int(one['trajectories']):,}",
            *(f"{mean:.5g} ± {float(f'{error:.1g}'):g}" for mean, error in zip(means, errors, strict=True)),
        ])  # fmt: skip
    text = table(["point", *varied, "trajectories", *map(str, data["species"].values)], rows)
    more = data.sizes["point"] - len(rows)
    return text + (f"\n... and {more} more points; --csv or --netcdf write them all" if more else "")
