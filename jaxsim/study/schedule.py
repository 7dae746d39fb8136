"""The doses of a study file as a Schedule."""

from typing import Any

from jaxsim.dosing import Dose, Schedule, Set, every
from jaxsim.errors import StudyError
from jaxsim.study.schema import Given


def study_schedule(given: dict[str, Given | list[Given]]) -> Schedule | None:
    """Return the schedule, or None where nothing is given.

    Examples
    --------
    >>> study_schedule({"drug": Given(amount=10.0, every=24.0, count=3)})
    Schedule(
        drug=Dose(10, at=[0, 24, 48]),
    )
    """
    if not given:
        return None
    agents = {
        agent: [_entry(agent, one) for one in (entries if isinstance(entries, list) else [entries])]
        for agent, entries in given.items()
    }
    return Schedule(**agents)


def _entry(agent: str, one: Given) -> Dose | Set:
    if (one.amount is None) == (one.set is None):
        raise StudyError(f"'schedule.{agent}' gives neither or both of 'amount' and 'set'; give one of them")
    if one.set is not None:
        if one.unit or one.duration != 0.0:
            raise StudyError(f"'schedule.{agent}' sets a number of molecules, which has no unit and no duration")
        return Set(one.set, at=_times(agent, one), time_unit=one.time_unit)
    return Dose(one.amount, one.unit, at=_times(agent, one), duration=one.duration, time_unit=one.time_unit)


def _times(agent: str, one: Given) -> Any:
    repeated = one.every is not None or one.count is not None
    if (one.at is None) != repeated:
        raise StudyError(f"'schedule.{agent}' needs either 'at' or both 'every' and 'count'")
    if not repeated:
        return one.at
    if one.every is None or one.count is None:
        raise StudyError(f"'schedule.{agent}' has only one of 'every' and 'count'; give both")
    return every(one.every, one.count, one.start).tolist()
