"""Figure: what is left of lysis and of IL-1alpha release, against how often the inhibitor is given."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import PURPLE, VERMILION, label, legend_above, new_figure, percent

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

QUANTITIES = (
    ("lysed cells", ("fate_fraction", "fate_low", "fate_high"), VERMILION, "o", -0.08),
    ("IL-1α released", ("release", "release_low", "release_high"), PURPLE, "D", 0.08),
)


def plot_inhibitor_interval(study: "xarray.Dataset") -> "Figure":
    """Draw lysis and IL-1alpha release at the end for each interval between doses, with 95 % intervals.

    Parameters
    ----------
    study
        From :func:`jaxsim.models.cell_study`, of :func:`jaxsim.models.interval_arms` and an arm without inhibitor.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import jaxsim as js
    >>> study = js.models.cell_study([js.models.CellArm("without", 120)], cells=100, hours=12, every=6)
    >>> [text.get_text() for text in plot_inhibitor_interval(study).axes[0].get_xticklabels()]
    ['none']
    """
    figure, (panel,) = new_figure(1, 2.2)
    end = study.isel(time=-1)
    place = np.arange(end.sizes["arm"], dtype=np.float64)
    lysed = end.sel(fate="pyroptotic")
    for name, fields, colour, marker, shift in QUANTITIES:
        value, low, high = (percent(lysed[field]) for field in fields)
        error = np.stack([value - low, high - value]).clip(min=0.0)
        panel.errorbar(place + shift, value, yerr=error, color=colour, linestyle="none", marker=marker, markersize=4,
                       elinewidth=0.8, capsize=1.5, label=name)  # fmt: skip
    panel.set_xticks(place, list(map(_tick, end["inhibitor"].values, end["interval"].values)))
    label(panel, "caspase-1 inhibitor", "lysed (% of cells) and released\n(% of starting pool)")
    panel.set_xlim(-0.5, place[-1] + 0.5)
    panel.set_ylim(bottom=0.0)
    legend_above(figure, panel, 2)
    return figure


def _tick(inhibitor: float, interval: float) -> str:
    if not inhibitor:
        return "none"
    return "once" if np.isinf(interval) else f"every\n{interval:g} h"
