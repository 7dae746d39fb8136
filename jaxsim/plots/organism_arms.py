"""Figure: what is decided in each arm, side by side."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.models.intervals import BAND
from jaxsim.plots.style import LINE, SMALL, label, log_ticks, new_figure, paired

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

PANELS = {
    "burden": "tumour at the end (counts)",
    "gmp_frequency_day_4": "GMP frequency, day 4",
    "neutrophil_peak": "peak of neutrophils (of baseline)",
    "nadir": "nadir (of baseline)",
}


def plot_organism_arms(study: "xarray.Dataset") -> "Figure":
    """Draw four outcomes of every arm: the median animal and where 90 % of the animals are.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.organism_study`, of four days or more.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per outcome.

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.organism_study(js.models.scenarios(["vehicle", "chemo"]), days=4)
    >>> len(plot_organism_arms(study).axes)
    4
    """
    figure, panels = new_figure(len(PANELS), 1.1)
    arms = [str(arm) for arm in study["arm"].values]
    for (name, text), panel in zip(PANELS.items(), panels, strict=True):
        for place, (arm, (colour, _)) in enumerate(paired(arms)):
            values = study[name].sel(arm=arm).values
            if name == "burden":
                if not values.any():
                    continue
                panel.set_yscale("log")
                log_ticks(panel.yaxis)
                values = np.maximum(values, 0.5)
            low, middle, high = np.quantile(values, BAND)
            panel.plot([place, place], [low, high], color=colour, linewidth=LINE)
            panel.plot([place], [middle], "o", color=colour, markersize=3.5)
        label(panel, title=text)
        panel.set_xlim(-0.5, len(arms) - 0.5)
    panels[-1].set_xticks(range(len(arms)), arms, rotation=40, ha="right", fontsize=SMALL)
    return figure
