"""Figures of the organism: headline, courses, arms, onsets, ladder, sensitivity, decomposition and verdicts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.models.parameters import RANGE_QUANTILES
from jaxsim.plots.style import (
    BLACK,
    BLUE,
    LINE,
    SMALL,
    VERMILION,
    band,
    label,
    legend_above,
    log_ticks,
    new_figure,
    new_grid,
    percent,
    plain,
    styled,
)
from jaxsim.statistics.intervals import TWO_SIDED

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ARM_PANELS = {
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
    figure, panels = new_figure(len(ARM_PANELS), 1.1)
    arms = [str(arm) for arm in study["arm"].values]
    for (name, text), panel in zip(ARM_PANELS.items(), panels, strict=True):
        for place, (arm, (colour, _)) in enumerate(styled(arms)):
            values = study[name].sel(arm=arm).values
            if name == "burden":
                if not values.any():
                    continue
                panel.set_yscale("log")
                log_ticks(panel.yaxis)
                values = np.maximum(values, 0.5)
            low, middle, high = np.quantile(values, RANGE_QUANTILES)
            panel.plot([place, place], [low, high], color=colour, linewidth=LINE)
            panel.plot([place], [middle], "o", color=colour, markersize=3.5)
        label(panel, title=text)
        panel.set_xlim(-0.5, len(arms) - 0.5)
    panels[-1].set_xticks(range(len(arms)), arms, rotation=40, ha="right", fontsize=SMALL)
    return figure


# Figure: tumour, IL-1alpha, marrow and blood over time, by arm.

COURSE_PANELS = {
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
    figure, panels = new_figure(len(COURSE_PANELS), 1.2)
    days = study["time"].values / 24.0
    for (name, text), panel in zip(COURSE_PANELS.items(), panels, strict=True):
        for place, (arm, (colour, line)) in enumerate(styled(study["arm"].values)):
            course = study[name].sel(arm=arm).values
            low, middle, high = np.quantile(course, RANGE_QUANTILES, axis=0)
            if name == "tumour":
                if not middle.any():
                    continue
                low, middle, high = (np.maximum(value, 0.5) for value in (low, middle, high))
                panel.set_yscale("log")
                log_ticks(panel.yaxis)
            band(panel, days, middle, low, high, colour, line, str(arm), (place, study.sizes["arm"]))
        label(panel, title=text)
        panel.set_xlim(0.0, days[-1])
    label(panels[-1], x="time (d)", title=COURSE_PANELS["nlr"])
    legend_above(figure, panels[1], 2)
    return figure


# Figure: the methods meet the rate equations as the number of counts per cell grows.


def plot_organism_ladder(ladder: "xarray.Dataset") -> "Figure":
    """Draw the deviation of the mean from the rate equations, and the relative standard deviation, over Omega.

    Parameters
    ----------
    ladder
        ``mean``, ``deviation`` and ``mean_error`` over method, scale and quantity, and ``rate_equations``.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels for each quantity; bars are 95 % limits of the mean, the thin line falls as the root of Omega.

    Examples
    --------
    >>> import xarray
    >>> ones = (("method", "scale", "quantity"), np.ones((1, 2, 1)))
    >>> found = {"mean": ones, "deviation": ones, "mean_error": ones, "rate_equations": ("quantity", [1.0])}
    >>> ladder = xarray.Dataset(found, {"method": ["direct"], "scale": [0.1, 1.0], "quantity": ["tumour"]})
    >>> len(plot_organism_ladder(ladder).axes)
    2
    """
    scales = ladder["scale"].values
    quantities = ladder["quantity"].values
    figure, panels = new_figure(2 * len(quantities), 1.25)
    for q, quantity in enumerate(quantities):
        one = ladder.sel(quantity=quantity)
        limit = float(one["rate_equations"])
        upper, lower = panels[2 * q : 2 * q + 2]
        for shift, (method, (colour, line)) in enumerate(styled(ladder["method"].values)):
            own = one.sel({"method": method})  # by mapping, as sel has an argument of that name
            apart = 100.0 * (own["mean"].values / limit - 1.0)
            half = 196.0 * own["mean_error"].values / limit
            at = scales * 1.12**shift  # so that bars do not hide each other
            upper.errorbar(
                at, apart, half, color=colour, linestyle=line, linewidth=LINE, capsize=1.5, label=str(method)
            )
            lower.plot(at, 100.0 * own["deviation"].values / limit, "o", color=colour, linestyle=line, markersize=2.5)
        upper.axhline(0.0, color=BLACK, linewidth=0.6)
        upper.set_yscale("symlog", linthresh=0.1)
        known = one["deviation"].isel(scale=0).values
        known = known[np.isfinite(known)]
        if known.size:
            lower.plot(scales, 100.0 * known[0] / limit * np.sqrt(scales[0] / scales), color=BLACK, linewidth=0.5)
        lower.set_yscale("log")
        label(upper, y="mean, % off", title=str(quantity))
        label(lower, y="standard dev., %")
    panels[-1].set_xscale("log")
    label(panels[-1], x="Omega, counts per cell")
    legend_above(figure, panels[0], 2)
    return figure


# Figures: what courses of an agent do by their onset, and how far uncertain numbers move that.

_CHEMOTHERAPY = (0.0, 7.0, 14.0)  # days of the doses
GREY = "#999999"


def plot_onsets(found: "xarray.Dataset") -> "Figure":
    """Draw tumour and neutrophil nadir beyond chemotherapy alone over the onset of each course, with 95 % bands.

    Parameters
    ----------
    found
        From :func:`jaxsim.models.organism.blockade.organism_onsets`, over ``course`` too.

    Returns
    -------
    matplotlib.figure.Figure
        Dotted lines are the doses of chemotherapy.

    Examples
    --------
    >>> import xarray
    >>> curve = np.zeros((1, 3, 4)) + np.arange(3.0)[:, None]
    >>> data = xarray.Dataset({name: (("course", "onset", "animal"), curve) for name in ("log10_tumour", "nadir")},
    ...                       {"course": ["a"], "onset": [0.0, 1.0, 2.0]})
    >>> data = data.assign({f"{n}_without": (("course", "animal"), np.ones((1, 4))) for n in ("log10_tumour", "nadir")})
    >>> len(plot_onsets(data).axes)
    2
    """
    figure, panels = new_figure(2, 1.8)
    titles = ("log10 tumour at 21 d, beyond chemotherapy", "neutrophil nadir, beyond chemotherapy")
    for panel, name, title in zip(panels, ("log10_tumour", "nadir"), titles, strict=True):
        for day in _CHEMOTHERAPY:
            panel.axvline(day, color=GREY, linewidth=0.6, linestyle=":")
        panel.axhline(0.0, color=GREY, linewidth=0.6)
        for place, (course, (colour, line)) in enumerate(styled(found["course"].values)):
            one = found.sel(course=course)
            beyond = (one[name] - one[f"{name}_without"]).transpose("onset", "animal").values
            mean = beyond.mean(axis=1)
            reach = TWO_SIDED * beyond.std(axis=1, ddof=1) / np.sqrt(beyond.shape[1])
            band(panel, one["onset"].values, mean, mean - reach, mean + reach, colour, line, str(course),
                 (place, found.sizes["course"]))  # fmt: skip
        label(panel, title=title)
    label(panels[-1], x="onset of the course (d)", title=titles[1])
    legend_above(figure, panels[0], 2)
    return figure


def plot_when_to_block(found: "xarray.Dataset", optima: "Mapping[str, float] | None" = None) -> "Figure":
    """Draw what a course gives and costs by its onset, in the typical mouse and where uncertain numbers differ.

    Parameters
    ----------
    found
        From :func:`jaxsim.models.organism.blockade.onsets_of_variants`, over ``course`` too; the first variant is the
        typical mouse.
    optima
        Onset in days that a search found for each course.

    Returns
    -------
    matplotlib.figure.Figure
        Above: how much smaller the tumour is at 21 d than under chemotherapy alone, and the nadir of neutrophils;
        triangles are optima, vertical dotted lines doses of chemotherapy. Below, for every variant: the best onset with
        the onsets that give at least nine tenths of its benefit, and the benefit from the best to the worst onset.

    Examples
    --------
    >>> import xarray
    >>> shape, over = (1, 3, 2), ("course", "onset", "variant")
    >>> curves = {name: (over, np.zeros(shape) + np.arange(3.0)[:, None]) for name in ("log10_tumour", "nadir")}
    >>> none = {f"{name}_without": (("course", "variant"), np.ones((1, 2))) for name in ("log10_tumour", "nadir")}
    >>> places = {"course": ["antibody"], "onset": [0.0, 1.0, 2.0], "variant": ["default", "no harm"]}
    >>> len(plot_when_to_block(xarray.Dataset({**curves, **none}, places)).axes)
    4
    """
    variants = [str(name) for name in found["variant"].values]
    lower = 0.6 + 0.16 * len(variants)
    figure, _ = new_grid(2, 2, 0.5 * (1.6 + lower))
    figure.clear()  # the lower row has axes of its own
    panels = list(figure.subplots(2, 2, height_ratios=[1.6, lower]).ravel())
    for panel in panels:
        plain(panel)
    for panel in panels[:2]:
        for day in _CHEMOTHERAPY:
            panel.axvline(day, color=GREY, linewidth=0.6, linestyle=":")
    for panel in panels[2:]:
        panel.set_yticks(range(len(variants)), variants if panel is panels[2] else [], fontsize=SMALL)
        panel.set_ylim(len(variants) - 0.4, -0.6)
    panels[3].axvline(0.0, color=GREY, linewidth=0.6)
    days = found["onset"].values
    courses = [str(name) for name in found["course"].values]
    for index, (course, (colour, line)) in enumerate(styled(courses)):
        one = found.sel(course=course)
        gain = percent(1.0 - 10.0 ** (one["log10_tumour"] - one["log10_tumour_without"]).transpose("onset", ...).values)
        panels[0].plot(days, gain[:, 0], color=colour, linestyle=line, linewidth=LINE, label=course)
        nadir = one["nadir"].isel(variant=0).values
        panels[1].plot(days, nadir, color=colour, linestyle=line, linewidth=LINE)
        if optima and course in optima:
            at = optima[course]
            panels[0].plot(at, np.interp(at, days, gain[:, 0]), "v", color=colour, markersize=4)
        _draw_variants(panels[2:], days, gain, 0.24 * (index - (len(courses) - 1) / 2), colour)
    panels[1].axhline(float(found["nadir_without"].isel(course=0, variant=0)), color=GREY, linewidth=0.8)
    label(panels[0], "onset of the course (d)", title="less tumour at 21 d than without it (%)")
    label(panels[1], "onset of the course (d)", title="neutrophil nadir, of baseline (grey: without)")
    label(panels[2], "best onset; dots: 9/10 of its benefit (d)")
    label(panels[3], "less tumour, worst to best onset (%)")
    legend_above(figure, panels[0], len(courses))
    return figure


def _draw_variants(panels: "Sequence[Axes]", days: np.ndarray, gain: np.ndarray, aside: float, colour: str) -> None:
    """Draw for every variant the best onset of a course, and its benefit [onset, variant]."""
    best, most = gain.argmax(axis=0), gain.max(axis=0)
    rows = np.arange(gain.shape[1])
    for row in rows:
        near = days[gain[:, row] >= most[row] - 0.1 * abs(most[row])]
        panels[0].plot(near, np.full(near.size, row + aside), ".", color=colour, markersize=1.2)
    panels[0].plot(days[best], rows + aside, "o", color=colour, markersize=2.5)
    panels[1].hlines(rows + aside, gain.min(axis=0), most, color=colour, linewidth=LINE)
    panels[1].plot(most, rows + aside, "o", color=colour, markersize=2.5)


# Figure: which uncertain numbers decide an outcome.


def plot_organism_sensitivity(indices: "xarray.Dataset", most: int = 12) -> "Figure":
    """Draw first-order and total Sobol indices with 95 % limits, for the inputs that decide each output.

    Parameters
    ----------
    indices
        From :func:`jaxsim.models.organism_sensitivity`.
    most
        Inputs to show for each output.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each output.

    Examples
    --------
    >>> import xarray
    >>> from jaxsim.estimation import sobol_design, sobol_indices
    >>> points = sobol_design(64, 2)
    >>> sums = [sobol_indices(points[..., 0] + k * points[..., 1], ["a", "b"]) for k in (1, 2)]
    >>> len(plot_organism_sensitivity(xarray.concat(sums, "output").assign_coords(output=["x", "y"])).axes)
    2
    """
    outputs = indices["output"].values
    number = min(most, indices.sizes["input"])
    figure, panels = new_figure(len(outputs), 0.16 * number + 0.4)
    for panel, output in zip(panels, outputs, strict=True):
        one = indices.sel(output=output)
        order = np.argsort(-one["total"].values)[:number]
        one = one.isel(input=order)
        rows = np.arange(number)
        for shift, (name, colour) in enumerate((("total", VERMILION), ("first", BLUE))):
            at = rows + 0.2 * (2 * shift - 1)
            panel.hlines(at, one[f"{name}_low"], one[f"{name}_high"], color=colour, linewidth=LINE)
            panel.plot(one[name], at, "o", color=colour, markersize=2.5, label=name)
        panel.set_yticks(rows, [str(text).replace("_", " ") for text in one["input"].values], fontsize=SMALL - 1.0)
        panel.invert_yaxis()
        label(panel, title=str(output).replace("_", " "))
    label(panels[-1], x="Sobol index")
    legend_above(figure, panels[0], 2)
    return figure


# Figure: how many of the virtual animals meet each target.


def plot_organism_verdicts(table: "xarray.Dataset") -> "Figure":
    """Draw for each target the share of animals that meet it, with its 95 % limits.

    Parameters
    ----------
    table
        From :func:`jaxsim.models.target_table`.

    Returns
    -------
    matplotlib.figure.Figure
        Blue where most animals meet the target, vermilion where not.
    """
    rows = np.arange(table.sizes["row"])
    figure, (panel,) = new_figure(1, 0.16 * rows.size + 0.6)
    colours = [BLUE if met else VERMILION for met in table["met"].values]
    panel.hlines(rows, table["share_low"], table["share_high"], colors=colours, linewidth=LINE)
    panel.scatter(table["share"], rows, c=colours, s=8.0, zorder=3)
    panel.axvline(0.5, color=BLACK, linewidth=0.6)
    texts = zip(table["target"].values, table["says"].values, table["required"].values, strict=True)
    panel.set_yticks(rows, [f"{target} {says} {required}" for target, says, required in texts], fontsize=SMALL - 2.0)
    panel.invert_yaxis()
    label(panel, x="share of animals")
    return figure


# Figure: through which links each agent helps chemotherapy.

_WIDTH = 0.8  # of a group of bars


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
        height = _WIDTH / found.sizes["agent"]
        for place, (agent, (colour, _)) in enumerate(styled(found["agent"].values)):
            shift = (place - 0.5 * (found.sizes["agent"] - 1)) * height
            panel.barh(rows + shift, values.sel(agent=agent).values, height, color=colour, label=str(agent))
        panel.axvline(0.0, color=BLACK, linewidth=0.6)
        panel.set_yticks(rows, names, fontsize=SMALL)
        panel.invert_yaxis()
        label(panel, x="of the whole benefit", title=title)
    legend_above(figure, panels[0], found.sizes["agent"])
    return figure


# Figure: what chemotherapy does to marrow, blood and tumour, and what blocking IL-1 leaves of it, arm by arm.

HEADLINE_PANELS = {
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
    for (name, text), panel in zip(HEADLINE_PANELS.items(), panels, strict=True):
        for place, (arm, (colour, line)) in enumerate(styled(study["arm"].values)):
            if name in TUMOUR_ALONE and not study["tumour"].sel(arm=arm).values.any():
                continue
            low, middle, high = np.quantile(study[name].sel(arm=arm).values, RANGE_QUANTILES, axis=0)
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
