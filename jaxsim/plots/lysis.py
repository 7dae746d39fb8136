"""Figure: when cells lyse, by arm."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import SMALL, band, hours_axis, label, legend_above, new_figure, paired, percent

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot_lysis(study: "xarray.Dataset") -> "Figure":
    """Draw the fraction of cells that have lysed over time, with 95 % intervals and the median time to lysis.

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
    >>> plot_lysis(study).axes[0].get_ylabel()
    'lysed cells (%)'
    """
    figure, (panel,) = new_figure(1, 2.2)
    times = study["time"].values
    highest = float(percent(study["fate_fraction"].sel(fate="pyroptotic")).max())
    for place, (arm, (colour, line)) in enumerate(paired(study["arm"].values)):
        one = study.sel(arm=arm)
        value, low, high = (
            percent(one[name].sel(fate="pyroptotic")) for name in ("fate_fraction", "fate_low", "fate_high")
        )
        band(panel, times, value, low, high, colour, line, str(arm), (place, study.sizes["arm"]))
        median = float(one["lysis_time"].sel(quantile=0.5))
        if np.isfinite(median):
            panel.plot(median, value[-1] / 2, "o", color=colour, markersize=3)
            flat = value[-1] < 0.2 * highest
            panel.annotate(f"{median:.0f} h", (median, value[-1] / 2), (-5, 5) if flat else (5, -7),
                           textcoords="offset points", fontsize=SMALL, color=colour)  # fmt: skip
    label(panel, "time (h)", "lysed cells (%)")
    hours_axis(panel, float(times[-1]))
    panel.set_ylim(bottom=0.0)
    legend_above(figure, panel, 1)
    return figure
