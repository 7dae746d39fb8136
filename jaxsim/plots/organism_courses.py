"""Figure: tumour, IL-1alpha, marrow and blood over time, by arm."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.models.intervals import BAND
from jaxsim.plots.style import band, label, legend_above, log_ticks, new_figure, paired

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

PANELS = {
    "tumour": "tumour (counts)",
    "il1a_plasma": "plasma IL-1α (pg/mL)",
    "gmp_relative": "GMP (of baseline)",
    "neutrophils_relative": "neutrophils (of baseline)",
    "nlr": "neutrophils over lymphocytes",
}


def plot_organism_courses(study: "xarray.Dataset") -> "Figure":
    """Draw the courses of five quantities: the median animal and where 90 % of the animals are.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.organism_study`.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per quantity.

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.organism_study(js.models.scenarios(["vehicle", "chemo"]), days=4)
    >>> [panel.get_title(loc="left") for panel in plot_organism_courses(study).axes][:2]
    ['tumour (counts)', 'plasma IL-1α (pg/mL)']
    """
    figure, panels = new_figure(len(PANELS), 1.2)
    days = study["time"].values / 24.0
    for (name, text), panel in zip(PANELS.items(), panels, strict=True):
        for place, (arm, (colour, line)) in enumerate(paired(study["arm"].values)):
            course = study[name].sel(arm=arm).values
            low, middle, high = np.quantile(course, BAND, axis=0)
            if name == "tumour":
                if not middle.any():
                    continue
                low, middle, high = (np.maximum(value, 0.5) for value in (low, middle, high))
                panel.set_yscale("log")
                log_ticks(panel.yaxis)
            band(panel, days, middle, low, high, colour, line, str(arm), (place, study.sizes["arm"]))
        label(panel, title=text)
        panel.set_xlim(0.0, days[-1])
    label(panels[-1], x="time (d)", title=PANELS["nlr"])
    legend_above(figure, panels[1], 2)
    return figure
