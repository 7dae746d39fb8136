"""A figure that Jupyter draws by itself, also where pyplot was never imported."""

from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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
