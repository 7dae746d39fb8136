"""Figure: through which links each agent helps chemotherapy."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import BLACK, SMALL, label, legend_above, new_figure, paired

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

WIDTH = 0.8  # of a group of bars


def plot_organism_decomposition(found: "xarray.Dataset") -> "Figure":
    """Draw the part of each agent's benefit that is lost with a link off, and the Shapley shares where they are there.

    Parameters
    ----------
    found
        From :func:`jaxsim.models.organism_decomposition`; the median animal is shown.

    Returns
    -------
    matplotlib.figure.Figure
        A panel of losses by link, and one of shares.
    """
    panels_of = [("lost", "link", "benefit lost with the link off")]
    if "share" in found:
        panels_of.append(("share", "player", "Shapley share of the benefit"))
    figure, panels = new_figure(len(panels_of), 2.4)
    for (name, axis, title), panel in zip(panels_of, panels, strict=True):
        panel.tick_params(labelbottom=True)
        values = found[name].median("animal")
        if name == "share":
            values = values / found["benefit"].median("animal")
        names = [str(link).replace("_", " ") for link in found[axis].values]
        rows = np.arange(len(names))
        height = WIDTH / found.sizes["agent"]
        for place, (agent, (colour, _)) in enumerate(paired(found["agent"].values)):
            shift = (place - 0.5 * (found.sizes["agent"] - 1)) * height
            panel.barh(rows + shift, values.sel(agent=agent).values, height, color=colour, label=str(agent))
        panel.axvline(0.0, color=BLACK, linewidth=0.6)
        panel.set_yticks(rows, names, fontsize=SMALL)
        panel.invert_yaxis()
        label(panel, x="of the whole benefit", title=title)
    legend_above(figure, panels[0], found.sizes["agent"])
    return figure
