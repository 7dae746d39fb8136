"""Figure: what a varied parameter of a study does to its outputs at the end."""

from typing import TYPE_CHECKING

from jaxsim.errors import StudyError, closest
from jaxsim.plots.study_points import shown_species, varied_names
from jaxsim.plots.style import BLUE, label, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

Z95 = 1.959964
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
        panel.errorbar(x, mean, Z95 * error, fmt="o", markersize=2.5, linewidth=0.8, color=BLUE)
        label(panel, y=f"count of {name}")
    if x.min() > 0 and x.max() > LOG_FROM * x.min():
        panels[-1].set_xscale("log")
    label(panels[-1], parameter, f"count of {shown[-1]}")
    return figure
