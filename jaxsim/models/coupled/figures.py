"""Figure: a tumour from tables beside the same tumour cell by cell, and how far they are apart."""

from typing import TYPE_CHECKING

from jaxsim.plots.style import SMALL, label, legend_above, new_figure, styled

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

TITLES = {"tumour": "living tumour cells", "il1a_plasma": "plasma IL-1α (pg/mL)"}


def plot_coupling(found: "xarray.Dataset") -> "Figure":
    """Draw the means over animals run cell by cell (points), tables (lines), and their distance in standard errors.

    Parameters
    ----------
    found
        From :func:`jaxsim.models.compare_couplings`.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each quantity and one for the distances.

    Examples
    --------
    >>> import numpy as np, xarray
    >>> dims, flat = ("arm", "quantity", "time"), np.ones((1, 2, 3))
    >>> names = ("online", "online_standard_error", "tables", "tables_standard_error", "deviation")
    >>> coordinates = {"arm": ["chemo"], "quantity": list(TITLES), "time": [0.0, 6.0, 12.0]}
    >>> figure = plot_coupling(xarray.Dataset({n: (dims, flat) for n in names}, coordinates, {"limit": 4.0}))
    >>> [panel.get_title(loc="left") for panel in figure.axes]
    ['living tumour cells', 'plasma IL-1α (pg/mL)', 'online minus tables (standard errors)']
    """
    figure, panels = new_figure(3, 1.5)
    days = found["time"].values / 24.0
    for (quantity, title), panel in zip(TITLES.items(), panels, strict=False):
        for arm, (colour, line) in styled(found["arm"].values):
            one = found.sel(arm=arm, quantity=quantity)
            panel.plot(days, one["tables"], color=colour, linestyle=line, linewidth=1.0, label=f"{arm}, tables")
            panel.errorbar(
                days, one["online"], 2.0 * one["online_standard_error"], color=colour, fmt="o", markersize=2.0,
                linewidth=0.8, label=f"{arm}, cell by cell",
            )  # fmt: skip
        label(panel, title=title)
        panel.set_ylim(bottom=0.0)
    for arm, (colour, line) in styled(found["arm"].values):
        for quantity, marker in zip(TITLES, ("o", "x"), strict=True):
            apart = found["deviation"].sel(arm=arm, quantity=quantity)
            panels[2].plot(days, apart, color=colour, linestyle=line, marker=marker, markersize=2.5, linewidth=0.6)
    for limit in (-found.attrs["limit"], found.attrs["limit"]):
        panels[2].axhline(limit, color="grey", linewidth=0.6, linestyle=":")
    panels[2].text(0.99, 0.93, "dots: cells, crosses: IL-1α", transform=panels[2].transAxes, ha="right", va="top",
                   fontsize=SMALL)  # fmt: skip
    label(panels[2], x="time (d)", title="online minus tables (standard errors)")
    panels[2].set_xlim(0.0, days[-1])
    legend_above(figure, panels[0], 2)
    return figure
