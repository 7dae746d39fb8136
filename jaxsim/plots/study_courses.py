"""Figure: courses of the species of a study at some of its design points."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.plots.study_points import chosen_points, name_of_point, shown_species
from jaxsim.plots.style import band, label, legend_above, new_figure, paired, time_label

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot_study_courses(data: "xarray.Dataset", points: int = 5, species: int = 4) -> "Figure":
    """Draw the mean of each species over time, with the range between its outer quantiles or one standard deviation.

    Parameters
    ----------
    data
        From :func:`jaxsim.open_study`.
    points
        Design points to draw at most, spread over the design.
    species
        Species to draw at most, the first ones.

    Examples
    --------
    >>> import xarray
    >>> values = (("point", "time", "species"), np.ones((1, 2, 1)))
    >>> data = xarray.Dataset({"mean": values, "variance": values}, {"time": [0.0, 1.0], "species": ["X"]})
    >>> plot_study_courses(data).axes[0].get_ylabel()
    'count of X'
    """
    names = shown_species(data, species)
    figure, panels = new_figure(len(names), 1.5)
    times = data["time"].values
    for panel, name in zip(panels, names, strict=True):
        chosen = chosen_points(data, points)
        for place, (point, (colour, line)) in enumerate(paired(chosen)):
            one = data.isel(point=point).sel(species=name)
            low, high = outer_range(one)
            band(panel, times, one["mean"].values, low, high, colour, line, name_of_point(data, point),
                 (place, len(chosen)))  # fmt: skip
        label(panel, y=f"count of {name}")
    label(panels[-1], time_label(data), f"count of {names[-1]}")
    if data.sizes["point"] > 1:
        legend_above(figure, panels[0], 1)
    return figure


def outer_range(one: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the outer quantiles of a course, or one standard deviation to each side; counts are never below 0."""
    if "quantiles" in one and one.sizes["quantile"] > 1:
        return one["quantiles"].isel(quantile=0).values, one["quantiles"].isel(quantile=-1).values
    spread = np.sqrt(one["variance"].values)
    return np.maximum(one["mean"].values - spread, 0.0), one["mean"].values + spread
