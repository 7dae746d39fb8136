"""``jaxsim organism --validate``: what is required of the model, what it shows, and in how many animals."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.cli.folder import write_dataset, write_figure
from jaxsim.cli.table import table

if TYPE_CHECKING:
    import xarray

FIELDS = ("target", "says", "required", "found", "low", "high", "share", "met", "source")


def validate_organism(
    animals: int, seed: int, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Run the experiments, print the table, and write it as CSV, as a Dataset and as a figure."""
    from jaxsim.models import target_table
    from jaxsim.plots import plot_organism_verdicts

    found = target_table(animals=animals, seed=seed, announce=announce)
    print(targets_text(found))
    written = [write_dataset(found, folder / "targets.nc"), write_csv(found, folder / "targets.csv")]
    if figures:
        written += write_figure(plot_organism_verdicts(found), folder / "targets.png")
    return written


def targets_text(found: "xarray.Dataset") -> str:
    """Return a row for each requirement: what is found, in brackets where 90 % of the animals are, and the verdict."""
    rows = [
        [str(one["target"].item()), str(one["says"].item()), str(one["required"].item()), *_cells(one)]
        for one in (found.isel(row=n) for n in range(found.sizes["row"]))
    ]
    met, number = int(found["met"].sum()), int(found.attrs["animals"])
    who = "The typical mouse" if number == 1 else f"{number:,} virtual mice, median (5 to 95 %)"
    head = ["target", "", "required", "found", "share of animals", "verdict"]
    return f"{who}, by rate equations:\n\n{table(head, rows)}\n\n{met} of {len(rows)} are met.\n"


def _cells(one: "xarray.Dataset") -> list[str]:
    low, middle, high = (_number(value) for value in one["found"].values)
    spread = "" if low == high else f" ({low} to {high})"
    return [
        f"{middle}{spread}", f"{100 * float(one['share']):.0f} %", "met" if bool(one["met"]) else "NOT MET",
    ]  # fmt: skip


def _number(value: float) -> str:
    return "none" if np.isnan(value) or abs(value) >= 1e8 else format(value, ".3g")


def write_csv(found: "xarray.Dataset", path: Path) -> Path:
    """Write one line for each requirement."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for n in range(found.sizes["row"]):
            one = found.isel(row=n)
            low, middle, high = (f"{value:.4g}" for value in one["found"].values)
            texts = [str(one[field].item()) for field in ("target", "says", "required")]
            numbers = [middle, low, high, f"{float(one['share']):.3f}"]
            writer.writerow([*texts, *numbers, bool(one["met"]), str(one["source"].item())])
    return path
