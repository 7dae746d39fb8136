"""Figures of an optimisation: landscapes, courses of regimens and switching functions."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from jaxsim.plots.dose_marks import mark_doses
from jaxsim.plots.style import (
    BAND,
    BLACK,
    BLUE,
    FONT,
    LINE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    band,
    label,
    legend_above,
    new_figure,
    styled,
)
from jaxsim.statistics.intervals import TWO_SIDED

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from jaxsim.dosing import Schedule
    from jaxsim.gradient import SwitchingFunction
    from jaxsim.optimise.landscape import Landscape


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


# Figure: the courses of species before and after an optimisation.


def plot_regimen_courses(
    courses: "xarray.Dataset",
    time_unit: str = "h",
    schedules: "Mapping[str, Schedule] | None" = None,
    names: Mapping[str, str] | None = None,
) -> "Figure":
    """Draw the mean of every species, with one standard deviation to each side, for each regimen.

    Parameters
    ----------
    courses
        With `mean` and, where there are trajectories, `variance`, of dimensions regimen, time and species.
    time_unit
        Of the rates.
    schedules
        Of regimens by name: their doses are marked below the lowest panel, in a row for each agent, in the colour of
        the regimen.
    names
        What species are, in words, such as ``{"T": "tumour cells"}``, for the titles.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each species.

    Examples
    --------
    >>> import xarray
    >>> one = ("regimen", "time", "species"), np.ones((2, 3, 1))
    >>> given = {"regimen": ["start", "optimum"], "time": [0.0, 1.0, 2.0], "species": ["A"]}
    >>> plot_regimen_courses(xarray.Dataset({"mean": one, "variance": one}, given)).axes[0].get_title(loc="left")
    'A'
    """
    species = courses["species"].values
    figure, panels = new_figure(len(species), 1.1)
    for name, panel in zip(species, panels, strict=True):
        for regimen, (colour, line) in styled(courses["regimen"].values):
            one = courses.sel(regimen=regimen, species=name)
            mean = one["mean"].values
            spread = np.sqrt(np.maximum(one["variance"].values, 0.0)) if "variance" in one else 0.0 * mean
            band(
                panel,
                courses["time"].values,
                mean,
                np.maximum(mean - spread, 0.0),
                mean + spread,
                colour,
                line,
                str(regimen),
            )
        label(panel, y="count", title=(names or {}).get(str(name), str(name)))
        panel.set_xlim(float(courses["time"][0]), float(courses["time"][-1]))
    panels[-1].set_xlabel(f"time ({time_unit})", fontsize=FONT)
    legend_above(figure, panels[0], 2)
    if schedules:
        looks = dict(styled(courses["regimen"].values))
        rows = [
            (f"{agent}, {regimen}", looks[regimen][0], entries)
            for regimen, schedule in schedules.items()
            for agent, entries in schedule.items()
        ]
        mark_doses(panels[-1], rows)
    return figure


# Figure: when more of an effect helps and when it harms, with the doses that are planned.

_UNRESOLVED = "#777777"  # where the band covers 0
_AGENTS = (BLACK, PURPLE, ORANGE, SKY)


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
            panel,
            [(name, _AGENTS[row % len(_AGENTS)], entries) for row, (name, entries) in enumerate(schedule.items())],
        )
    return figure


def _verdicts(found: "SwitchingFunction", minimise: bool) -> Iterator[tuple[str, str, Bool[np.ndarray, " bin"]]]:
    """Give the colour, the words and the bins of what helps, what harms and what is not resolved."""
    raises, lowers = found.lower > 0.0, found.upper < 0.0
    helps, harms = (lowers, raises) if minimise else (raises, lowers)
    better, worse = ("lowers", "raises") if minimise else ("raises", "lowers")
    yield BLUE, f"more helps: it {better} the objective", helps
    yield VERMILION, f"more harms: it {worse} the objective", harms
    yield _UNRESOLVED, "not told from zero", ~raises & ~lowers
