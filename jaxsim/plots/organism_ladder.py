"""Figure: the methods meet the rate equations as the number of counts per cell grows."""

from typing import TYPE_CHECKING

import numpy as np

from jaxsim.plots.style import BLACK, LINE, label, legend_above, new_figure, paired

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


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
        for shift, (method, (colour, line)) in enumerate(paired(ladder["method"].values)):
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
