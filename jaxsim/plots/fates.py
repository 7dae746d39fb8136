"""Figure: what has become of the cells, over time, one panel per arm."""

from typing import TYPE_CHECKING

from jaxsim.plots.style import (
    BLUE,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    band,
    hours_axis,
    label,
    legend_above,
    new_figure,
    percent,
)

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

LOOK = {
    "cycling": (GREEN, "-"),
    "arrested": (SKY, ":"),
    "tolerant": (ORANGE, "-."),
    "apoptotic": (BLUE, "--"),
    "pyroptotic": (VERMILION, "-"),
}


def plot_fates(study: "xarray.Dataset") -> "Figure":
    """Draw the fraction of cells in each fate over time; bars are 95 % intervals.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.cell_study`.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per arm.

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.cell_study(js.models.cell_arms(120, 0), cells=100, hours=12, every=6)
    >>> [panel.get_title(loc="left") for panel in plot_fates(study).axes]
    ['untreated', 'gemcitabine 120 mg/kg']
    """
    figure, panels = new_figure(study.sizes["arm"], 1.45)
    for arm, panel in zip(study["arm"].values, panels, strict=True):
        one = study.sel(arm=arm)
        for place, (fate, (colour, line)) in enumerate(LOOK.items()):
            value, low, high = (
                percent(one[name].sel(fate=fate)) for name in ("fate_fraction", "fate_low", "fate_high")
            )
            band(panel, study["time"].values, value, low, high, colour, line, fate, (place, len(LOOK)))
        label(panel, y="cells (%)", title=str(arm))
        hours_axis(panel, float(study["time"][-1]))
        panel.set_ylim(0.0, 100.0)
        panel.set_yticks([0, 50, 100])
    label(panels[-1], x="time (h)", y="cells (%)", title=str(study["arm"].values[-1]))
    legend_above(figure, panels[0], 3)
    return figure
