"""Tables of a study of organisms."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.console.output import table, write_dataset, write_figure
from jaxsim.models.parameters import RANGE_QUANTILES

if TYPE_CHECKING:
    import xarray


ROWS = {  # outcome: what it is called, and how it is written
    "burden": ("tumour at the end", ".2e"),
    "eradicated": ("eradicated, share", ".2f"),
    "tolerant": ("tolerant share of it", ".3f"),
    "il1a_peak": ("peak plasma IL-1alpha, free and bound, pg/mL", ".3g"),
    "gmp_relative_day_4": ("GMP count day 4, of baseline", ".2f"),
    "gmp_frequency_day_4": ("GMP frequency day 4", ".3f"),
    "nlr_day_7": ("NLR day 7", ".2f"),
    "nadir": ("neutrophil nadir, of baseline", ".2f"),
    "nadir_day": ("day of the nadir", ".1f"),
    "days_below_half": ("days below half", ".1f"),
    "days_below_tenth": ("days below a tenth", ".1f"),
    "neutrophil_peak": ("neutrophil peak, of baseline", ".2f"),
}


def outcomes_table(study: "xarray.Dataset") -> str:
    """Return the outcomes of every arm: the median, and in brackets where 90 % of the animals are."""
    animals = study.sizes["animal"]
    rows = []
    for name, (text, style) in ROWS.items():
        if name in study:
            values = study[name].values
            rows.append([text, *(_spread(row, style, name == "eradicated") for row in values)])
    who = "The typical animal" if animals == 1 else f"{animals:,} virtual animals, median (5 to 95 %)"
    days = float(study["time"][-1]) / 24
    title = f"{who}, {study.attrs['animal']}, after {days:g} days, by {study.attrs['method']}:"
    return f"{title}\n\n{table(['', *map(str, study['arm'].values)], rows)}"


_MEASURED = {
    "gmp_relative": "GMP count",
    "gmp_frequency": "GMP frequency among progenitors",
    "gmp_frequency_marrow": "GMP frequency in the marrow",
    "neutrophils_relative": "blood neutrophils",
    "nlr": "neutrophils over lymphocytes",
}


def restoration_table(found: "xarray.Dataset") -> str:
    """Return how far chemotherapy is from vehicle, and what each blockade leaves of the distance."""
    blocked = [str(arm) for arm in found["arm"].values if str(arm).startswith("chemo+")]
    rows = []
    for quantity, text in _MEASURED.items():
        one = found.sel(quantity=quantity)
        left = [_spread(100 * one["left"].sel(arm=arm).values, ".0f", False) for arm in blocked]
        rows.append([text, _spread(one["ratio"].sel(arm="chemo").values, ".2f", False), *left])
    title = f"Days {found.attrs['days']}: chemo over vehicle, and which part of the distance is left, in %"
    return f"{title} (0: all restored, above 100: further away):\n\n{table(['', 'chemo/vehicle', *blocked], rows)}"


def _spread(values: np.ndarray, style: str, fraction: bool) -> str:
    if np.isnan(values).all():
        return "-"
    if fraction:
        return format(float(values.mean()), style)
    low, middle, high = np.quantile(values, RANGE_QUANTILES)
    if values.size == 1 or low == high:
        return format(middle, style)
    return f"{format(middle, style)} ({format(low, style)} to {format(high, style)})"


# ``jaxsim organism --validate``: what is required of the model, what it shows, and in how many animals.

FIELDS = ("target", "says", "required", "found", "low", "high", "share", "met", "source")


def validate_organism(
    animals: int, seed: int, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Run the experiments, print the table, and write it as CSV, as a Dataset and as a figure."""
    from jaxsim.models import target_table
    from jaxsim.models.organism.figures import plot_organism_verdicts

    found = target_table(animals=animals, seed=seed, announce=announce)
    print(targets_text(found))
    written = [write_dataset(found, folder / "targets.nc"), _write_csv(found, folder / "targets.csv")]
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


def _write_csv(found: "xarray.Dataset", path: Path) -> Path:
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


# ``jaxsim organism --decompose``: through which links blocking IL-1 helps chemotherapy.


def decompose_organism(
    animals: int, seed: int, folder: Path, figures: bool, announce: Callable[[str], None]
) -> list[Path]:
    """Run chemotherapy and each agent with links off, print the tables, and write a Dataset and a figure."""
    from jaxsim.models import organism_decomposition
    from jaxsim.models.organism.figures import plot_organism_decomposition

    found = organism_decomposition(animals=animals, seed=seed, announce=announce)
    print(decomposition_text(found))
    written = [write_dataset(found, folder / "decomposition.nc")]
    if figures:
        written += write_figure(plot_organism_decomposition(found), folder / "decomposition.png")
    return written


def decomposition_text(found: "xarray.Dataset") -> str:
    """Return the benefit of each agent, what of it is lost with each link off, and the Shapley share of each link."""
    middle = found.median("animal")
    agents = [str(agent) for agent in found["agent"].values]
    whole = ["benefit, ln of tumours on day 21", *(f"{float(middle['benefit'].sel(agent=a)):.3f}" for a in agents)]
    lost = [
        [f"lost without {name.replace('_', ' ')}", *(_percent(middle["lost"].sel(link=name, agent=a)) for a in agents)]
        for name in map(str, found["link"].values)
    ]
    text = table(["", *agents], [whole, *lost])
    if "share" not in found:
        return text
    shares = [
        [str(player).replace("_", " "), *(
            _percent(middle["share"].sel(player=player, agent=a) / middle["benefit"].sel(agent=a)) for a in agents)]
        for player in found["player"].values
    ]  # fmt: skip
    none = ["with none of them", *(_percent(middle["benefit_none"].sel(agent=a) / middle["benefit"].sel(agent=a))
                                   for a in agents)]  # fmt: skip
    return f"{text}\n\nShapley shares of the benefit:\n\n{table(['', *agents], [*shares, none])}"


def _percent(value: "xarray.DataArray") -> str:
    return f"{100 * float(value):.0f} %"
