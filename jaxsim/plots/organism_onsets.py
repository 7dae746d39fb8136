"""Figures: what courses of an agent do by their onset, and how far uncertain numbers move that."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import LINE, SMALL, band, label, legend_above, new_figure, new_grid, paired, percent, plain

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TWO_SIDED = 1.96
CHEMOTHERAPY = (0.0, 7.0, 14.0)  # days of the doses
GREY = "#999999"


def plot_onsets(found: "xarray.Dataset") -> "Figure":
    """Draw tumour and neutrophil nadir beyond chemotherapy alone over the onset of each course, with 95 % bands.

    Parameters
    ----------
    found
        From :func:`jaxsim.models.organism_onsets.organism_onsets`, over ``course`` too.

    Returns
    -------
    matplotlib.figure.Figure
        Dotted lines are the doses of chemotherapy.

    Examples
    --------
    >>> import xarray
    >>> curve = np.zeros((1, 3, 4)) + np.arange(3.0)[:, None]
    >>> data = xarray.Dataset({name: (("course", "onset", "animal"), curve) for name in ("log10_tumour", "nadir")},
    ...                       {"course": ["a"], "onset": [0.0, 1.0, 2.0]})
    >>> data = data.assign({f"{n}_without": (("course", "animal"), np.ones((1, 4))) for n in ("log10_tumour", "nadir")})
    >>> len(plot_onsets(data).axes)
    2
    """
    figure, panels = new_figure(2, 1.8)
    titles = ("log10 tumour at 21 d, beyond chemotherapy", "neutrophil nadir, beyond chemotherapy")
    for panel, name, title in zip(panels, ("log10_tumour", "nadir"), titles, strict=True):
        for day in CHEMOTHERAPY:
            panel.axvline(day, color=GREY, linewidth=0.6, linestyle=":")
        panel.axhline(0.0, color=GREY, linewidth=0.6)
        for place, (course, (colour, line)) in enumerate(paired(found["course"].values)):
            one = found.sel(course=course)
            beyond = (one[name] - one[f"{name}_without"]).transpose("onset", "animal").values
            mean = beyond.mean(axis=1)
            reach = TWO_SIDED * beyond.std(axis=1, ddof=1) / np.sqrt(beyond.shape[1])
            band(panel, one["onset"].values, mean, mean - reach, mean + reach, colour, line, str(course),
                 (place, found.sizes["course"]))  # fmt: skip
        label(panel, title=title)
    label(panels[-1], x="onset of the course (d)", title=titles[1])
    legend_above(figure, panels[0], 2)
    return figure


def plot_when_to_block(found: "xarray.Dataset", optima: "Mapping[str, float] | None" = None) -> "Figure":
    """Draw what a course gives and costs by its onset, in the typical mouse and where uncertain numbers differ.

    Parameters
    ----------
    found
        From :func:`jaxsim.models.organism_onsets.onsets_of_variants`, over ``course`` too; the first variant is the
        typical mouse.
    optima
        Onset in days that a search found for each course.

    Returns
    -------
    matplotlib.figure.Figure
        Above: how much smaller the tumour is at 21 d than under chemotherapy alone, and the nadir of neutrophils;
        triangles are optima, vertical dotted lines doses of chemotherapy. Below, for every variant: the best onset with
        the onsets that give at least nine tenths of its benefit, and the benefit from the best to the worst onset.

    Examples
    --------
    >>> import xarray
    >>> shape, over = (1, 3, 2), ("course", "onset", "variant")
    >>> curves = {name: (over, np.zeros(shape) + np.arange(3.0)[:, None]) for name in ("log10_tumour", "nadir")}
    >>> none = {f"{name}_without": (("course", "variant"), np.ones((1, 2))) for name in ("log10_tumour", "nadir")}
    >>> places = {"course": ["antibody"], "onset": [0.0, 1.0, 2.0], "variant": ["default", "no harm"]}
    >>> len(plot_when_to_block(xarray.Dataset({**curves, **none}, places)).axes)
    4
    """
    variants = [str(name) for name in found["variant"].values]
    lower = 0.6 + 0.16 * len(variants)
    figure, _ = new_grid(2, 2, 0.5 * (1.6 + lower))
    figure.clear()  # the lower row has axes of its own
    panels = list(figure.subplots(2, 2, height_ratios=[1.6, lower]).ravel())
    for panel in panels:
        plain(panel)
    for panel in panels[:2]:
        for day in CHEMOTHERAPY:
            panel.axvline(day, color=GREY, linewidth=0.6, linestyle=":")
    for panel in panels[2:]:
        panel.set_yticks(range(len(variants)), variants if panel is panels[2] else [], fontsize=SMALL)
        panel.set_ylim(len(variants) - 0.4, -0.6)
    panels[3].axvline(0.0, color=GREY, linewidth=0.6)
    days = found["onset"].values
    courses = [str(name) for name in found["course"].values]
    for index, (course, (colour, line)) in enumerate(paired(courses)):
        one = found.sel(course=course)
        gain = percent(1.0 - 10.0 ** (one["log10_tumour"] - one["log10_tumour_without"]).transpose("onset", ...).values)
        panels[0].plot(days, gain[:, 0], color=colour, linestyle=line, linewidth=LINE, label=course)
        nadir = one["nadir"].isel(variant=0).values
        panels[1].plot(days, nadir, color=colour, linestyle=line, linewidth=LINE)
        if optima and course in optima:
            at = optima[course]
            panels[0].plot(at, np.interp(at, days, gain[:, 0]), "v", color=colour, markersize=4)
        _draw_variants(panels[2:], days, gain, 0.24 * (index - (len(courses) - 1) / 2), colour)
    panels[1].axhline(float(found["nadir_without"].isel(course=0, variant=0)), color=GREY, linewidth=0.8)
    label(panels[0], "onset of the course (d)", title="less tumour at 21 d than without it (%)")
    label(panels[1], "onset of the course (d)", title="neutrophil nadir, of baseline (grey: without)")
    label(panels[2], "best onset; dots: 9/10 of its benefit (d)")
    label(panels[3], "less tumour, worst to best onset (%)")
    legend_above(figure, panels[0], len(courses))
    return figure


def _draw_variants(panels: "Sequence[Axes]", days: np.ndarray, gain: np.ndarray, aside: float, colour: str) -> None:
    """Draw for every variant the best onset of a course, and its benefit [onset, variant]."""
    best, most = gain.argmax(axis=0), gain.max(axis=0)
    rows = np.arange(gain.shape[1])
    for row in rows:
        near = days[gain[:, row] >= most[row] - 0.1 * abs(most[row])]
        panels[0].plot(near, np.full(near.size, row + aside), ".", color=colour, markersize=1.2)
    panels[0].plot(days[best], rows + aside, "o", color=colour, markersize=2.5)
    panels[1].hlines(rows + aside, gain.min(axis=0), most, color=colour, linewidth=LINE)
    panels[1].plot(most, rows + aside, "o", color=colour, markersize=2.5)
