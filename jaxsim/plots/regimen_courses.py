"""Figure: the courses of species before and after an optimisation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.dose_marks import mark_doses
from jaxsim.plots.style import FONT, band, label, legend_above, new_figure, paired

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from jaxsim.dosing import Schedule


def plot_regimen_courses(
    courses: "xarray.Dataset",
    time_unit: str = "h",
    schedules: "Mapping[str, Schedule] | None" = None,
    names: Mapping[str, str] | None = None,
) -> "Figure":
    """Draw the mean of every species, with one standard deviation to each side, for each regimen.

    Parameters
    ----------
    courses
        With `mean` and, where there are trajectories, `variance`, of dimensions regimen, time and species.
    time_unit
        Of the rates.
    schedules
        Of regimens by name: their doses are marked below the lowest panel, in a row for each agent, in the colour of
        the regimen.
    names
        What species are, in words, such as ``{"T": "tumour cells"}``, for the titles.

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
        label(panel, y="count", title=(names or {}).get(str(name), str(name)))
        panel.set_xlim(float(courses["time"][0]), float(courses["time"][-1]))
    panels[-1].set_xlabel(f"time ({time_unit})", fontsize=FONT)
    legend_above(figure, panels[0], 2)
    if schedules:
        looks = dict(paired(courses["regimen"].values))
        rows = [
            (f"{agent}, {regimen}", looks[regimen][0], entries)
            for regimen, schedule in schedules.items()
            for agent, entries in schedule.items()
        ]
        mark_doses(panels[-1], rows)
    return figure
