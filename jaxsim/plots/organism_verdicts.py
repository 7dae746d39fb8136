"""Figure: how many of the virtual animals meet each target."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import BLACK, BLUE, LINE, SMALL, VERMILION, label, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot_organism_verdicts(table: "xarray.Dataset") -> "Figure":
    """Draw for each target the share of animals that meet it, with its 95 % limits.

    Parameters
    ----------
    table
        From :func:`jaxsim.models.target_table`.

    Returns
    -------
    matplotlib.figure.Figure
        Blue where most animals meet the target, vermilion where not.
    """
    rows = np.arange(table.sizes["row"])
    figure, (panel,) = new_figure(1, 0.16 * rows.size + 0.6)
    colours = [BLUE if met else VERMILION for met in table["met"].values]
    panel.hlines(rows, table["share_low"], table["share_high"], colors=colours, linewidth=LINE)
    panel.scatter(table["share"], rows, c=colours, s=8.0, zorder=3)
    panel.axvline(0.5, color=BLACK, linewidth=0.6)
    texts = zip(table["target"].values, table["says"].values, table["required"].values, strict=True)
    panel.set_yticks(rows, [f"{target} {says} {required}" for target, says, required in texts], fontsize=SMALL - 2.0)
    panel.invert_yaxis()
    label(panel, x="share of animals")
    return figure
