"""Figures of single cells: fates, lysis, release, dose responses and the time of the inhibitor."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.plots.style import (
    BLUE,
    GREEN,
    LINE,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILION,
    band,
    hours_axis,
    label,
    legend_above,
    new_figure,
    percent,
    styled,
)

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


_LOOK = {
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
        for place, (fate, (colour, line)) in enumerate(_LOOK.items()):
            value, low, high = (
                percent(one[name].sel(fate=fate)) for name in ("fate_fraction", "fate_low", "fate_high")
            )
            band(panel, study["time"].values, value, low, high, colour, line, fate, (place, len(_LOOK)))
        label(panel, y="cells (%)", title=str(arm))
        hours_axis(panel, float(study["time"][-1]))
        panel.set_ylim(0.0, 100.0)
        panel.set_yticks([0, 50, 100])
    label(panels[-1], x="time (h)", y="cells (%)", title=str(study["arm"].values[-1]))
    legend_above(figure, panels[0], 3)
    return figure


# Figure: when cells lyse, by arm.


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
    for place, (arm, (colour, line)) in enumerate(styled(study["arm"].values)):
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


# Figure: IL-1alpha released over time, by arm.


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
    for place, (arm, (colour, line)) in enumerate(styled(study["arm"].values)):
        one = study.sel(arm=arm)
        value, low, high = (percent(one[name]) for name in ("release", "release_low", "release_high"))
        band(panel, study["time"].values, value, low, high, colour, line, str(arm), (place, study.sizes["arm"]))
    label(panel, "time (h)", "IL-1α released (% of starting pool)")
    hours_axis(panel, float(study["time"][-1]))
    panel.set_ylim(bottom=0.0)
    legend_above(figure, panel, 1)
    return figure


# Figure: deaths and released IL-1alpha at the end, against the dose of gemcitabine.

_FATES = (("apoptotic", BLUE, "s"), ("pyroptotic", VERMILION, "o"))


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
        for fate, colour, marker in _FATES:
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


def _points(
    panel: Any, x: np.ndarray, values: list[Any], colour: str, marker: str, open_marker: bool, name: str
) -> None:
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


# Figure: what is left of lysis and of IL-1alpha release, against how often the inhibitor is given.

_QUANTITIES = (
    ("lysed cells", ("fate_fraction", "fate_low", "fate_high"), VERMILION, "o", -0.08),
    ("IL-1α released", ("release", "release_low", "release_high"), PURPLE, "D", 0.08),
)


def plot_inhibitor_interval(study: "xarray.Dataset") -> "Figure":
    """Draw lysis and IL-1alpha release at the end for each interval between doses, with 95 % intervals.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.cell_study`, of :func:`jaxsim.models.interval_arms` and an arm without inhibitor.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.cell_study([js.models.CellArm("without", 120)], cells=100, hours=12, every=6)
    >>> [text.get_text() for text in plot_inhibitor_interval(study).axes[0].get_xticklabels()]
    ['none']
    """
    figure, (panel,) = new_figure(1, 2.2)
    end = study.isel(time=-1)
    place = np.arange(end.sizes["arm"], dtype=np.float64)
    lysed = end.sel(fate="pyroptotic")
    for name, fields, colour, marker, shift in _QUANTITIES:
        value, low, high = (percent(lysed[field]) for field in fields)
        error = np.stack([value - low, high - value]).clip(min=0.0)
        panel.errorbar(place + shift, value, yerr=error, color=colour, linestyle="none", marker=marker, markersize=4,
                       elinewidth=0.8, capsize=1.5, label=name)  # fmt: skip
    panel.set_xticks(place, list(map(_tick, end["inhibitor"].values, end["interval"].values)))
    label(panel, "caspase-1 inhibitor", "lysed (% of cells) and released\n(% of starting pool)")
    panel.set_xlim(-0.5, place[-1] + 0.5)
    panel.set_ylim(bottom=0.0)
    legend_above(figure, panel, 2)
    return figure


def _tick(inhibitor: float, interval: float) -> str:
    if not inhibitor:
        return "none"
    return "once" if np.isinf(interval) else f"every\n{interval:g} h"
