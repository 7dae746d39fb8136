"""Figure: IL-1alpha released over time, by arm."""

from typing import TYPE_CHECKING

from jaxsim.plots.style import band, hours_axis, label, legend_above, new_figure, paired, percent

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot_release(study: "xarray.Dataset") -> "Figure":
    """Draw IL-1alpha outside cells, relative to the pool at the start, with 95 % intervals.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.cell_study`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.cell_study(js.models.cell_arms(120, 0), cells=100, hours=12, every=6)
    >>> plot_release(study).axes[0].get_xlabel()
    'time (h)'
    """
    figure, (panel,) = new_figure(1, 2.2)
    for place, (arm, (colour, line)) in enumerate(paired(study["arm"].values)):
        one = study.sel(arm=arm)
        value, low, high = (percent(one[name]) for name in ("release", "release_low", "release_high"))
        band(panel, study["time"].values, value, low, high, colour, line, str(arm), (place, study.sizes["arm"]))
    label(panel, "time (h)", "IL-1α released (% of starting pool)")
    hours_axis(panel, float(study["time"][-1]))
    panel.set_ylim(bottom=0.0)
    legend_above(figure, panel, 1)
    return figure
