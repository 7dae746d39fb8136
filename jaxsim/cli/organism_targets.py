"""``jaxsim organism --validate``: the table of targets, under each hypothesis side by side."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.cli.folder import write_dataset, write_figure
from jaxsim.cli.table import table

if TYPE_CHECKING:
    import xarray

HYPOTHESES = ("direct", "relay", "both")
FIELDS = ("target", "says", "required", "hypothesis", "found", "low", "high", "share", "verdict", "source")


def validate_organism(
    animals: int, seed: int, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Run the experiments, print the table, and write it as CSV, as a Dataset and as a figure."""
    from jaxsim.models import target_table
    from jaxsim.plots import plot_organism_verdicts

    found = target_table(hypotheses=HYPOTHESES, animals=animals, seed=seed, announce=announce)
    print(targets_text(found))
    written = [write_dataset(found, folder / "targets.nc"), write_csv(found, folder / "targets.csv")]
    if figures:
        written.append(write_figure(plot_organism_verdicts(found), folder / "targets.png"))
    return written


def targets_text(found: "xarray.Dataset") -> str:
    """Return a row for each requirement: what is found, in brackets where 90 % of the animals are, and the verdict."""
    names = [str(name) for name in found["hypothesis"].values]
    rows = []
    for n in range(found.sizes["row"]):
        one = found.isel(row=n)
        cells = [_cell(one.sel(hypothesis=name)) for name in names]
        rows.append([str(one["target"].item()), str(one["says"].item()), str(one["required"].item()), *cells])
    held = [int(found["holds"].sel(hypothesis=name).sum()) for name in names]
    counts = ", ".join(
        f"{number} of {found.sizes['row']} hold under {name}" for number, name in zip(held, names, strict=True)
    )
    title = f"{found.attrs['animals']:,} virtual animals by rate equations, median (5 to 95 %), share that meets it:"
    return f"{title}\n\n{table(['target', '', 'required', *names], rows)}\n\n{counts}.\n"


def _cell(one: "xarray.Dataset") -> str:
    low, middle, high = (_number(value) for value in one["found"].values)
    spread = "" if low == high else f" ({low} to {high})"
    verdict = "holds" if bool(one["holds"]) else "DOES NOT HOLD"
    return f"{middle}{spread}, {100 * float(one['share']):.0f} %: {verdict}"


def _number(value: float) -> str:
    return "none" if np.isnan(value) or abs(value) >= 1e8 else format(value, ".3g")


def write_csv(found: "xarray.Dataset", path: Path) -> Path:
    """Write one line for each requirement and hypothesis."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for n in range(found.sizes["row"]):
            for name in found["hypothesis"].values:
                one = found.isel(row=n).sel(hypothesis=name)
                low, middle, high = (float(value) for value in one["found"].values)
                texts = [str(one[field].item()) for field in ("target", "says", "required")]
                verdict = "holds" if bool(one["holds"]) else "does not hold"
                numbers = [middle, low, high, float(one["share"])]
                writer.writerow([*texts, str(name), *numbers, verdict, str(one["source"].item())])
    return path
