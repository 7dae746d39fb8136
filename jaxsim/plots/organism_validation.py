"""Figure: which targets hold, and by how much."""

from typing import TYPE_CHECKING

from jaxsim.plots.style import BLACK, BLUE, LINE, SMALL, VERMILION, label, log_ticks, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


def plot_organism_validation(table: "xarray.Dataset") -> "Figure":
    """Draw for each target the ratio of the two arms in 90 % of the animals, and on which side of 1 it should be.

    Parameters
    ----------
    table
        From :func:`jaxsim.models.validate`.

    Returns
    -------
    matplotlib.figure.Figure
        Blue where the target holds in most animals, vermilion where not; the text says which side is wanted.

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.organism_study(js.models.scenarios(["vehicle", "chemo"]), days=4)
    >>> plot_organism_validation(js.models.validate(study)).axes[0].get_xlabel()
    'ratio of the two arms'
    """
    targets = table["target"].values
    figure, (panel,) = new_figure(1, 0.22 * len(targets) + 0.6)
    for row, target in enumerate(targets):
        one = table.sel(target=target)
        low, middle, high = one["ratio"].values
        colour = BLUE if bool(one["holds"]) else VERMILION
        panel.plot([low, high], [row, row], color=colour, linewidth=LINE)
        panel.plot([middle], [row], "o", color=colour, markersize=3.0)
    panel.axvline(1.0, color=BLACK, linewidth=0.6)
    panel.set_xscale("log")
    log_ticks(panel.xaxis, "g")
    names = [f"{target} ({wanted})" for target, wanted in zip(targets, table["wanted"].values, strict=True)]
    panel.set_yticks(range(len(targets)), names, fontsize=SMALL - 1.0)
    panel.invert_yaxis()
    label(panel, x="ratio of the two arms")
    return figure
