"""Doses marked below a curve: a row for each agent, a triangle for each bolus, a bar for each infusion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.dosing import Dose
from jaxsim.plots.style import FONT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.12  # inches


def mark_doses(panel: "Axes", rows: Sequence[tuple[str, str, Sequence[Any]]]) -> None:
    """Mark doses in rows below the curve, which is given the room; an agent without doses has no row.

    Parameters
    ----------
    panel
        Whose curve is drawn already.
    rows
        Name, colour and entries of a schedule.
    """
    agents = [(name, colour, [entry for entry in entries if isinstance(entry, Dose)]) for name, colour, entries in rows]
    agents = [row for row in agents if row[2]]
    place, figure = panel.get_subplotspec(), panel.get_figure(root=True)
    panels = place.get_gridspec().nrows if place is not None else 1
    row_share = ROW * panels / (figure.get_figheight() - 0.5 if figure is not None else 1.0)
    low, high = panel.get_ylim()
    panel.set_ylim(low - (high - low) * row_share * (len(agents) + 0.5), high)
    across, (start, end) = panel.get_xaxis_transform(), panel.get_xlim()
    for row, (name, colour, entries) in enumerate(agents):
        height = row_share * (len(agents) - row - 0.35)
        begins = np.concatenate([entry.starts(np) for entry in entries])
        lasts = np.concatenate([entry.stops(np) for entry in entries]) - begins
        inside = (begins <= end) & (begins + lasts >= start)
        bolus = inside & (lasts == 0.0)
        panel.plot(begins[bolus], np.full(bolus.sum(), height), "^", color=colour, markersize=3.5, transform=across)
        for begin, last in zip(begins[inside & ~bolus], lasts[inside & ~bolus], strict=True):
            panel.plot([begin, begin + last], [height] * 2, color=colour, linewidth=3.0, transform=across,
                       solid_capstyle="butt")  # fmt: skip
        panel.annotate(name, (1.01, height), xycoords="axes fraction", color=colour, fontsize=FONT - 1.0, va="center")
