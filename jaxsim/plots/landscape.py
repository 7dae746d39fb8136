"""Figure: the objective over one free number by brute force, and the path of the search on it."""

import re
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import BLACK, BLUE, VERMILION, band, label, legend_above, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jaxsim.optimise.landscape import Landscape

TWO_SIDED = 1.96


def plot_landscape(found: "Landscape", objective: str = "objective", time_unit: str = "h") -> "Figure":
    """Draw the landscape, what cannot be told from its best point, and the path of the search.

    The 95 % band is that of the difference from the best point where pairs tell it, else that of each point alone.

    Parameters
    ----------
    found
        From :func:`jaxsim.optimise.landscape.landscape`.
    objective
        In words, for the axis.
    time_unit
        Of the rates.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from jaxsim.optimise.landscape import Landscape
    >>> x = np.linspace(0.0, 1.0, 5)
    >>> found = Landscape("drug.at", x, x**2, 0.1 + 0 * x, 0, x < 0.3, (0.0, 0.1), x[::-2], x[::-2] ** 2)
    >>> plot_landscape(found).axes[0].get_xlabel()
    'time of each dose of drug (h)'
    """
    figure, (panel,) = new_figure(1, 2.2)
    reach = TWO_SIDED * (found.error if found.apart is None else found.apart)
    band(
        panel,
        found.values,
        found.mean,
        found.mean - reach,
        found.mean + reach,
        BLACK,
        "-",
        "by brute force, with its 95 % interval",
    )
    if found.kept is not None and not found.kept.all():
        panel.plot(found.values, np.where(found.kept, np.nan, found.mean), color="white", linewidth=2.0, linestyle=":",
                   zorder=2.0)  # fmt: skip
        panel.plot([], [], color=BLACK, linewidth=2.0, linestyle=":", label="a limit is not kept")
    panel.plot(found.values[found.near], found.mean[found.near], "o", color=BLUE, markersize=5.0, fillstyle="none",
               label="not told from the best", zorder=3)  # fmt: skip
    panel.plot(found.path, found.path_mean, "-o", color=VERMILION, markersize=2.0, linewidth=0.8, label="search")
    panel.plot(found.path[-1:], found.path_mean[-1:], "*", color=VERMILION, markersize=8.0, label="optimum")
    label(panel, free_number(found.name, time_unit), objective)
    legend_above(figure, panel, 2)
    seen = np.concatenate([found.values, found.path])  # the other times moved too, so the path may leave the range
    panel.set_xlim(seen.min(), seen.max())
    return figure


def free_number(name: str, time_unit: str) -> str:
    """Say in words which number of a schedule a name such as ``drug.at[0]`` stands for; others stay as they are.

    Examples
    --------
    >>> free_number("drug.at[0]", "h"), free_number("drug[1].amount", "h")
    ('time of dose 1 of drug (h)', 'amount of each dose of drug, entry 2')
    """
    parts = re.fullmatch(r"(\w+)(?:\[(\d+)\])?\.(at|amount|duration)(?:\[(\d+)\])?", name)
    if not parts:
        return name
    agent, entry, field, dose = parts.groups()
    which = "each dose" if dose is None else f"dose {int(dose) + 1}"
    entry = "" if entry is None else f", entry {int(entry) + 1}"
    unit = "" if field == "amount" else f" ({time_unit})"
    return f"{'time' if field == 'at' else field} of {which} of {agent}{entry}{unit}"
