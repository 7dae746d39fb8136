"""The look of all figures: sizes in print, colours that colour-blind readers tell apart, plain axes."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


COLUMN = 3.5  # inches: one column of a journal page, 89 mm
FONT = 8.0  # points
SMALL = 7.0
LINE = 1.3
BAND = 0.25  # opacity of an interval
MOST_BANDS = 3  # on top of each other
BARS = 6  # for each curve where there are more

# The palette of Okabe and Ito 2008, Color universal design.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

_ARMS = ((BLACK, "-"), (VERMILION, "-"), (BLUE, "--"), (GREEN, "-."), (PURPLE, ":"), (ORANGE, "--"), (SKY, "-."))


def new_figure(rows: int, height: float, share: bool = True) -> "tuple[Figure, list[Axes]]":
    """Return a figure one column wide, `rows` panels of `height` inches above each other that may share an x axis."""

    figure = NotebookFigure(COLUMN, rows * height + 0.5)
    axes = figure.subplots(rows, 1, sharex=share, squeeze=False)[:, 0]
    for panel in axes:
        plain(panel)
    return figure, list(axes)


def new_grid(rows: int, columns: int, height: float) -> "tuple[Figure, list[Axes]]":
    """Return a figure two columns wide with panels in rows, `height` inches each, sharing their x axis; row by row."""

    figure = NotebookFigure(2.0 * COLUMN, rows * height + 0.6)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for panel in axes.ravel():
        plain(panel)
    return figure, list(axes.ravel())


def plain(panel: "Axes") -> None:
    """Take what a panel does not need away."""
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=SMALL, width=0.6, length=2.5)
    for spine in panel.spines.values():
        spine.set_linewidth(0.6)


def label(panel: "Axes", x: str = "", y: str = "", title: str = "") -> None:
    """Name the axes, with units, and the panel."""
    panel.set_xlabel(x, fontsize=FONT)
    panel.set_ylabel(y, fontsize=FONT)
    if title:
        panel.set_title(title, fontsize=FONT, loc="left")


def unit_of_time(data: "xarray.Dataset") -> str:
    """Return the unit of the time coordinate, or nothing if the rates name none."""
    return str(data["time"].attrs.get("units", ""))


def time_label(data: "xarray.Dataset") -> str:
    """Name the time axis with its unit.

    Examples
    --------
    >>> import xarray
    >>> time_label(xarray.Dataset(coords={"time": ("time", [0.0], {"units": "h"})}))
    'time (h)'
    """
    return f"time ({unit_of_time(data) or 'unit of the rates'})"


def hours_axis(panel: "Axes", hours: float) -> None:
    """Mark whole days, or their halves and quarters in short studies."""
    step = next((step for step in (6.0, 12.0, 24.0, 48.0, 96.0) if hours / step <= 6), 168.0)
    panel.set_xlim(0.0, hours)
    panel.set_xticks(np.arange(0.0, hours + 1e-9, step))


def log_ticks(axis: "Axis", style: str = ".0e", steps: tuple[float, ...] = (1.0, 2.0, 5.0)) -> None:
    """Mark some steps of every decade of a logarithmic axis, in the size of other ticks, written in this style."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: format(value, style)))


def band(
    panel: "Axes",
    x: np.ndarray,
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    colour: str,
    line: str,
    name: str,
    among: tuple[int, int] = (0, 1),
) -> None:
    """Draw a curve with its interval.

    The interval is a band, or bars at some places where the curve is one `among` many, given as its place and their
    number: more than a few bands on top of each other mix to a colour of none of them. Bars of neighbours stand apart.
    """
    place, count = among
    if count <= MOST_BANDS:
        panel.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0)
    else:
        at = np.unique(np.linspace(0, len(x) - 1, BARS * count + 1).round().astype(int)[1 + place :: count])
        panel.vlines(np.asarray(x)[at], np.asarray(low)[at], np.asarray(high)[at], color=colour, linewidth=0.7)
    panel.plot(x, value, color=colour, linestyle=line, linewidth=LINE, label=name)


def legend_above(figure: "Figure", panel: "Axes", columns: int) -> None:
    """Add the legend of a panel above the figure, where it hides nothing."""
    handles, names = panel.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper center", ncols=columns, fontsize=SMALL, frameon=False, handlelength=2.2
    )


def styled(names: Iterable[Any]) -> Iterator[tuple[Any, tuple[str, str]]]:
    """Pair arms with their colours and line styles.

    Examples
    --------
    >>> list(styled(["a", "b"]))
    [('a', ('#000000', '-')), ('b', ('#D55E00', '-'))]
    """
    return zip(names, cycle(_ARMS), strict=False)


def percent(values: Any) -> np.ndarray:
    """Return fractions as per cent.

    Examples
    --------
    >>> percent([0.125]).tolist()
    [12.5]
    """
    return 100.0 * np.asarray(values, np.float64)


# A figure that Jupyter draws by itself, also where pyplot was never imported.

PRINT, SCREEN = 300, 110  # dots per inch, of files and in a notebook


class NotebookFigure(Figure):
    """Hold a figure of this size in inches, drawn by Agg, that knows how to show itself in a notebook.

    Examples
    --------
    >>> NotebookFigure(2.0, 1.0)._repr_png_()[:4]
    b'\\x89PNG'
    """

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), dpi=PRINT, layout="constrained")
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        """Return the figure as PNG, as IPython asks for it."""
        written = BytesIO()
        self.savefig(written, format="png", dpi=SCREEN)
        return written.getvalue()
