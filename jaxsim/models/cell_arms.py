"""The arms of a study of single cells: what each population of cells is given, and when."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import ScheduleError

Real = float | int

INTERVAL = 6.0  # h; the inhibitor's half-life of 1 h leaves gaps of hours in longer ones


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
    dose: Real = 0.0
    inhibitor: Real = 0.0
    interval: Real = INTERVAL
    at: tuple[Real, ...] = (0.0,)

    def __post_init__(self) -> None:
        for agent, amount in (("gemcitabine", self.dose), ("caspase-1 inhibitor", self.inhibitor)):
            if not (math.isfinite(amount) and amount >= 0):
                raise ScheduleError(f"arm '{self.name}' is given {amount:g} mg/kg of {agent}; give 0 or more")
        if not self.interval > 0:
            raise ScheduleError(f"arm '{self.name}' has an interval of {self.interval:g} h; give a positive one")
        times = np.asarray(self.at, np.float64)
        if not (times.size and np.all(np.isfinite(times)) and times[0] >= 0 and np.all(np.diff(times) > 0)):
            raise ScheduleError(f"arm '{self.name}' is given gemcitabine at {self.at}; give ascending hours from 0 on")

    def inhibitor_times(self, hours: Real) -> np.ndarray:
        """Return the hours before `hours` at which the inhibitor is given; none if it is not."""
        if not self.inhibitor:
            return np.zeros(0)
        count = 1 if math.isinf(self.interval) else max(1, math.ceil(hours / self.interval))
        return np.arange(count) * float(self.interval if count > 1 else 0.0)


def cell_arms(
    dose: Real = 120.0, inhibitor: Real = 50.0, interval: Real = INTERVAL, at: tuple[Real, ...] = (0.0,)
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


def dose_response_arms(doses: Iterable[Real], inhibitor: Real = 50.0, interval: Real = INTERVAL) -> tuple[CellArm, ...]:
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


def interval_arms(dose: Real, inhibitor: Real, intervals: Iterable[Real]) -> tuple[CellArm, ...]:
    """Return an arm for each interval (h) between doses of the inhibitor; infinite for a single dose.

    Examples
    --------
    >>> [arm.name for arm in interval_arms(120, 50, [12, float("inf")])]
    ['gemcitabine 120 + inhibitor 50 mg/kg every 12 h', 'gemcitabine 120 + inhibitor 50 mg/kg once']
    """
    return tuple(cell_arms(dose, inhibitor, interval)[-1] for interval in intervals)


def cell_schedules(arms: Sequence[CellArm], hours: Real) -> tuple[Schedule, ...]:
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


def _doses(amount: Real, given: np.ndarray, times: np.ndarray) -> Dose:
    return Dose(np.where(np.isin(times, given), amount, 0.0), "mg/kg", at=times)
