"""cell_study: populations of single cells under several treatments, and what becomes of them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.dosing import Disposition, Dose, Schedule, concentration
from jaxsim.ensemble import simulate
from jaxsim.errors import ScheduleError, SimulationError
from jaxsim.models.cell.network import FATES, PASSAGES, cell
from jaxsim.models.parameters import normal_quantile, wilson
from jaxsim.network import Network, is_distribution

if TYPE_CHECKING:
    import xarray


# The arms of a study of single cells: what each population of cells is given, and when.

_Real = float | int

_INTERVAL = 6.0  # h; the inhibitor's half-life of 1 h leaves gaps of hours in longer ones


@dataclass(frozen=True)
class CellArm:
    """What one population of cells is given.

    Parameters
    ----------
    name
        For tables and figures.
    dose
        Gemcitabine, mg/kg, each time.
    inhibitor
        Caspase-1 inhibitor, mg/kg, each time.
    interval
        Hours between doses of the inhibitor, the first at the start; infinite for one dose.
    at
        Hours at which gemcitabine is given.

    Raises
    ------
    ScheduleError
        If an amount is negative or not finite, the interval is not positive, or `at` is not a list of ascending
        times from 0 on.

    Examples
    --------
    >>> arm = CellArm("twice", dose=120, inhibitor=50, interval=12, at=(0.0, 72.0))
    >>> arm.inhibitor_times(48).tolist()
    [0.0, 12.0, 24.0, 36.0]
    """

    name: str
    dose: _Real = 0.0
    inhibitor: _Real = 0.0
    interval: _Real = _INTERVAL
    at: tuple[_Real, ...] = (0.0,)

    def __post_init__(self) -> None:
        for agent, amount in (("gemcitabine", self.dose), ("caspase-1 inhibitor", self.inhibitor)):
            if not (math.isfinite(amount) and amount >= 0):
                raise ScheduleError(f"arm '{self.name}' is given {amount:g} mg/kg of {agent}; give 0 or more")
        if not self.interval > 0:
            raise ScheduleError(f"arm '{self.name}' has an interval of {self.interval:g} h; give a positive one")
        times = np.asarray(self.at, np.float64)
        if not (times.size and np.all(np.isfinite(times)) and times[0] >= 0 and np.all(np.diff(times) > 0)):
            raise ScheduleError(f"arm '{self.name}' is given gemcitabine at {self.at}; give ascending hours from 0 on")

    def inhibitor_times(self, hours: _Real) -> np.ndarray:
        """Return the hours before `hours` at which the inhibitor is given; none if it is not."""
        if not self.inhibitor:
            return np.zeros(0)
        count = 1 if math.isinf(self.interval) else max(1, math.ceil(hours / self.interval))
        return np.arange(count) * float(self.interval if count > 1 else 0.0)


def cell_arms(
    dose: _Real = 120.0, inhibitor: _Real = 50.0, interval: _Real = _INTERVAL, at: tuple[_Real, ...] = (0.0,)
) -> tuple[CellArm, ...]:
    """Return untreated cells, treated cells, and treated cells whose caspase-1 is inhibited.

    Parameters
    ----------
    dose, inhibitor
        mg/kg; an arm that would repeat another is left out.
    interval
        Hours between doses of the inhibitor.
    at
        Hours at which gemcitabine is given.

    Examples
    --------
    >>> [arm.name for arm in cell_arms()]
    ['untreated', 'gemcitabine 120 mg/kg', 'gemcitabine 120 + inhibitor 50 mg/kg every 6 h']
    """
    arms = [CellArm("untreated")]
    if dose:
        arms.append(CellArm(f"gemcitabine {dose:g} mg/kg", dose, at=at))
    if inhibitor:
        every = "once" if math.isinf(interval) else f"every {interval:g} h"
        before = f"gemcitabine {dose:g} + " if dose else ""
        arms.append(CellArm(f"{before}inhibitor {inhibitor:g} mg/kg {every}", dose, inhibitor, interval, at))
    return tuple(arms)


def dose_response_arms(
    doses: Iterable[_Real], inhibitor: _Real = 50.0, interval: _Real = _INTERVAL
) -> tuple[CellArm, ...]:
    """Return an arm for each dose of gemcitabine (mg/kg), without and, unless it is 0, with the inhibitor.

    Examples
    --------
    >>> [(arm.dose, arm.inhibitor) for arm in dose_response_arms([0, 30])]
    [(0, 0.0), (0, 50.0), (30, 0.0), (30, 50.0)]
    """
    levels = (0.0, inhibitor) if inhibitor else (0.0,)
    return tuple(
        CellArm(f"gemcitabine {dose:g}{f' + inhibitor {level:g}' if level else ''} mg/kg", dose, level, interval)
        for dose in doses
        for level in levels
    )


def interval_arms(dose: _Real, inhibitor: _Real, intervals: Iterable[_Real]) -> tuple[CellArm, ...]:
    """Return an arm for each interval (h) between doses of the inhibitor; infinite for a single dose.

    Examples
    --------
    >>> [arm.name for arm in interval_arms(120, 50, [12, float("inf")])]
    ['gemcitabine 120 + inhibitor 50 mg/kg every 12 h', 'gemcitabine 120 + inhibitor 50 mg/kg once']
    """
    return tuple(cell_arms(dose, inhibitor, interval)[-1] for interval in intervals)


def cell_schedules(arms: Sequence[CellArm], hours: _Real) -> tuple[Schedule, ...]:
    """Return one schedule per arm; all have the same times, with an amount of 0 where an arm is given nothing.

    Schedules of one shape share a compiled program.

    Raises
    ------
    ScheduleError
        If gemcitabine would be given at the end or later.

    Examples
    --------
    >>> for schedule in cell_schedules(cell_arms(120, 50, 48), 96):
    ...     print([float(amount) for amount in schedule["caspase1_inhibitor"][0].amount])
    [0.0, 0.0]
    [0.0, 0.0]
    [50.0, 50.0]
    """
    drug = np.unique(np.concatenate([np.asarray(arm.at, np.float64) for arm in arms]))
    blocker = np.unique(np.concatenate([arm.inhibitor_times(hours) for arm in arms]))
    if drug[-1] >= hours:
        raise ScheduleError(f"gemcitabine at {drug[-1]:g} h is not before the end at {hours:g} h; end later")
    schedules = []
    for arm in arms:
        agents = {"gemcitabine": _doses(arm.dose, np.asarray(arm.at), drug)}
        if blocker.size:
            agents["caspase1_inhibitor"] = _doses(arm.inhibitor, arm.inhibitor_times(hours), blocker)
        schedules.append(Schedule(**agents))
    return tuple(schedules)


def _doses(amount: _Real, given: np.ndarray, times: np.ndarray) -> Dose:
    return Dose(np.where(np.isin(times, given), amount, 0.0), "mg/kg", at=times)


# What a simulated population of cells shows: fates, released IL-1alpha, times to lysis, with intervals.

_QUANTILES = (0.1, 0.5, 0.9)
_MEASURED = ("events", "rejected", "wall_seconds", "compile_seconds")  # one number per arm


def summarise(network: Network, out: "xarray.Dataset") -> "xarray.Dataset":
    """Return the fates of one simulated arm, from what :func:`jaxsim.simulate` returned for it.

    Parameters
    ----------
    network
        What was simulated.
    out
        With the observables and passages of the cell model.

    Returns
    -------
    xarray.Dataset
        One arm of :func:`jaxsim.models.cell_study`.
    """
    import xarray

    cells = out.attrs["trajectories"]
    observed = out["observable_mean"].transpose("time", "observable")
    fates = observed.sel(observable=list(FATES)).values
    divided = observed.sel(observable="divided").values
    fields: dict[str, Any] = {
        **_fraction("fate_fraction", "fate", ("time", "fate"), fates, cells, "fraction of cells"),
        **_fraction("divided", "divided", ("time",), divided, cells, "fraction of cells that have divided"),
        **_release(network, out),
        "lysis_time": (
            ("quantile",),
            _lysis_times(out),
            {"long_name": "time to lysis of those that lyse", "units": "h"},
        ),
    }
    for name in ("mean", "variance", "survival", "passed", "status"):
        fields[name] = out[name].variable
    first = {"long_name": "mean time of the first passage of cells that pass", "units": "h"}
    fields["passage_mean"] = (("passage",), out["passage_mean"].values, first)
    for name in _MEASURED:
        fields[name] = ((), out.attrs[name])
    fields["cells"] = ((), cells)
    kept = {name: out[name].variable for name in ("time", "species", "passage", "ending")}
    attributes = {name: value for name, value in out.attrs.items() if name not in (*_MEASURED, "trajectories", "fine")}
    coordinates = {**kept, "fate": list(FATES), "quantile": list(_QUANTILES)}
    data = xarray.Dataset(fields, coordinates, {**attributes, "confidence": "95 %"})
    data["time"].attrs = {"long_name": "time", "units": "h"}
    return data


def starting_pool(network: Network) -> float:
    """Return the mean IL-1alpha of a cell at the start, in units of IL.

    Examples
    --------
    >>> from jaxsim.models import cell
    >>> round(starting_pool(cell(IL=400))), round(starting_pool(cell()))
    (400, 583)
    """
    value = network.initial["IL"]
    return float(np.asarray(value.mean)) if is_distribution(value) else float(value)


def _fraction(name: str, stem: str, dims: tuple[str, ...], value: np.ndarray, cells: int, text: str) -> dict[str, Any]:
    return _with_limits((name, f"{stem}_low", f"{stem}_high"), dims, (value, *wilson(value, cells)), text)


def _release(network: Network, out: "xarray.Dataset") -> dict[str, Any]:
    """Return released IL-1alpha relative to the mean pool at the start, with normal limits."""
    pool = starting_pool(network)
    value = out["mean"].sel(species="IR").values / pool
    half = normal_quantile() * out["standard_error"].sel(species="IR").values / pool
    text = "IL-1alpha released, relative to the pool at the start"
    values = (value, np.maximum(value - half, 0.0), value + half)
    return _with_limits(("release", "release_low", "release_high"), ("time",), values, text)


def _with_limits(
    names: Sequence[str], dims: tuple[str, ...], values: Sequence[np.ndarray], text: str
) -> dict[str, Any]:
    texts = (text, f"{text}, lower 95 % limit", f"{text}, upper 95 % limit")
    triples = zip(names, values, texts, strict=True)
    return {name: (dims, value, {"long_name": long, "units": "1"}) for name, value, long in triples}


def _lysis_times(out: "xarray.Dataset") -> np.ndarray:
    """Return when given shares of the cells that lyse have lysed, by interpolation between save times."""
    lysed = 1.0 - out["survival"].sel(passage="lysis").values
    if not lysed[-1] > 0:
        return np.full(len(_QUANTILES), np.nan)
    return np.interp(np.array(_QUANTILES) * lysed[-1], lysed, out["time"].values)


THINNING_CELLS = 16  # beside those of the doses; more cost an iteration each, fewer cost rejected candidates


def cell_study(
    arms: Sequence[CellArm] | None = None,
    *,
    cells: int = 100_000,
    hours: _Real = 96.0,
    every: _Real = 2.0,
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


def _save_times(hours: _Real, every: _Real) -> np.ndarray:
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
