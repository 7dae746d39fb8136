"""Figures of a study: courses, heat maps, responses and survival over its design points."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.errors import StudyError, closest
from jaxsim.plots.points import chosen_points, name_of_point, outer_range, shown_species, varied_names
from jaxsim.plots.style import (
    BLUE,
    FONT,
    LINE,
    SMALL,
    band,
    label,
    legend_above,
    new_figure,
    percent,
    styled,
    time_label,
)
from jaxsim.statistics.intervals import TWO_SIDED

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
        for place, (point, (colour, line)) in enumerate(styled(chosen)):
            one = data.isel(point=point).sel(species=name)
            low, high = outer_range(one)
            band(panel, times, one["mean"].values, low, high, colour, line, name_of_point(data, point),
                 (place, len(chosen)))  # fmt: skip
        label(panel, y=f"count of {name}")
    label(panels[-1], time_label(data), f"count of {names[-1]}")
    if data.sizes["point"] > 1:
        legend_above(figure, panels[0], 1)
    return figure


# Figure: what a varied parameter of a study does to its outputs at the end.

LOG_FROM = 30.0  # ratio of largest to smallest value from which the axis is logarithmic


def plot_study_response(data: "xarray.Dataset", parameter: str, species: int = 4) -> "Figure":
    """Draw the mean of each species at the last save time over a varied parameter, with 95 % intervals.

    Parameters
    ----------
    data
        From :func:`jaxsim.open_study`.
    parameter
        One that the design varies.
    species
        To draw at most, the first ones.

    Raises
    ------
    StudyError
        If the study does not vary the parameter.

    Examples
    --------
    >>> import numpy as np, xarray
    >>> values = (("point", "time", "species"), np.ones((2, 1, 1)))
    >>> data = xarray.Dataset({"mean": values, "standard_error": values},
    ...                       {"time": [1.0], "species": ["X"], "k": ("point", [1.0, 2.0])})
    >>> plot_study_response(data, "k").axes[0].get_xlabel()
    'k'
    """
    known = varied_names(data)
    if parameter not in known:
        raise StudyError(f"the study does not vary '{parameter}'{closest(parameter, known)}")
    shown, end = shown_species(data, species), data.isel(time=-1)
    x = data[parameter].values
    figure, panels = new_figure(len(shown), 1.2)
    for panel, name in zip(panels, shown, strict=True):
        mean, error = (end[key].sel(species=name).values for key in ("mean", "standard_error"))
        panel.errorbar(x, mean, TWO_SIDED * error, fmt="o", markersize=2.5, linewidth=0.8, color=BLUE)
        label(panel, y=f"count of {name}")
    if x.min() > 0 and x.max() > LOG_FROM * x.min():
        panels[-1].set_xscale("log")
    label(panels[-1], parameter, f"count of {shown[-1]}")
    return figure


# Figure: survival curves of the passages of a study.


def plot_study_survival(data: "xarray.Dataset", points: int = 5) -> "Figure":
    """Draw, for each passage, the share of trajectories in which its condition has not held yet.

    Parameters
    ----------
    data
        From :func:`jaxsim.open_study`, of a study with passages.
    points
        Design points to draw at most, spread over the design.

    Raises
    ------
    StudyError
        If the study has no passages.

    Examples
    --------
    >>> import xarray
    >>> plot_study_survival(xarray.Dataset())
    Traceback (most recent call last):
    jaxsim.errors.StudyError: the study has no passages; name conditions in its section [statistics.passages]
    """
    if "survival" not in data:
        raise StudyError("the study has no passages; name conditions in its section [statistics.passages]")
    names = [str(name) for name in data["passage"].values]
    figure, panels = new_figure(len(names), 1.6)
    for panel, name in zip(panels, names, strict=True):
        for point, (colour, line) in styled(chosen_points(data, points)):
            share = percent(data["survival"].isel(point=point).sel(passage=name))
            panel.plot(data["time"].values, share, color=colour, linestyle=line, linewidth=LINE,
                       label=name_of_point(data, point))  # fmt: skip
        panel.set_ylim(0.0, 102.0)
        label(panel, y=f"not yet {name} (%)")
    label(panels[-1], time_label(data), f"not yet {names[-1]} (%)")
    if data.sizes["point"] > 1:
        legend_above(figure, panels[0], 1)
    return figure


# Figure: the mean of a species at the end over two varied parameters, where the design is a grid of both.


def is_grid(data: "xarray.Dataset") -> bool:
    """Return whether a design varies two parameters, each with several values, and holds every pair once."""
    names = varied_names(data)
    if len(names) != 2:
        return False
    pairs = np.stack([data[name].values for name in names], axis=1)
    counts = [np.unique(column).size for column in pairs.T]
    return min(counts) > 1 and len(pairs) == counts[0] * counts[1] == len(np.unique(pairs, axis=0))


def plot_study_heat_map(data: "xarray.Dataset", species: int = 4) -> "Figure":
    """Draw the mean of each species at the last save time as a heat map over two varied parameters.

    Parameters
    ----------
    data
        From :func:`jaxsim.open_study`, whose design is a grid of two parameters.
    species
        To draw at most, the first ones.

    Raises
    ------
    StudyError
        If the design is no such grid.

    Examples
    --------
    >>> import xarray
    >>> values = {"mean": (("point", "time", "species"), np.arange(4.0).reshape(4, 1, 1))}
    >>> grid = {"a": ("point", [1.0, 1.0, 2.0, 2.0]), "b": ("point", [3.0, 4.0, 3.0, 4.0])}
    >>> figure = plot_study_heat_map(xarray.Dataset(values, {"time": [1.0], "species": ["X"], **grid}))
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('a', 'b')
    """
    if not is_grid(data):
        raise StudyError("the design is no grid of two parameters; draw plot_study_response of each parameter instead")
    shown, (across, up) = shown_species(data, species), varied_names(data)
    columns, column = np.unique(data[across].values, return_inverse=True)
    rows, row = np.unique(data[up].values, return_inverse=True)
    figure, panels = new_figure(len(shown), 1.8)
    for panel, name in zip(panels, shown, strict=True):
        field = np.full((rows.size, columns.size), np.nan)
        field[row, column] = data["mean"].isel(time=-1).sel(species=name).values
        image = panel.imshow(field, origin="lower", aspect="auto", cmap="viridis")
        bar = figure.colorbar(image, ax=panel)
        bar.ax.tick_params(labelsize=SMALL)
        bar.set_label(f"mean count of {name}", fontsize=FONT)
        for axis, values in ((panel.xaxis, columns), (panel.yaxis, rows)):
            places = np.unique(np.linspace(0, values.size - 1, min(values.size, 6)).round().astype(int))
            axis.set_ticks(places, [f"{values[place]:.3g}" for place in places])
        label(panel, y=up)
    panels[-1].set_xlabel(across, fontsize=FONT)
    return figure
