"""``jaxsim report``: one self-contained page about a store, and its figures."""

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsim.console.options import Parser
from jaxsim.console.output import ready_folder
from jaxsim.study.damage import DIGESTS
from jaxsim.study.ledger import digest_of_file, write_file
from jaxsim.study.report import (
    figures_section,
    head_section,
    page,
    precision_section,
    provenance_section,
    results_section,
    status_section,
)

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

MOST_PARAMETERS = 6
_FORMATS = ("png", "pdf", "svg")
DESCRIPTION = """\
Write a page (HTML) about a store that needs no server and no network: figures, results, how trajectories ended,
provenance, the study file. Beside it each figure as PNG, PDF and SVG. A study that is not complete is reported so far.
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim report", description=DESCRIPTION)
    given.add_argument("store", metavar="STORE", help="the store")
    given.add_argument("--out", default=None, metavar="DIR", help="folder for page and figures (default: STORE/report)")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Write the page."""
    from jaxsim.study import decode, open_study
    from jaxsim.study.results import state_of
    from jaxsim.study.store import open_store

    store = open_store(arguments.store)
    folder = ready_folder(arguments.out or str(Path(arguments.store) / "report"))
    data, state, file = open_study(arguments.store), state_of(store), decode(store.text)
    pictures, names = [], []
    for name, (figure, caption) in figures_of(data).items():
        pictures.append((_written(figure, folder / name), caption))
        names += [f"{name}.{kind}" for kind in _FORMATS]
    body = [
        *head_section(file, data, state, store.manifest["method"]),
        *figures_section(pictures),
        *results_section(data),
        *precision_section(state),
        *status_section(state),
        *provenance_section(store, state, data),
    ]
    path = folder / "index.html"
    write_file(path, page(f"{file.study.name}: results", body).encode())
    _write_digests(folder, [path.name, *names])
    print(f"wrote {path} and {len(pictures)} figures (PNG, PDF, SVG) beside it")
    return 0


def _write_digests(folder: Path, names: list[str]) -> None:
    """Note what was written, so that 'jaxsim verify' (or sha256sum --check) finds what has changed."""
    lines = [f"{digest_of_file(folder / name)}  {name}\n" for name in names]
    write_file(folder / DIGESTS, "".join(lines).encode())


def figures_of(data: "xarray.Dataset") -> "dict[str, tuple[Figure, str]]":
    """Return the figures that a study has: name to figure and caption."""
    from jaxsim.study.figures import (
        chosen_points,
        is_grid,
        plot_study_courses,
        plot_study_heat_map,
        plot_study_response,
        plot_study_survival,
        varied_names,
    )

    found: dict[str, tuple[Any, str]] = {}
    if not chosen_points(data, 1):
        return found
    band = "the outer quantiles asked for" if "quantiles" in data else "one standard deviation"
    some = " at some of the design points" if data.sizes["point"] > 5 else ""
    found["courses"] = (plot_study_courses(data), f"Mean over time{some}, with {band}.")
    if is_grid(data):
        found["heat_map"] = (plot_study_heat_map(data), "Mean at the last save time over both varied parameters.")
    for name in varied_names(data)[:MOST_PARAMETERS]:
        caption = f"Mean at the last save time over {name}, with 95 % intervals (mostly below the size of the symbol)."
        found[f"response_{name}"] = (plot_study_response(data, name), caption)
    if "survival" in data:
        found["survival"] = (
            plot_study_survival(data),
            "Share of trajectories in which the condition has not held yet.",
        )
    return found


def _written(figure: "Figure", path: Path) -> bytes:
    """Write a figure in three formats and return it as SVG, with the same bytes on every call."""
    from matplotlib import rc_context

    content = b""
    with rc_context({"svg.hashsalt": path.name, "svg.fonttype": "path"}):
        for kind in _FORMATS:
            buffer = io.BytesIO()
            metadata = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}[kind]
            figure.savefig(buffer, format=kind, metadata=metadata)
            content = buffer.getvalue()
            write_file(path.with_suffix(f".{kind}"), content)
    return content
