"""js.plot: what js.simulate has returned as a figure, whatever it holds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.errors import SimulationError, closest
from jaxsim.plots.points import chosen_points, name_of_point, outer_range
from jaxsim.plots.style import (
    COLUMN,
    LINE,
    MOST_BANDS,
    SMALL,
    band,
    label,
    new_figure,
    percent,
    styled,
    time_label,
    unit_of_time,
)

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SPECIES = 6
_MOST_POINTS = 5
_MOST_TRAJECTORIES = 50
MOST_TIMES = 4


def plot(result: "xarray.Dataset", species: str | Sequence[str] | None = None) -> "Figure":
    """Draw a result of :func:`jaxsim.simulate`: courses of the species, histograms and survival curves it holds.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`jaxsim.simulate`. With ``keep="trajectories"`` up to 50 of them are drawn below their mean. Of a
        batch up to 5 design points are drawn, spread over it.
    species : str or sequence of str, optional
        Of courses and histograms; the first six if not given.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for the courses, or in a batch for each species; for each histogram; and for each passage. A notebook
        shows it; ``figure.savefig("out.pdf")`` keeps it.

    Raises
    ------
    SimulationError
        In one sentence, if there is nothing to draw or no such species.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 100}, ["X -> , d"], parameters={"d": 1.0})
    >>> figure = js.plot(js.simulate(net, times=[0.0, 1.0, 2.0], trajectories=10))
    >>> figure.axes[0].get_ylabel()
    'count'
    """
    names = _checked(result, species)
    points: list[int | None] = [*chosen_points(result, _MOST_POINTS)] if "point" in result.dims else [None]
    drawn = [*_courses(result, names, points), *_histograms(result, names, points), *_survivals(result, points)]
    if not drawn:
        raise SimulationError(
            "nothing in this result can be drawn: no statistic is known at two save times or more; give more times, "
            "or histograms= or passages="
        )
    figure, panels = new_figure(len(drawn), 1.8, share=False)
    figure.set_figwidth(1.6 * COLUMN)
    for panel, draw in zip(panels, drawn, strict=True):
        draw(panel)
        panel.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=SMALL, frameon=False)
    return figure


def _checked(result: Any, species: str | Sequence[str] | None) -> list[str]:
    """Return the species to draw, and refuse what is no result."""
    import xarray

    if not isinstance(result, xarray.Dataset) or not {"mean", "variance", "time", "species"} <= set(result.variables):
        raise SimulationError(f"js.plot draws a Dataset that js.simulate has returned, not a {type(result).__name__}")
    known = [str(name) for name in result["species"].values]
    wanted = known[:MOST_SPECIES] if species is None else [species] if isinstance(species, str) else list(species)
    if not wanted:
        raise SimulationError("js.plot is given no species; leave species= out to draw the first six")
    for name in wanted:
        if name not in known:
            raise SimulationError(f"the result has no species '{name}'{closest(str(name), known)}")
    return wanted


def _courses(result: "xarray.Dataset", names: list[str], points: list[int | None]) -> list[Any]:
    """Return what draws the courses: one panel for all species, or one for each in a batch."""
    known = [point for point in points if np.isfinite(_point(result, point)["mean"].values).any(axis=-1).sum() > 1]
    if result.sizes["time"] < 2 or not known:
        return []
    if known == [None]:
        curves = [(_point(result, None).sel(species=name), name) for name in names]
        return [lambda panel: _course_panel(panel, curves, "count")]

    def of(name: str) -> Any:
        several = [(_point(result, point).sel(species=name), _name(result, point)) for point in known]
        return lambda panel: _course_panel(panel, several, f"count of {name}")

    return [of(name) for name in names]


def _course_panel(panel: "Axes", curves: list[tuple["xarray.Dataset", str]], quantity: str) -> None:
    kept = "trajectories" in curves[0][0]
    for place, ((one, name), (colour, line)) in enumerate(styled(curves)):
        times, mean = one["time"].values, one["mean"].values
        if kept:
            some = one["trajectories"].values[:_MOST_TRAJECTORIES].T
            panel.plot(times, some, color=colour, linewidth=0.4, alpha=0.3, drawstyle="steps-post")
            panel.plot(times, mean, color=colour, linestyle=line, linewidth=LINE, label=name)
        else:
            band(panel, times, mean, *outer_range(one), colour, line, name, (place, len(curves)))
    panel.set_xlim(float(times[0]), float(times[-1]))
    label(
        panel,
        time_label(curves[0][0]),
        quantity,
        _caption(curves[0][0], kept, "band" if len(curves) <= MOST_BANDS else "bars"),
    )


def _caption(one: "xarray.Dataset", kept: bool, drawn: str) -> str:
    if kept:
        shown = min(one.sizes["trajectory"], _MOST_TRAJECTORIES)
        return f"mean, and {shown} of {one.sizes['trajectory']:,} trajectories"
    if not np.isfinite(one["variance"]).any():
        return "solution of the rate equations" if one.attrs.get("method") == "mean_field" else "mean"
    if "quantiles" in one and one.sizes["quantile"] > 1:
        low, high = (float(one["quantile"][end]) for end in (0, -1))
        return f"mean; {drawn}: quantiles {low:g} to {high:g}"
    return f"mean; {drawn}: one standard deviation to each side"


def _histograms(result: "xarray.Dataset", names: list[str], points: list[int | None]) -> list[Any]:
    """Return what draws each histogram: at up to four save times, or at the last one in a batch."""
    found = [name for name in names if f"histogram_{name}" in result]

    def of(name: str) -> Any:
        if points == [None]:
            count = result.sizes["time"]
            chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_TIMES)).round().astype(int))
            unit = _spaced_unit(result)
            curves = [(result.isel(time=t), f"time {float(result['time'][t]):.4g}{unit}") for t in chosen]
        else:
            curves = [(_point(result, point).isel(time=-1), _name(result, point)) for point in points]
        at = "" if points == [None] else f" at time {float(result['time'][-1]):.4g}{_spaced_unit(result)}"
        return lambda panel: _histogram_panel(panel, curves, name, at)

    return [of(name) for name in found]


def _histogram_panel(panel: "Axes", curves: list[tuple["xarray.Dataset", str]], name: str, at: str) -> None:
    outside = 0.0
    for (one, text), (colour, line) in styled(curves):
        counts = one[f"histogram_{name}"].values.astype(np.float64)
        lows = one[f"bin_{name}"].values
        share = percent(counts / counts.sum()) if counts.sum() else np.full(counts.shape, np.nan)
        outside = max(outside, float(np.nan_to_num(share[0] + share[-1])))
        edges = np.append(lows[1:-1], lows[-1])
        panel.stairs(share[1:-1], edges, color=colour, linestyle=line, linewidth=LINE, label=text)
    beyond = f"; at most {outside:.2g} % lie outside the bins" if outside else ""
    label(panel, f"count of {name}", "trajectories (%)", f"histogram{at}{beyond}")
    panel.set_ylim(bottom=0.0)


def _survivals(result: "xarray.Dataset", points: list[int | None]) -> list[Any]:
    """Return what draws the survival of each passage."""
    if "survival" not in result or result.sizes["time"] < 2:
        return []

    def of(passage: str) -> Any:
        several = [
            (
                _point(result, point)["survival"].sel(passage=passage),
                passage if point is None else _name(result, point),
            )
            for point in points
        ]
        return lambda panel: _survival_panel(panel, several, passage)

    return [of(str(passage)) for passage in result["passage"].values]


def _survival_panel(panel: "Axes", curves: list[tuple[Any, str]], passage: str) -> None:
    for (one, text), (colour, line) in styled(curves):
        panel.plot(one["time"].values, percent(one), color=colour, linestyle=line, linewidth=LINE, label=text)
    panel.set_ylim(0.0, 102.0)
    label(
        panel, time_label(curves[0][0]), f"not yet {passage} (%)", "survival: share in which the condition has not held"
    )


def _point(result: "xarray.Dataset", point: int | None) -> "xarray.Dataset":
    return result if point is None else result.isel(point=point)


def _name(result: "xarray.Dataset", point: int | None) -> str:
    return "" if point is None else name_of_point(result, point)


def _spaced_unit(result: "xarray.Dataset") -> str:
    return f" {unit_of_time(result)}".rstrip()
