"""The sections of the report of a study."""

import json
from html import escape
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from jaxsim.cli.page import facts, heading, pairs_table, paragraph, picture, rows_table, verbatim
from jaxsim.cli.study_options import beyond_limit
from jaxsim.kernels import LABELS, Status
from jaxsim.study.pace import spoken
from jaxsim.study.state import State
from jaxsim.study.stopping import QUANTILE
from jaxsim.study.store import Store

if TYPE_CHECKING:
    import numpy as np
    import xarray

MOST_ROWS = 200


def head_section(file: Any, data: "xarray.Dataset", state: State, method: str) -> list[str]:
    """Return the title, what was asked for, and how far it is."""
    bad = sum(number for label, number in state.status.items() if not Status(LABELS.index(label)).fine)
    parts = [f"<h1>{escape(file.study.name)}</h1>"]
    if file.study.description:
        parts.append(paragraph(file.study.description))
    if state.verdict != "complete":
        parts.append(paragraph(f"{state.verdict[0].upper()}{state.verdict[1:]}.", "warning"))
    if bad:
        parts.append(paragraph(f"{bad:,} trajectories did not end well; see below.", "warning"))
    numbers = [
        ("design points", f"{state.points:,}"),
        ("trajectories", f"{sum(state.status.values()):,}"),
        ("events", f"{float(data['events'].sum()):.3g}"),
        ("time computing", spoken(state.seconds)),
        ("time compiling", spoken(state.compile_seconds)),
        ("method", method.replace("_", " ")),
        ("seed", f"{file.study.seed}"),
    ]
    return [*parts, facts(numbers)]


def figures_section(pictures: list[tuple[bytes, str]]) -> list[str]:
    """Return the figures."""
    if not pictures:
        return []
    inside = "\n".join(picture(svg, caption) for svg, caption in pictures)
    return [heading("Figures"), f'<div class="figures">{inside}</div>']


def results_section(data: "xarray.Dataset") -> list[str]:
    """Return a table of the results at the last save time."""
    varied = [str(name) for name in data.coords if data[name].dims == ("point",)]
    shown = data.isel(time=-1, point=slice(0, MOST_ROWS)).load()
    species = [str(name) for name in data["species"].values[:12]]
    rows = []
    for point in range(shown.sizes["point"]):
        one = shown.isel(point=point)
        values = [_interval(one["mean"].sel(species=s), one["standard_error"].sel(species=s)) for s in species]
        given = [f"{float(one[name]):.4g}" for name in varied]
        rows.append([str(point), *given, f"{int(one['trajectories']):,}", *values])
    more = data.sizes["point"] - len(rows)
    text = f"Means at time {float(data['time'][-1]):g}, with half the width of their 95 % intervals."
    return [
        heading("Results"),
        paragraph(text + (f" {more:,} more design points are in the store." if more else "")),
        rows_table(["point", *varied, "trajectories", *species], rows),
    ]


def _interval(mean: Any, error: Any) -> str:
    """Return a mean and the half-width of its interval, both to the first digit of the half-width."""
    half = float(f"{QUANTILE * float(error):.1g}")
    if not (isfinite(half) and half > 0):
        return f"{float(mean):.5g} ± {half:g}"
    digits = -floor(log10(half))
    return f"{round(float(mean), digits):.{max(digits, 0)}f} ± {half:g}"


def precision_section(state: State) -> list[str]:
    """Return where the stopping rule is not met, and what it would take."""
    if not state.short:
        return []
    rows = [
        [f"{one.point}", f"{one.half_width:.3g}", f"{one.wanted:.3g}", f"{one.trajectories:,}",
         f"{one.more:,.0f}" if isfinite(one.more) else "not known"]
        for one in state.short[:MOST_ROWS]
    ]  # fmt: skip
    more = len(state.short) - len(rows)
    text = (
        f"At these design points the half-width asked for is not reached by all the trajectories that they may take: "
        f"{beyond_limit(state.short)}."
    )
    return [
        heading("Precision not reached"),
        paragraph(text + (f" {more:,} more are in the store." if more else "")),
        rows_table(["point", "half-width", "asked for", "trajectories", "more needed, about"], rows),
    ]


def status_section(state: State) -> list[str]:
    """Return how trajectories ended."""
    rows = [[label, f"{number:,}", Status(LABELS.index(label)).sentence] for label, number in state.status.items()]
    text = "Nothing is clipped or dropped: what did not end well is counted here, and makes the statistics NaN."
    table = rows_table(["status", "trajectories", "they"], rows, words=(2,))
    return [heading("How trajectories ended"), paragraph(text, "quiet"), table]


def _precision(asked: str, bits: "np.ndarray") -> str:
    """Return the precision of propensities that was asked for, and the one that was taken.

    Examples
    --------
    >>> import numpy as np
    >>> _precision("auto", np.array([32, 0, 64, 32]))
    'double at 1 of 3 points, whose numbers ask for it, and single at the others'
    """
    run = bits[bits > 0]
    if asked != "auto" or run.size == 0:
        return asked
    double = int((run == 64).sum())
    if double in (0, run.size):
        return f"{'double' if double else 'single'} at all points, as their numbers ask for"
    return f"double at {double:,} of {run.size:,} points, whose numbers ask for it, and single at the others"


def provenance_section(store: Store, state: State, data: "xarray.Dataset") -> list[str]:
    """Return where all this comes from, and the study file."""
    manifest = store.manifest
    versions = ", ".join(f"{name} {number}" for name, number in manifest["versions"].items())
    pairs = [
        ("jaxsim", f"{manifest['jaxsim']}, commit {manifest['commit']}"),
        ("versions", versions),
        ("machine", f"{manifest['machine']}, {manifest['system']}, {manifest['cores']} cores"),
        ("devices", ", ".join(manifest["devices"]) + f"; driver {manifest['driver']}"),
        ("method", f"{manifest['method']}: {manifest['method_reason']}"),
        ("precision", _precision(manifest["precision"], data["precision_bits"].values)),
        ("seed", str(manifest["seed"])),
        ("command", " ".join(manifest["command"])),
        ("begun", manifest["begun"]),
        ("chunks", json.dumps(store.plan.record())),
    ]
    rows = [
        [run.get("begun", ""), run.get("machine", ""), ", ".join(run.get("devices", [])), f"{run.get('chunks', 0):,}",
         spoken(run.get("wall_seconds", 0.0)), spoken(run.get("compile_seconds", 0.0)), run.get("state", "")]
        for run in state.runs
    ]  # fmt: skip
    snippet = (
        f"import jaxsim as js\ndata = js.open_study({str(store.path.resolve())!r})   # an xarray.Dataset, read lazily"
    )
    return [
        heading("Provenance"),
        f'<div class="scroll">{pairs_table(pairs)}</div>',
        paragraph("Processes that worked on it:"),
        rows_table(["begun", "machine", "devices", "chunks", "wall time", "compiling", "ended"], rows, words=(1, 2, 6)),
        heading("The data"),
        verbatim(snippet),
        heading("Study file"),
        verbatim(store.text),
    ]
