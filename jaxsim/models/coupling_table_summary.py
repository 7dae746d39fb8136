"""What a table says in a few numbers for each treatment, with standard errors from its batches."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

QUANTILES = (0.1, 0.5, 0.9)
Sums = dict[str, np.ndarray]


def with_summary(table: "xarray.Dataset") -> "xarray.Dataset":
    """Add fates, delays and IL-1alpha of each treatment, each with a standard error.

    Cells are weighted as if none were killed by effectors.
    """
    weight = np.exp(float(table.attrs["kill_hazard"]) * table["time"].values)
    sums = {str(name): np.asarray(table[name].values, np.float64) for name in table.data_vars}
    fields: dict[str, Any] = {}
    for name, (function, text, unit) in SUMMARIES.items():
        value, error = jackknife(partial(function, weight=weight, table=table), sums)
        dims = ("dose", "inhibitor", "start") + (("quantile",) if name == "lysis_time" else ())
        fields[name] = (dims, value, {"long_name": text, "units": unit})
        fields[f"{name}_standard_error"] = (dims, error, {"units": unit})
    return table.assign(fields).assign_coords(quantile=list(QUANTILES))


def jackknife(function: Callable[[Sums], np.ndarray], sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """Return a function of the sums over batches, and its standard error by leaving out one batch at a time.

    Parameters
    ----------
    function
        Of arrays [dose, inhibitor, start, time].
    sums
        Arrays [dose, inhibitor, start, batch, time].

    References
    ----------
    Efron & Stein, Ann. Stat. 9 (1981) 586.

    Examples
    --------
    >>> sums = {"a": np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3, 1)}
    >>> [float(value.item()) for value in jackknife(lambda part: part["a"] / 3, sums)]  # of the mean: sd/sqrt(3)
    [2.0, 0.5773502691896257]
    """
    batches = next(iter(sums.values())).shape[3]
    whole = {name: value.sum(axis=3) for name, value in sums.items()}
    scale = batches / (batches - 1)  # a sum over all but one stands for all
    left = np.stack([
        function({name: scale * (whole[name] - value[:, :, :, b]) for name, value in sums.items()})
        for b in range(batches)
    ])  # fmt: skip
    error = np.sqrt((batches - 1) / batches * np.sum((left - left.mean(axis=0)) ** 2, axis=0))
    return np.asarray(function(whole)), error


def _kill(part: Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    left = part["living"][..., -1]
    return 1.0 - left / left[:1]


def _pyroptotic(part: Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    lysed, apoptotic = (np.sum(part[name] * weight, axis=-1) for name in ("lyses", "apoptoses"))
    return _ratio(lysed, lysed + apoptotic)


def _leaked(part: Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    leaked, burst = (np.sum(part[name] * weight, axis=-1) for name in ("leaked", "lysis_released"))
    return _ratio(leaked, leaked + burst)


def _tolerant(part: Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    return _ratio(part["tolerant"][..., -1], part["living"][..., -1])


def _per_lysed(part: Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    burst, lysed = (np.sum(part[name] * weight, axis=-1) for name in ("lysis_released", "lyses"))
    return _ratio(burst, lysed) / float(table.attrs["pool"])


def _lysis_time(part: Sums, weight: np.ndarray, table: Any) -> np.ndarray:
    grown = np.cumsum(part["lyses"] * weight, axis=-1)
    times = np.concatenate([[0.0], table["time"].values])

    def quantiles(course: np.ndarray) -> np.ndarray:
        if not course[-1] > 0:
            return np.full(len(QUANTILES), np.nan)
        return np.interp(QUANTILES, np.concatenate([[0.0], course]) / course[-1], times)

    return np.apply_along_axis(quantiles, -1, grown)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


SUMMARIES: dict[str, tuple[Any, str, str]] = {
    "kill_fraction": (_kill, "living cells fewer than untreated, at the end", "1"),
    "pyroptotic_fraction": (_pyroptotic, "lysed of cells that died by themselves", "1"),
    "leaked_fraction": (_leaked, "IL-1alpha leaked, of that leaked and set free by lysis", "1"),
    "tolerant_fraction": (_tolerant, "tolerant of living cells, at the end", "1"),
    "il1a_per_lysed_cell": (_per_lysed, "IL-1alpha set free by a lysing cell, relative to the mean pool", "1"),
    "lysis_time": (_lysis_time, "time to lysis of those that lyse", "h"),
}
