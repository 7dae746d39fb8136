"""cell_study: populations of single cells under several treatments, and what becomes of them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.dosing import Disposition, Schedule, concentration
from jaxsim.ensemble import simulate
from jaxsim.errors import SimulationError
from jaxsim.models.cell import cell
from jaxsim.models.cell_arms import CellArm, Real, cell_arms, cell_schedules
from jaxsim.models.cell_outputs import summarise
from jaxsim.models.cell_reactions import PASSAGES
from jaxsim.network import Network

if TYPE_CHECKING:
    import xarray

THINNING_CELLS = 16  # beside those of the doses; more cost an iteration each, fewer cost rejected candidates


def cell_study(
    arms: Sequence[CellArm] | None = None,
    *,
    cells: int = 100_000,
    hours: Real = 96.0,
    every: Real = 2.0,
    seed: int = 0,
    network: Network | None = None,
    progress: bool | None = None,
    announce: Callable[[str], None] | None = None,
    **options: Any,
) -> "xarray.Dataset":
    """Simulate the same cells under several treatments, exactly, and return their fates.

    Cell n has the same traits in every arm (its uptake, caspase-1, gasdermin and IL-1alpha), so arms are compared on
    the same population.

    Parameters
    ----------
    arms
        Treatments; untreated, 120 mg/kg gemcitabine, and that with the caspase-1 inhibitor if not given.
    cells
        In each arm.
    hours
        How long to follow them.
    every
        Hours between saved times.
    seed
        From 0 to 2**64 - 1.
    network
        :func:`cell`, or a variant of it.
    progress
        Draw a progress bar for each arm; by default on a terminal only.
    announce
        Called with the name of each arm before it is simulated.
    **options
        Further arguments of :func:`jaxsim.simulate`, such as ``chunk`` or ``precision``.

    Returns
    -------
    xarray.Dataset
        Over ``arm`` and ``time`` (h): ``fate_fraction`` (also over ``fate``: cycling, arrested, tolerant, apoptotic,
        pyroptotic) and ``divided``; ``release``, IL-1alpha outside cells relative to the pool at the start; each with
        95 % limits ``_low`` and ``_high``. ``lysis_time`` (h, among cells that lyse) over ``quantile``; ``survival``,
        ``passed`` and ``passage_mean`` (h, of cells that pass) over ``passage``: first speck, pore, lysis, apoptosis.
        ``mean`` and ``variance`` over ``species``, drug concentrations, ``status`` over ``ending``, ``events``, and
        times of computing per arm.

    Raises
    ------
    JaxsimError
        In one sentence, if the study cannot be run as asked.

    Examples
    --------
    >>> out = cell_study(cell_arms(120, 0), cells=100, hours=12, every=6)
    >>> out["fate_fraction"].sum("fate").round(9).values.tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    import xarray

    arms = cell_arms() if arms is None else tuple(arms)
    network = cell() if network is None else network
    times = _save_times(hours, every)
    _check_names(arms)
    results = []
    for arm, schedule in zip(arms, cell_schedules(arms, float(hours)), strict=True):
        if announce is not None:
            announce(arm.name)
        out = simulate(
            network,
            times=times,
            trajectories=cells,
            seed=seed,
            schedule=schedule,
            passages=PASSAGES,
            progress=progress,
            **{"cells": THINNING_CELLS, **options},
        )
        results.append(summarise(network, out).assign(_exposure(network, schedule, times)))
    joined = xarray.concat(results, dim="arm", combine_attrs="drop_conflicts")
    return joined.assign_coords(_describe(arms))


def _save_times(hours: Real, every: Real) -> np.ndarray:
    if not (np.isfinite(hours) and hours > 0):
        raise SimulationError(f"the study lasts {hours:g} h; give a positive number of hours")
    if not (np.isfinite(every) and 0 < every <= hours):
        raise SimulationError(f"states would be saved every {every:g} h of {hours:g} h; give a shorter interval")
    steps = int(np.ceil(hours / every - 1e-9))
    return np.minimum(np.arange(steps + 1) * every, hours)


def _check_names(arms: Sequence[CellArm]) -> None:
    names = [arm.name for arm in arms]
    if not names:
        raise SimulationError("the study has no arms; give at least one CellArm")
    for name in names:
        if names.count(name) > 1:
            raise SimulationError(f"two arms are called '{name}'; rename one of them")


def _exposure(network: Network, schedule: Schedule, times: np.ndarray) -> dict[str, Any]:
    """Return the concentration of each input at the save times."""
    units = {"gemcitabine": "uM", "caspase1_inhibitor": "nominal units"}
    found = {}
    for name, driven in network.inputs.items():
        if isinstance(driven, Disposition):
            value = concentration(driven, schedule[name], times) if name in schedule else np.zeros(times.size)
        else:
            value = np.full(times.size, float(driven))
        attributes = {"long_name": f"{name} in plasma", "units": units[name]}
        found[name] = (("time",), np.asarray(value, np.float64), attributes)
    return found


def _describe(arms: Sequence[CellArm]) -> dict[str, Any]:
    milligrams = {"units": "mg/kg"}
    return {
        "arm": [arm.name for arm in arms],
        "dose": ("arm", [float(arm.dose) for arm in arms], {"long_name": "gemcitabine", **milligrams}),
        "inhibitor": ("arm", [float(arm.inhibitor) for arm in arms], {"long_name": "inhibitor", **milligrams}),
        "interval": ("arm", [float(arm.interval) for arm in arms], {"long_name": "inhibitor interval", "units": "h"}),
    }
