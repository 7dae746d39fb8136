"""Figure: what chemotherapy does to marrow, blood and tumour, and what blocking IL-1 leaves of it, arm by arm."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.models.intervals import BAND
from jaxsim.plots.style import BLACK, band, label, legend_above, log_ticks, new_grid, paired

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

PANELS = {
    "gmp_relative": "GMP count (of baseline)",
    "gmp_frequency": "GMP frequency (of progenitors)",
    "neutrophils_relative": "blood neutrophils (of baseline)",
    "nlr": "neutrophils over lymphocytes",
    "il1a_plasma_free": "free plasma IL-1α (pg/mL)",
    "il1a_plasma": "total plasma IL-1α (pg/mL)",
    "tumour": "living tumour cells",
    "tolerant_share": "tolerant share of the tumour",
}
LOGARITHMIC = {  # floor, how ticks are written, and which of a decade
    "il1a_plasma_free": (0.01, "g", (1.0,)),
    "il1a_plasma": (0.01, "g", (1.0,)),
    "tumour": (0.5, ".0e", (1.0, 2.0, 5.0)),
}
TUMOUR_ALONE = ("il1a_plasma_free", "il1a_plasma", "tumour", "tolerant_share")  # nothing to see without a tumour


def plot_organism_headline(study: "xarray.Dataset") -> "Figure":
    """Draw eight courses of every arm: the median animal and where 90 % of the animals are.

    Grey marks the days over which restoration is measured.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.organism_study`.

    Returns
    -------
    matplotlib.figure.Figure
        GMP count and frequency, neutrophils and NLR, IL-1alpha free and total, tumour and its tolerant share.

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.organism_study(js.models.scenarios(["vehicle", "chemo"]), days=4)
    >>> len(plot_organism_headline(study).axes)
    8
    """
    figure, panels = new_grid(4, 2, 1.25)
    days = study["time"].values / 24.0
    for (name, text), panel in zip(PANELS.items(), panels, strict=True):
        for place, (arm, (colour, line)) in enumerate(paired(study["arm"].values)):
            if name in TUMOUR_ALONE and not study["tumour"].sel(arm=arm).values.any():
                continue
            low, middle, high = np.quantile(study[name].sel(arm=arm).values, BAND, axis=0)
            if name in LOGARITHMIC:
                low, middle, high = (np.maximum(value, LOGARITHMIC[name][0]) for value in (low, middle, high))
            band(panel, days, middle, low, high, colour, line, str(arm), (place, study.sizes["arm"]))
        if name in LOGARITHMIC:
            panel.set_yscale("log")
            log_ticks(panel.yaxis, *LOGARITHMIC[name][1:])
        panel.axvspan(4.0, min(9.0, float(days[-1])), color=BLACK, alpha=0.06, linewidth=0)
        label(panel, title=text)
        panel.set_xlim(0.0, days[-1])
        if days[-1] >= 14:
            panel.set_xticks(np.arange(0.0, days[-1] + 1e-9, 7.0))
    for panel in panels[-2:]:
        panel.set_xlabel("days since the first dose", fontsize=8.0)
    legend_above(figure, panels[0], 4)
    return figure
