"""Figure: the courses of species before and after an optimisation."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import band, label, legend_above, new_figure, paired

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot_regimen_courses(courses: "xarray.Dataset", time_unit: str = "h") -> "Figure":
    """Draw the mean of every species, with one standard deviation to each side, for each regimen.

    Parameters
    ----------
    courses
        With `mean` and, where there are trajectories, `variance`, of dimensions regimen, time and species.
    time_unit
        Of the rates.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each species.

    Examples
    --------
    >>> import xarray
    >>> one = ("regimen", "time", "species"), np.ones((2, 3, 1))
    >>> given = {"regimen": ["start", "optimum"], "time": [0.0, 1.0, 2.0], "species": ["A"]}
    >>> plot_regimen_courses(xarray.Dataset({"mean": one, "variance": one}, given)).axes[0].get_title(loc="left")
    'A'
    """
    species = courses["species"].values
    figure, panels = new_figure(len(species), 1.1)
    for name, panel in zip(species, panels, strict=True):
        for regimen, (colour, line) in paired(courses["regimen"].values):
            one = courses.sel(regimen=regimen, species=name)
            mean = one["mean"].values
            spread = np.sqrt(np.maximum(one["variance"].values, 0.0)) if "variance" in one else 0.0 * mean
            band(
                panel,
                courses["time"].values,
                mean,
                np.maximum(mean - spread, 0.0),
                mean + spread,
                colour,
                line,
                str(regimen),
            )
        label(panel, title=str(name))
    label(panels[-1], x=f"time ({time_unit})", title=str(species[-1]))
    legend_above(figure, panels[0], 2)
    return figure
