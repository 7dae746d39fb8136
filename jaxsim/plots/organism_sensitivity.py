"""Figure: which uncertain numbers decide an outcome."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import BLUE, LINE, SMALL, VERMILION, label, legend_above, new_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


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
