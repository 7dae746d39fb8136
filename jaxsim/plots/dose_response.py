"""Figure: deaths and released IL-1alpha at the end, against the dose of gemcitabine."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.plots.style import BLUE, LINE, PURPLE, VERMILION, label, legend_above, new_figure, percent

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

FATES = (("apoptotic", BLUE, "s"), ("pyroptotic", VERMILION, "o"))


def plot_dose_response(study: "xarray.Dataset") -> "Figure":
    """Draw the ends of the arms of :func:`jaxsim.models.dose_response_arms` against dose, with 95 % intervals.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.cell_study`; arms with an inhibitor are drawn with open markers.

    Returns
    -------
    matplotlib.figure.Figure
        Deaths above, IL-1alpha below.

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.cell_study(js.models.dose_response_arms([30, 60], 0), cells=100, hours=12, every=6)
    >>> len(plot_dose_response(study).axes)
    2
    """
    figure, (deaths, release) = new_figure(2, 1.8)
    end = study.isel(time=-1)
    for inhibited in (False, True):
        arms = end.sel(arm=(end["inhibitor"] > 0) == inhibited).sortby("dose")
        if not arms.sizes["arm"]:
            continue
        suffix = " + inhibitor" if inhibited else ""
        for fate, colour, marker in FATES:
            values = [arms[name].sel(fate=fate) for name in ("fate_fraction", "fate_low", "fate_high")]
            _points(deaths, arms["dose"].values, values, colour, marker, inhibited, fate + suffix)
        values = [arms[name] for name in ("release", "release_low", "release_high")]
        _points(release, arms["dose"].values, values, PURPLE, "D", inhibited, "_")
    hours = float(end["time"])
    label(deaths, y=f"dead at {hours:g} h (%)")
    label(release, "gemcitabine (mg/kg)", "IL-1α released\n(% of starting pool)")
    for panel in (deaths, release):
        panel.set_ylim(bottom=0.0)
    legend_above(figure, deaths, 2)
    return figure


def _points(panel: Any, x: Any, values: list[Any], colour: str, marker: str, open_marker: bool, name: str) -> None:
    value, low, high = (percent(part) for part in values)
    panel.errorbar(
        x,
        value,
        yerr=np.stack([value - low, high - value]).clip(min=0.0),
        color=colour,
        linestyle="--" if open_marker else "-",
        linewidth=LINE,
        marker=marker,
        markersize=3.5,
        markerfacecolor="white" if open_marker else colour,
        elinewidth=0.8,
        capsize=1.5,
        label=name,
    )
