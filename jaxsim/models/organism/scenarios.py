"""Named scenarios of the organism: which agents are given, and whether there is a tumour."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import ScheduleError, closest

_CHEMOTHERAPY = ("gemcitabine", "cisplatin")
DAYS = {"mouse": 21.0, "human": 84.0}  # three cycles of a week, three of four weeks


@dataclass(frozen=True)
class OrganismArm:
    """What one group of animals is given.

    Parameters
    ----------
    name
        For tables and figures.
    agents
        Of :func:`standard_regimen`.
    tumour
        Whether the animals bear a tumour.

    Examples
    --------
    >>> OrganismArm("antibody", ("anti_il1a",)).tumour
    True
    """

    name: str
    agents: tuple[str, ...] = ()
    tumour: bool = True


SCENARIOS = {
    arm.name: arm
    for arm in (
        OrganismArm("vehicle"),
        OrganismArm("chemo", _CHEMOTHERAPY),
        OrganismArm("chemo+antibody", (*_CHEMOTHERAPY, "anti_il1a")),
        OrganismArm("chemo+inhibitor", (*_CHEMOTHERAPY, "caspase1_inhibitor")),
        OrganismArm("chemo+antagonist", (*_CHEMOTHERAPY, "il1_receptor_antagonist")),
        OrganismArm("antibody", ("anti_il1a",)),
        OrganismArm("tumour-free+chemo", _CHEMOTHERAPY, tumour=False),
    )
}


def scenarios(names: Iterable[str] | None = None) -> tuple[OrganismArm, ...]:
    """Return named scenarios; all if none is named.

    Raises
    ------
    ScheduleError
        If there is no scenario of a name.

    Examples
    --------
    >>> [arm.name for arm in scenarios(["vehicle", "chemo"])]
    ['vehicle', 'chemo']
    """
    chosen = tuple(SCENARIOS) if names is None else tuple(names)
    for name in chosen:
        if name not in SCENARIOS:
            raise ScheduleError(
                f"there is no scenario '{name}'{closest(name, SCENARIOS)}; choose from {', '.join(SCENARIOS)}"
            )
    return tuple(SCENARIOS[name] for name in chosen)


def standard_regimen(animal: str = "mouse") -> dict[str, Dose]:
    """Return how each agent is given by default.

    In the mouse gemcitabine 120 mg/kg weekly, as the source paper gives it, but without its 6 mg/kg of cisplatin, whose
    effect on the organism has no calibration: the amount is 0 and may be raised. The antibody is 200 ug every 4 days
    from the start, the caspase-1 inhibitor 50 mg/kg every 6 h, as single cells need it, and the receptor antagonist 25
    mg/kg twice a day, both for the first 4 days of each cycle. In the patient gemcitabine 1000 mg/m2 on days 1, 8, 15
    and cisplatin 70 mg/m2 on day 1 of 28, an antibody at 3.75 mg/kg every two weeks, the inhibitor as in the mouse, and
    the antagonist at 100 mg a day.

    Parameters
    ----------
    animal
        ``mouse`` or ``human``.

    Examples
    --------
    >>> standard_regimen()["gemcitabine"]
    Dose(120, 'mg/kg', at=[0, 168, 336])
    """
    if animal == "human":
        cycles = [672.0 * n for n in range(3)]
        weeks = [start + day for start in cycles for day in (0.0, 168.0, 336.0)]
        return {
            "gemcitabine": Dose(1000.0, "mg/m2", at=weeks, duration=0.5),
            "cisplatin": Dose(70.0, "mg/m2", at=cycles),
            "anti_il1a": Dose(3.75, "mg/kg", at=[336.0 * n for n in range(6)], duration=1.0),
            "caspase1_inhibitor": Dose(50.0, "mg/kg", at=four_days(weeks, 6.0)),
            "il1_receptor_antagonist": Dose(100.0, "mg", at=[24.0 * n for n in range(84)]),
        }
    return mouse_regimen(3)


def mouse_regimen(cycles: int) -> dict[str, Dose]:
    """Return how each agent is given to the mouse, over so many weeks.

    Examples
    --------
    >>> mouse_regimen(6)["anti_il1a"].starts(np).size
    11
    """
    weeks = [168.0 * n for n in range(cycles)]
    return {
        "gemcitabine": Dose(120.0, "mg/kg", at=weeks),
        "cisplatin": Dose(0.0, "mg/kg", at=weeks),
        "anti_il1a": Dose(0.2, "mg", at=[96.0 * n for n in range(-(-7 * cycles // 4))]),
        "caspase1_inhibitor": Dose(50.0, "mg/kg", at=four_days(weeks, 6.0)),
        "il1_receptor_antagonist": Dose(25.0, "mg/kg", at=four_days(weeks, 12.0)),
    }


def four_days(cycles: Sequence[float], every: float) -> list[float]:
    """Return the times of doses so many hours apart in the first four days of each cycle.

    Examples
    --------
    >>> len(four_days([0.0, 168.0], 6.0)), four_days([0.0], 24.0)
    (32, [0.0, 24.0, 48.0, 72.0])
    """
    return [start + every * n for start in cycles for n in range(round(96.0 / every))]


def organism_schedules(arms: Sequence[OrganismArm], regimen: Mapping[str, Dose], hours: float) -> tuple[Schedule, ...]:
    """Return one schedule per arm; all have the same times, with an amount of 0 where an arm is not given an agent.

    Schedules of one shape share a compiled program. Doses at the end or later are left out.

    Raises
    ------
    ScheduleError
        If an arm is given an agent that the regimen does not have.

    Examples
    --------
    >>> plans = organism_schedules(scenarios(["vehicle", "antibody"]), standard_regimen(), 168.0)
    >>> [plan["anti_il1a"][0].amounts(np).tolist() for plan in plans]
    [[0.0, 0.0], [0.2, 0.2]]
    """
    for arm in arms:
        for agent in arm.agents:
            if agent not in regimen:
                raise ScheduleError(
                    f"arm '{arm.name}' is given '{agent}'{closest(agent, regimen)}, which has no regimen"
                )
    used = {agent: _before(regimen[agent], hours) for agent in regimen if any(agent in arm.agents for arm in arms)}
    return tuple(
        Schedule(**{agent: dose if agent in arm.agents else _nothing(dose) for agent, dose in used.items() if dose})
        for arm in arms
    )


def _before(dose: Dose, hours: float) -> Dose | None:
    """Return the doses that begin before `hours`, or None if there is none."""
    starts = dose.starts(np)
    kept = starts < hours
    if not kept.any():
        return None
    duration = dose.stops(np)[kept] - starts[kept]
    return Dose(dose.amounts(np)[kept], dose.unit, at=starts[kept], duration=duration)


def _nothing(dose: Dose) -> Dose:
    return replace(dose, amount=np.zeros_like(dose.amounts(np)))
