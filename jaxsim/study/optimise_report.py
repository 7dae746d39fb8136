"""Report of ``jaxsim optimise``: schedule, table, landscape, switching functions, courses, checks, provenance."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim._files import replace_file
from jaxsim.console.output import write_dataset, write_figure
from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import ScheduleError, SimulationError
from jaxsim.optimise import Optimum
from jaxsim.optimise.landscape import landscape
from jaxsim.statistics.intervals import TWO_SIDED
from jaxsim.study.optimise_schema import ChosenFile, Report

if TYPE_CHECKING:
    import xarray

_POINTS = 121  # of a time course


def write_report(
    best: Optimum, file: ChosenFile, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Write everything and return the files."""
    from jaxsim.plots import plot_regimen_courses

    report = file.report
    written = [
        _text(folder / "optimum.txt", f"{best}\n"),
        _text(folder / "schedule.toml", schedule_text(best.schedule)),
        _text(folder / "table.csv", _table(best)),
        _text(
            folder / "checks.txt", "\n\n".join(f"at the {name}\n{check}" for name, check in best.checks.items()) + "\n"
        ),
        _text(folder / "provenance.json", json.dumps(_provenance(best, file), indent=1) + "\n"),
        write_dataset(dataset(best), folder / "optimum.nc"),
    ]
    written += _landscape(best, report, folder, figures, announce)
    for effect in _effects(best) if report.switching is None else report.switching:
        announce(f"switching function of {effect}")
        written += _switching(best, report, effect, folder, figures, announce)
    announce("time courses before and after")
    courses = course_pair(best, report)
    written.append(write_dataset(courses, folder / "courses.nc"))
    if figures:
        schedules = {"start": best.start, "optimum": best.schedule}
        written += write_figure(
            plot_regimen_courses(courses, report.time_unit, schedules, report.names), folder / "courses.png"
        )
    announce("done")
    return written


def _landscape(
    best: Optimum, report: Report, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Write the landscape with the path of the search; there is none where no number can move alone."""
    from jaxsim.plots import plot_landscape

    announce("landscape")
    try:
        found = landscape(best, report.landscape, report.points, report.landscape_trajectories)
    except ScheduleError as error:
        if report.landscape is not None:
            raise
        announce(f"no landscape: {error}")
        return []
    rows = zip(found.values, found.mean, found.error, found.near, np.asarray(found.kept), strict=True)
    head = (found.name, "objective", "standard error", "not told from the best", "keeps the limits")
    written = [_text(folder / "landscape.csv", _csv(head, rows))]
    if figures:
        figure = plot_landscape(found, str(best.criterion.objective), report.time_unit)
        written += write_figure(figure, folder / "landscape.png")
    return written


def _switching(
    best: Optimum, report: Report, effect: str, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Write the switching function of one effect."""
    from jaxsim.plots import plot_switching_function

    try:
        curve = best.switching_function(effect, bins=report.bins)
    except SimulationError as error:
        announce(f"no switching function of {effect}: {error}")
        return []
    rows = zip(curve.edges[:-1], curve.edges[1:], curve.value, curve.lower, curve.upper, strict=True)
    name = "".join(letter if letter.isalnum() else "_" for letter in effect)
    written = [_text(folder / f"switching_{name}.csv", _csv(("from", "to", "value", "lower", "upper"), rows))]
    if figures:
        figure = plot_switching_function(curve, best.schedule, effect=effect, time_unit=report.time_unit)
        written += write_figure(figure, folder / f"switching_{name}.png")
    return written


def _table(best: Optimum) -> str:
    """Return every schedule of the final trial as CSV: objective, gain of the optimum over it, limits."""
    limits = [str(limit) for limit in best.criterion.limits]
    gains = {gain.over: gain for gain in best.gains}
    rows = []
    for index, name in enumerate(best.trial.names):
        value, error = best.trial.mean[index, 0], best.trial.error(index)
        gain = gains.get(name)
        low, high = gain.interval if gain else (0.0, 0.0)
        pairs = zip(best.criterion.limits, best.trial.mean[index, 1:], strict=True)
        held = [excess if limit.upper else -excess for limit, excess in pairs]
        rows.append((name, value, value - TWO_SIDED * error, value + TWO_SIDED * error,
                     gain.difference if gain else 0.0, low, high, *held))  # fmt: skip
    head = ("schedule", "objective", "lower", "upper", "optimum beyond it", "lower", "upper", *limits)
    return _csv(head, rows)


def schedule_text(schedule: Schedule) -> str:
    """Return a schedule as the section of a study file."""
    lines = []
    for agent, entries in schedule.items():
        for entry in entries:
            lines.append(f"[[schedule.{agent}]]" if len(entries) > 1 else f"[schedule.{agent}]")
            if isinstance(entry, Dose):
                lines.append(f"amount = {_toml(entry.amounts(np))}")
                if entry.unit:
                    lines.append(f'unit = "{entry.unit}"')
                if entry.duration is not None:
                    lines.append(f"duration = {_toml(np.atleast_1d(entry.duration))}")
            else:
                lines.append(f"set = {_toml(entry.amounts(np))}")
            lines += [f"at = {_toml(np.atleast_1d(entry.at))}", f'time_unit = "{entry.time_unit}"', ""]
    return "\n".join(lines)


def dataset(best: Optimum) -> "xarray.Dataset":
    """Return the final trial, the path of the search and the checks of the gradient."""
    import xarray

    functionals = ["objective", *(str(limit) for limit in best.criterion.limits)]
    spread = np.einsum("afaf->af", best.trial.covariance)
    fields: dict[str, Any] = {
        "mean": (("schedule", "functional"), best.trial.mean),
        "standard_error": (("schedule", "functional"), np.sqrt(np.maximum(spread, 0.0))),
        "gain": (("other",), [gain.difference for gain in best.gains]),
        "gain_standard_error": (("other",), [gain.error for gain in best.gains]),
    }
    for name, values in best.path.items():
        fields[f"path {name}"] = (("step", f"{name} number"), values)
    for where, check in best.checks.items():
        for label in ("reference", "reference_error", "z", "z_truncation", "smallest_bias", "planted_z", "ripple"):
            fields[f"check {where} {label}"] = (("component",), getattr(check, label))
        fields[f"check {where} estimate"] = (("component",), check.found.vector)
    coordinates: dict[str, Any] = {
        "schedule": list(best.trial.names), "functional": functionals, "other": [gain.over for gain in best.gains],
    }  # fmt: skip
    if best.checks:
        coordinates["component"] = list(next(iter(best.checks.values())).found.components)
    return xarray.Dataset(fields, coordinates, {"objective": str(best.criterion.objective), "seed": best.search.seed})


def _provenance(best: Optimum, file: ChosenFile) -> dict[str, Any]:
    """Return what was asked, with what it was answered, and what that cost."""
    import jax
    import msgspec

    from jaxsim.study.provenance import study_provenance

    return {
        **study_provenance(tuple(jax.local_devices()), "float32", best.search.seed),
        "file": msgspec.to_builtins(file),
        "method": best.method,
        "cost": dict(best.cost),
        "ended": best.ended,
        "notes": list(best.notes),
    }


def course_pair(best: Optimum, report: Report) -> "xarray.Dataset":
    """Return mean and standard deviation of species before and after, by ``js.simulate``."""
    import xarray

    from jaxsim.ensemble import simulate

    edges = best.search.problem.grid.edges
    times = np.linspace(edges[0], edges[-1], _POINTS)
    found = []
    for schedule in (best.start, best.schedule):
        one = simulate(
            best.network, times=times, start=float(edges[0]), trajectories=report.courses, seed=best.search.seed,
            schedule=schedule, method=report.method,
        )  # fmt: skip
        found.append(one[["mean", "variance"]])
    both = xarray.concat(found, dim="regimen").assign_coords(regimen=["start", "optimum"])
    return both if report.species is None else both.sel(species=report.species)


def _effects(best: Optimum) -> list[str]:
    """Return the agents of which something is free, and which are inputs."""
    agents = [place.name.partition(".")[0].partition("[")[0] for place in best.search.regimen.places]
    return [name for name in dict.fromkeys(agents) if name in best.network.structure.inputs]


def _csv(head: Any, rows: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([f"{value:.8g}" if isinstance(value, float) else value for value in row] for row in rows)
    return text.getvalue()


def _toml(values: Any) -> str:
    return "[" + ", ".join(f"{value:.8g}" for value in values) + "]"


def _text(path: Path, content: str) -> Path:
    return replace_file(path, lambda temporary: temporary.write_text(content))
