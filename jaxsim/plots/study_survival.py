"""Figure: survival curves of the passages of a study."""

from typing import TYPE_CHECKING

from jaxsim.errors import StudyError
from jaxsim.plots.study_points import chosen_points, name_of_point
from jaxsim.plots.style import LINE, label, legend_above, new_figure, paired, percent, time_label

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


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
        for point, (colour, line) in paired(chosen_points(data, points)):
            share = percent(data["survival"].isel(point=point).sel(passage=name))
            panel.plot(data["time"].values, share, color=colour, linestyle=line, linewidth=LINE,
                       label=name_of_point(data, point))  # fmt: skip
        panel.set_ylim(0.0, 102.0)
        label(panel, y=f"not yet {name} (%)")
    label(panels[-1], time_label(data), f"not yet {names[-1]} (%)")
    if data.sizes["point"] > 1:
        legend_above(figure, panels[0], 1)
    return figure
