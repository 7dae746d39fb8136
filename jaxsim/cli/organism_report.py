"""What a study of organisms shows, as tables."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.cli.table import table
from jaxsim.models.intervals import BAND

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


MEASURED = {
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
    for quantity, text in MEASURED.items():
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
    low, middle, high = np.quantile(values, BAND)
    if values.size == 1 or low == high:
        return format(middle, style)
    return f"{format(middle, style)} ({format(low, style)} to {format(high, style)})"
