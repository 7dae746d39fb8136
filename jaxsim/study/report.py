"""The sections of the report of a study."""

import base64
import json
from collections.abc import Sequence
from html import escape
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from jaxsim.kernels import LABELS, Status
from jaxsim.study.display import spoken
from jaxsim.study.results import State
from jaxsim.study.schema import StudyFile
from jaxsim.study.stopping import QUANTILE, beyond_limit
from jaxsim.study.store import Store

if TYPE_CHECKING:
    import numpy as np
    import xarray


# A self-contained HTML page: sections, tables and figures; it asks for nothing from anywhere.

STYLE = """
:root { color-scheme: light; --ink: #1a1a1a; --quiet: #595959; --line: #d9d9d9; --wash: #f6f6f4; --mark: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; color: var(--ink); background: #fff;
       font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
p { margin: .4rem 0; max-width: 46rem; } .quiet, figcaption { color: var(--quiet); font-size: .875rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.facts div { background: var(--wash); border-radius: .4rem; padding: .6rem .8rem; }
.facts b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.warning { background: #fdf1e3; border-left: 4px solid #d55e00; padding: .5rem .8rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 0; flex: 1 1 26rem; max-width: min(100%, 37rem); }
figure img { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, .words { text-align: left; } thead th { border-bottom: 2px solid var(--ink); }
table.facts-table td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
table.facts-table td:first-child { white-space: nowrap; color: var(--quiet); }
pre { background: var(--wash); padding: .8rem; border-radius: .4rem; overflow-x: auto; font-size: .8rem; }
@media print { body { max-width: none; } }
"""


def page(title: str, body: Sequence[str]) -> str:
    """Return a page with this title and these parts.

    Examples
    --------
    >>> page("a < b", ["<p>text</p>"]).count("a &lt; b")
    1
    """
    head = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body>\n'
    )
    return head + "\n".join(body) + "\n</body></html>\n"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return numbers with what they are, side by side."""
    return '<div class="facts">' + "".join(f"<div><b>{escape(v)}</b>{escape(k)}</div>" for k, v in pairs) + "</div>"


def rows_table(headings: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = ()) -> str:
    """Return a table that scrolls where the screen is narrow; `words` are the columns that are no numbers."""
    kind = [' class="words"' if column in words else "" for column in range(len(headings))]
    head = "".join(f"<th{k}>{escape(text)}</th>" for k, text in zip(kind, headings, strict=True))
    cells = ("".join(f"<td{k}>{escape(text)}</td>" for k, text in zip(kind, row, strict=True)) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def pairs_table(pairs: Sequence[tuple[str, str]]) -> str:
    """Return names with their values."""
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in pairs)
    return f'<table class="facts-table"><tbody>{body}</tbody></table>'


def picture(svg: bytes, caption: str) -> str:
    """Return a figure with its picture inside the page."""
    data = base64.b64encode(svg).decode()
    return (
        f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Return the heading of a section."""
    return f"<h2>{escape(text)}</h2>"


def verbatim(text: str) -> str:
    """Return text as it is."""
    return f"<pre>{escape(text)}</pre>"


_MOST_ROWS = 200


def head_section(file: StudyFile, data: "xarray.Dataset", state: State, method: str) -> list[str]:
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
    shown = data.isel(time=-1, point=slice(0, _MOST_ROWS)).load()
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
        for one in state.short[:_MOST_ROWS]
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
