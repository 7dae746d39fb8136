"""Sobol indices of the organism's uncertain numbers, for the final burden and the neutrophil nadir."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.ensemble import FlowCase, solve_flows, warn_of_flows
from jaxsim.errors import NetworkError, closest
from jaxsim.estimation import sobol_design, sobol_indices
from jaxsim.models.organism.network import initial_counts, organism, organism_parameters
from jaxsim.models.organism.scenarios import organism_schedules, scenarios, standard_regimen
from jaxsim.models.organism.study import courses
from jaxsim.models.parameters import ModelParameter

if TYPE_CHECKING:
    import xarray

UNCERTAIN = ("assumed", "from memory")
# Units of counts and switches are no unknowns; of two rates of which one has to exceed the other, one stays.
_FIXED = ("scale", "signal_counts", "gcsf_counts", "gmp_division", "hspc_division", "circulating_fraction")
_HOURS, _EVERY = 504.0, 6.0
_RELATIVE, _CELLS = 1e-4, 1.0  # tolerances of a step: outcomes are then right to about 1e-3


def organism_sensitivity(
    number: int = 256, *, without: Sequence[str] = (), scenario: str = "chemo", names: Sequence[str] = (), seed: int = 1
) -> "xarray.Dataset":
    """Return Sobol indices of what becomes of a mouse in 21 days over the numbers that are not known.

    Parameters
    ----------
    number
        Base points, a power of 2; the mice are that times the number of inputs and 2 more.
    without
        Links that are turned off, see :func:`organism`.
    scenario
        Of :func:`scenarios`.
    names
        Parameters; all that are assumed, fitted or from memory if none is named. Each is uniform over its range in the
        parameter file, on a logarithmic scale where that excludes 0.
    seed
        Of the design.

    Returns
    -------
    xarray.Dataset
        Over ``output`` (``log10_burden``, ``nadir``) and ``input``: ``first`` and ``total`` with 95 % limits; with the
        inputs sorted by the larger of their total indices.

    Raises
    ------
    NetworkError
        If a parameter is none of the organism's.

    Examples
    --------
    >>> found = organism_sensitivity(4, names=["growth_rate", "damage_rate"])
    >>> sorted(found["input"].values.tolist()), found.attrs["mice"]
    (['damage_rate', 'growth_rate'], 16)
    """
    import xarray

    entries = _entries(names)
    design = sobol_design(number, len(entries), seed)
    burden, nadir = _outputs(entries, design.reshape(-1, len(entries)), without, scenario)
    found = [
        sobol_indices(output.reshape(design.shape[:2]), [entry.name for entry in entries]) for output in (burden, nadir)
    ]
    joined = xarray.concat(found, dim="output").assign_coords(output=["log10_burden", "nadir"])
    order = np.argsort(-joined["total"].max("output").values)
    return joined.isel(input=order).assign_attrs(
        without=", ".join(without), scenario=scenario, mice=int(design.shape[0] * number), points=number, seed=str(seed)
    )


def _entries(names: Sequence[str]) -> list[ModelParameter]:
    known = organism_parameters()["parameters"]
    for name in names:
        if name not in known:
            raise NetworkError(f"the organism has no '{name}'{closest(name, known)}")
    if names:
        return [known[name] for name in names]
    return [
        entry
        for entry in known.values()
        if entry.tag in UNCERTAIN and entry.name not in _FIXED and entry.range[0] < entry.range[1]
    ]


def _values(entry: ModelParameter, u: np.ndarray) -> np.ndarray:
    """Return the parameter at quantiles of its range."""
    low, high = entry.range
    return low * (high / low) ** u if low > 0 else low + (high - low) * u


def _outputs(
    entries: Sequence[ModelParameter], points: np.ndarray, without: Sequence[str], scenario: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return log10 of the final burden (at least one cell) and the nadir of every mouse."""
    arm = scenarios([scenario])[0]
    network = organism(without=without, tumour=None if arm.tumour else 0)
    values = {entry.name: _values(entry, points[:, i]) for i, entry in enumerate(entries)}
    times = np.arange(0.0, _HOURS + 1.0, _EVERY)
    schedule = organism_schedules([arm], standard_regimen(), _HOURS)[0]
    case = FlowCase(network, schedule, values, len(points), _starts(network, values, arm.tumour))
    found = solve_flows([case], times, rtol=_RELATIVE, atol=_CELLS)
    warn_of_flows(found)
    shown = courses(network, found.mean, values)
    return np.log10(np.maximum(shown["tumour"][:, -1], 1.0)), shown["neutrophils_relative"].min(axis=1)


def _starts(network: Any, values: dict[str, np.ndarray], tumour: bool) -> np.ndarray:
    """Return the initial counts [mouse, species]: each starts in its own steady state."""
    start = {name: entry.value for name, entry in organism_parameters()["start"].items()}
    start |= {} if tumour else {"tumour": 0.0}
    shared = {name: float(value) for name, value in network.parameters.items()}
    rows = []
    for n in range(len(next(iter(values.values())))):
        own = shared | {name: float(column[n]) for name, column in values.items()}
        counts = initial_counts(own, start)
        rows.append([float(counts[name]) for name in network.structure.species])
    return np.array(rows)
