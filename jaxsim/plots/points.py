"""Choose the design points and species that a figure of a result shows, with their names and bands."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray


def varied_names(data: "xarray.Dataset") -> list[str]:
    """Return the parameters that differ between design points.

    Examples
    --------
    >>> import xarray
    >>> varied_names(xarray.Dataset(coords={"k": ("point", [1.0, 2.0]), "time": [0.0]}))
    ['k']
    """
    return [str(name) for name in data.coords if data[name].dims == ("point",)]


def name_of_point(data: "xarray.Dataset", point: int) -> str:
    """Return the parameters of a design point in words, or its number where there are many."""
    names = varied_names(data)
    if not 0 < len(names) <= 3:
        return f"point {point}"
    return ", ".join(f"{name} = {float(data[name].values[point]):.3g}" for name in names)


def chosen_points(data: "xarray.Dataset", most: int) -> list[int]:
    """Return design points spread evenly over those that are complete."""
    complete = np.flatnonzero(np.isfinite(data["mean"].isel(time=0, species=0).values))
    if complete.size <= most:
        return complete.tolist()
    return complete[np.linspace(0, complete.size - 1, most).round().astype(int)].tolist()


def shown_species(data: "xarray.Dataset", most: int) -> list[str]:
    """Return the first species, at most so many."""
    return [str(name) for name in data["species"].values[:most]]


def outer_range(one: "xarray.Dataset") -> tuple[np.ndarray, np.ndarray]:
    """Return the outer quantiles of a course, or one standard deviation to each side; counts are never below 0."""
    if "quantiles" in one and one.sizes["quantile"] > 1:
        return one["quantiles"].isel(quantile=0).values, one["quantiles"].isel(quantile=-1).values
    spread = np.sqrt(one["variance"].values)
    return np.maximum(one["mean"].values - spread, 0.0), one["mean"].values + spread
