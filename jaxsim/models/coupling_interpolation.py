"""Rates of a table between its treatments: multilinear, and differentiable in dose, inhibitor and start.

Dose and inhibitor are interpolated by what they do: hours of saturated uptake of gemcitabine for a dose, and hours of
full inhibition of caspase-1 for a dose of the inhibitor, in which the cells' response is nearly linear.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float64

from jaxsim.dosing import Disposition, Dose, concentration
from jaxsim.errors import ScheduleError
from jaxsim.models.coupling_inputs import SATURATING
from jaxsim.network import Network

if TYPE_CHECKING:
    import xarray

AXES = ("dose", "inhibitor", "start")
TAIL, POINTS = 48.0, 4801  # h and points of the integral over a dose; both agents are gone by then
PER_HOUR = {  # rate: what is counted
    "division": "divisions",
    "apoptosis": "apoptoses",
    "lysis": "lyses",
    "leak": "leaked",
    "burst": "lysis_released",
    "content": "apoptotic_content",
}
PER_CELL = ("pored", "tolerant", "held")


class Rates(NamedTuple):
    """What living cells do under one treatment, in each interval: per living cell and hour, or per living cell."""

    division: Float64[Array, " time"]
    apoptosis: Float64[Array, " time"]
    lysis: Float64[Array, " time"]
    leak: Float64[Array, " time"]
    burst: Float64[Array, " time"]
    content: Float64[Array, " time"]
    pored: Float64[Array, " time"]
    tolerant: Float64[Array, " time"]
    held: Float64[Array, " time"]


class Grids(NamedTuple):
    """A table made ready for interpolation."""

    axes: tuple[np.ndarray, np.ndarray, np.ndarray]
    """Hours of uptake, hours of inhibition, start."""
    rates: Rates
    """Each [dose, inhibitor, start, time]."""


def grids(table: "xarray.Dataset", organism: Network, cell: Network, without: int | None = None) -> Grids:
    """Return the rates on the grid, from all batches or all but one.

    Parameters
    ----------
    organism, cell
        For the disposition of the agents, and the concentrations at which they saturate.
    without
        Batch to leave out.
    """
    kept = np.arange(table.sizes["batch"]) != (-1 if without is None else without)
    sums = {str(name): value.values.astype(np.float64)[:, :, :, kept].sum(axis=3)
            for name, value in table.items() if "batch" in value.dims}  # fmt: skip
    hours, living = np.maximum(sums["living_hours"], 0.5), np.maximum(sums["living"], 1.0)
    rates = {name: sums[counted] / hours for name, counted in PER_HOUR.items()}
    rates |= {name: sums[name] / living for name in PER_CELL}
    axes = tuple(
        np.array([float(acting_hours(organism, cell, agent, amount)) for amount in table[axis].values])
        for axis, agent in zip(AXES[:2], SATURATING, strict=True)
    )
    return Grids((axes[0], axes[1], table["start"].values), Rates(**rates))


def acting_hours(organism: Network, cell: Network, agent: str, amount: Any) -> Any:
    """Return the integral over time of c/(K + c) after one dose, h.

    Examples
    --------
    >>> from jaxsim.models import cell, organism
    >>> [round(float(acting_hours(organism(), cell(), "gemcitabine", dose)), 2) for dose in (30.0, 60.0, 120.0)]
    [1.03, 1.37, 1.72]
    """
    half, driven = float(cell.parameters[SATURATING[agent]]), organism.inputs[agent]
    if not isinstance(driven, Disposition):
        raise ScheduleError(f"'{agent}' of the organism is constant, and tables are of doses; leave it a disposition")
    times = np.linspace(0.0, TAIL, POINTS)
    course = concentration(driven, Dose(amount, "mg/kg", at=[0.0]), times)
    acting = course / (half + course)
    return (acting.sum() - 0.5 * (acting[0] + acting[-1])) * (TAIL / (POINTS - 1))


def check_range(table: "xarray.Dataset", **values: float) -> None:
    """Refuse a treatment outside of the table.

    Raises
    ------
    ScheduleError
        Naming what is out of range, and the range.
    """
    for name, value in values.items():
        axis = table[name].values
        if not axis[0] <= value <= axis[-1]:
            raise ScheduleError(
                f"the table has '{name}' from {axis[0]:g} to {axis[-1]:g}, not {value:g}; "
                "build one with a wider grid, or couple online"
            )


def rates_at(
    given: Grids, organism: Network, cell: Network, dose: Any, inhibitor: Any, start: Any
) -> Rates:  # fmt: skip
    """Return the rates under a treatment, [time] each; differentiable in dose, inhibitor (mg/kg) and start (h)."""
    coordinates = (
        acting_hours(organism, cell, "gemcitabine", dose),
        acting_hours(organism, cell, "caspase1_inhibitor", inhibitor),
        start,
    )
    rates = given.rates
    for axis, value in zip(given.axes, coordinates, strict=True):
        index, share = _between(axis, value)
        rates = Rates(*(_mixed(jnp.asarray(rate), index, share) for rate in rates))
    return rates


def _between(axis: np.ndarray, value: Any) -> tuple[Any, Any]:
    """Return the interval that holds the value and how far along it the value is; an axis of one point is all 0."""
    value = jnp.asarray(value).astype(jnp.float64)
    if axis.size == 1:
        return jnp.zeros((), jnp.int32), jnp.zeros((), jnp.float64)
    grid = jnp.asarray(axis)
    found = jnp.searchsorted(grid, value, side="right").astype(jnp.int32) - np.int32(1)
    index = jnp.clip(found, np.int32(0), np.int32(axis.size - 2))
    return index, (value - grid[index]) / (grid[index + np.int32(1)] - grid[index])


def _mixed(rate: Any, index: Any, share: Any) -> Any:
    """Return the rate between two points of its first axis."""
    if rate.shape[0] == 1:
        return rate[0]
    return (1.0 - share) * rate[index] + share * rate[index + np.int32(1)]
