"""Figure: how many of the virtual animals meet each target, under each hypothesis."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import BLACK, BLUE, LINE, SMALL, VERMILION, label, legend_above, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

MARKS = "os^"


def plot_organism_verdicts(table: "xarray.Dataset") -> "Figure":
    """Draw for each target the share of animals that meet it, with its 95 % limits.

    Parameters
    ----------
    table
        From :func:`jaxsim.models.target_table`.

    Returns
    -------
    matplotlib.figure.Figure
        One mark for each hypothesis: blue where most animals meet the target, vermilion where not.
    """
    rows = np.arange(table.sizes["row"])
    figure, (panel,) = new_figure(1, 0.16 * rows.size + 0.6)
    number = table.sizes["hypothesis"]
    for n, name in enumerate(table["hypothesis"].values):
        one = table.sel(hypothesis=name)
        at = rows + 0.25 * (n - (number - 1) / 2)
        colours = [BLUE if holds else VERMILION for holds in one["holds"].values]
        panel.hlines(at, one["share_low"], one["share_high"], colors=colours, linewidth=LINE)
        panel.scatter(one["share"], at, c=colours, s=8.0, marker=MARKS[n % len(MARKS)], zorder=3)
        panel.plot([], [], MARKS[n % len(MARKS)], color=BLACK, markersize=3.0, label=str(name))
    panel.axvline(0.5, color=BLACK, linewidth=0.6)
    texts = zip(table["target"].values, table["says"].values, strict=True)
    panel.set_yticks(rows, [f"{target} {says}" for target, says in texts], fontsize=SMALL - 2.0)
    panel.invert_yaxis()
    label(panel, x="share of animals")
    legend_above(figure, panel, number)
    return figure
