"""Figure: when more of an effect helps and when it harms, with the doses that are planned."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from jaxsim.plots.dose_marks import mark_doses
from jaxsim.plots.style import (
    BAND,
    BLACK,
    BLUE,
    LINE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    label,
    legend_above,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jaxsim.dosing import Schedule
    from jaxsim.gradient import SwitchingFunction

UNRESOLVED = "#777777"  # where the band covers 0
AGENTS = (BLACK, PURPLE, ORANGE, SKY)


def plot_switching_function(
    found: "SwitchingFunction",
    schedule: "Schedule | None" = None,
    *,
    objective: str = "objective",
    effect: str = "effect",
    time_unit: str = "h",
    minimise: bool | None = None,
) -> "Figure":
    """Draw dJ/d effect(t) with its 95 % band: blue where more of the effect is sure to help, red where it harms.

    Parameters
    ----------
    found
        From :func:`jaxsim.switching_function`.
    schedule
        Whose doses to mark below the curve: a triangle for each bolus, a bar for each infusion, a row for each agent.
    objective, effect
        In words, for the axis: such as ``"P(eradicated)"`` and ``"blockade"``.
    time_unit
        Of the rates.
    minimise
        Whether the objective is better lower, such as a tumour, and more of the effect helps where the derivative is
        negative; if not given, as the function says: an optimum knows it, and elsewhere higher is better. The legend
        says it.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 80}, ["-> X @ k*(1 - block)", "X -> , 1"], {"k": 80.0}, inputs={"block": 0.0})
    >>> found = js.switching_function(net, js.mean("X", at=4.0), of="block", bins=4, trajectories=64, step=0.1)
    >>> plot_switching_function(found, objective="mean of X").axes[0].get_ylabel()
    'd mean of X / d effect(t), per h'
    """
    figure, (panel,) = new_figure(1, 2.2)
    edges, left, widths = found.edges, found.edges[:-1], np.diff(found.edges)
    for colour, name, part in _verdicts(found, found.minimised if minimise is None else minimise):
        panel.bar(left[part], (found.upper - found.lower)[part], widths[part], found.lower[part], align="edge",
                  color=colour, alpha=BAND, linewidth=0)  # fmt: skip
        panel.stairs(np.where(part, found.value, np.nan), edges, baseline=None, color=colour, linewidth=LINE)
        panel.plot([], [], color=colour, linewidth=LINE, label=name)
    legend_above(figure, panel, 1)
    panel.axhline(0.0, color=BLACK, linewidth=0.6)
    panel.set_xlim(edges[0], edges[-1])
    label(panel, f"time ({time_unit})", f"d {objective} / d {effect}(t), per {time_unit}")
    if schedule is not None:
        mark_doses(
            panel, [(name, AGENTS[row % len(AGENTS)], entries) for row, (name, entries) in enumerate(schedule.items())]
        )
    return figure


def _verdicts(found: "SwitchingFunction", minimise: bool) -> Iterator[tuple[str, str, Bool[np.ndarray, " bin"]]]:
    """Give the colour, the words and the bins of what helps, what harms and what is not resolved."""
    raises, lowers = found.lower > 0.0, found.upper < 0.0
    helps, harms = (lowers, raises) if minimise else (raises, lowers)
    better, worse = ("lowers", "raises") if minimise else ("raises", "lowers")
    yield BLUE, f"more helps: it {better} the objective", helps
    yield VERMILION, f"more harms: it {worse} the objective", harms
    yield UNRESOLVED, "not told from zero", ~raises & ~lowers
