"""Figures: what courses of an agent do by their onset, and how far uncertain numbers move that."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.plots.style import FONT, LINE, SMALL, band, label, legend_above, new_figure, paired

if TYPE_CHECKING:
    import xarray
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


def plot_onset_sensitivity(rows: Sequence[tuple[str, str, Any]]) -> "Figure":
    """Draw the best onset of each course and what it gives, under each variant of the uncertain numbers.

    Parameters
    ----------
    rows
        Variant, course and what :func:`jaxsim.models.organism_onsets.summarised` says of it.

    Returns
    -------
    matplotlib.figure.Figure
        Bars: onsets that pairs cannot tell from the best; 95 % intervals of the benefit.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> said = SimpleNamespace(best=2.0, near=(1.0, 3.0), gain=(0.1, 0.01))
    >>> len(plot_onset_sensitivity([("as fitted", "antibody", said)]).axes)
    2
    """
    variants = list(dict.fromkeys(variant for variant, _, _ in rows))
    courses = list(dict.fromkeys(course for _, course, _ in rows))
    figure, _ = new_figure(1, 0.32 * len(variants) + 0.6)
    figure.clear()
    panels = figure.subplots(1, 2, sharey=True)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=SMALL, width=0.6, length=2.5)
    for index, (course, (colour, _)) in enumerate(paired(courses)):
        mine = [(variants.index(variant), said) for variant, name, said in rows if name == course]
        at = np.array([row for row, _ in mine]) + 0.22 * (index - (len(courses) - 1) / 2)
        best = [said.best for _, said in mine]
        panels[0].hlines(at, *np.array([said.near for _, said in mine]).T, color=colour, linewidth=LINE)
        panels[0].plot(best, at, "o", color=colour, markersize=2.5, label=course)
        ends = 100.0 * (1.0 - 10.0 ** -np.array([[g - r, g, g + r] for g, r in (said.gain for _, said in mine)]))
        panels[1].hlines(at, ends[:, 0], ends[:, 2], color=colour, linewidth=LINE)
        panels[1].plot(ends[:, 1], at, "o", color=colour, markersize=2.5)
    panels[0].set_yticks(range(len(variants)), variants, fontsize=SMALL)
    panels[0].invert_yaxis()
    label(panels[0], x="best onset (d)")
    label(panels[1], x="less tumour (%)")
    legend_above(figure, panels[0], min(3, len(courses)))
    for panel in panels:
        panel.xaxis.label.set_size(FONT - 0.5)
    return figure
