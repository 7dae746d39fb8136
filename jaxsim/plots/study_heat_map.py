"""Figure: the mean of a species at the end over two varied parameters, where the design is a grid of both."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.plots.study_points import shown_species, varied_names
from jaxsim.plots.style import FONT, SMALL, label, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


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
