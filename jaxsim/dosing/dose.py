"""Doses of one agent: how much, when, and over how long."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from jaxtyping import Float

from . import units
from .entry import instants, numbers, phrase, refuse_negative, settled
from .namespace import floats, traced
from .pytree import register


@dataclass(frozen=True, eq=False, repr=False)
class Dose:
    """Give an amount at each of several times, at once or as an infusion at a constant rate.

    To an input of the network it drives the concentration through that input's disposition; to a species it
    adds `amount` molecules. Amounts, times and durations are leaves of a pytree and may be traced.

    Parameters
    ----------
    amount : float or sequence of float
        One amount for all times, or one for each, in `unit`.
    unit : str
        Such as ``mg/kg``, ``mg``, ``mg/m2`` or ``umol``; empty for molecules of a species or nominal units.
    at : float or sequence of float
        Times in `time_unit`, ascending; equal times both arrive. An object with an attribute ``initial`` (an
        unknown of an optimisation) stands for that value.
    duration : float or sequence of float
        In `time_unit`: 0 for a bolus, positive for an infusion of that length.
    time_unit : str
        ``s``, ``min``, ``h`` or ``d``.

    Raises
    ------
    ScheduleError
        If a value is not a number or a list of numbers, an amount or a duration is negative or not finite, or a
        unit is unknown.

    Examples
    --------
    >>> Dose(1000, "mg/m2", at=[0, 7, 14], duration=0.02, time_unit="d")
    Dose(1000, 'mg/m2', at=[0, 7, 14], duration=0.02, time_unit='d')
    """

    amount: Any
    unit: str = ""
    at: Any = 0.0
    duration: Any = 0.0
    time_unit: str = "h"

    def __post_init__(self) -> None:
        units.hours(self.time_unit)
        units.dose_unit(self.unit)
        settled(self, "amount", "a dose")
        refuse_negative("amount", self.amount)
        settled(self, "at", "a dose", series=True)
        if self.duration is not None:
            settled(self, "duration", "a dose")
            refuse_negative("duration", self.duration)
            # a bolus has no end: without the leaf, the number of edges cannot depend on a traced value
            if not traced(self.duration) and not (numbers(self.duration) != 0).any():
                object.__setattr__(self, "duration", None)

    def __repr__(self) -> str:
        parts = [phrase(self.amount), *([repr(self.unit)] if self.unit else []), f"at={phrase(self.at)}"]
        if self.duration is not None:
            parts.append(f"duration={phrase(self.duration)}")
        return f"Dose({', '.join(parts)}{'' if self.time_unit == 'h' else f', time_unit={self.time_unit!r}'})"

    def amounts(self, xp: ModuleType) -> Float[Any, " n"]:
        """Return one amount per time, in `unit`.

        Examples
        --------
        >>> import numpy
        >>> Dose(3, at=[0, 1]).amounts(numpy).tolist()
        [3.0, 3.0]
        """
        return xp.broadcast_to(floats(xp, numbers(self.amount)), self.starts(xp).shape)

    def starts(self, xp: ModuleType) -> Float[Any, " n"]:
        """Return the times in hours.

        Examples
        --------
        >>> import numpy
        >>> Dose(3, at=[0, 1], time_unit="d").starts(numpy).tolist()
        [0.0, 24.0]
        """
        return instants(xp, self)

    def stops(self, xp: ModuleType) -> Float[Any, " n"]:
        """Return the times in hours at which each dose has been given: the starts for a bolus.

        Examples
        --------
        >>> import numpy
        >>> Dose(3, at=[0, 1], duration=0.5).stops(numpy).tolist()
        [0.5, 1.5]
        """
        starts = self.starts(xp)
        if self.duration is None:
            return starts
        lasting = floats(xp, numbers(self.duration)) * units.hours(self.time_unit)
        return starts + xp.broadcast_to(lasting, starts.shape)


register(Dose, ("amount", "at", "duration"), ("unit", "time_unit"))
