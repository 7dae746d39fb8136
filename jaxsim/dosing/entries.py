"""Doses of one agent: how much, when, and over how long."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxsim.dosing import units
from jaxsim.dosing.arrays import floats, namespace, register, traced
from jaxsim.errors import ScheduleError

# What the entries of a schedule, doses and settings, share: reading and showing their numbers.


def numbers(value: Any) -> Any:
    """Return `value`, or what it stands for where it is an unknown of an optimisation.

    Examples
    --------
    >>> numbers(np.array(3.0)).tolist()
    3.0
    """
    return value.initial if hasattr(value, "initial") else value


def _settled(entry: "Dose | Set", field: str, label: str, series: bool = False) -> None:
    """Store a field as an array of floats, one-dimensional where `series`; an unknown is kept as it is.

    Raises
    ------
    ScheduleError
        If the value is not a number or a flat sequence of numbers.

    Examples
    --------
    >>> from jaxsim.dosing import Dose
    >>> Dose(1, at=3).at.tolist()
    [3.0]
    """
    value = getattr(entry, field)
    if hasattr(value, "initial"):
        return
    if isinstance(value, range | np.ndarray | tuple):
        value = list(value)
    try:
        if value is None:
            raise TypeError("NumPy would read None as nan")
        array = floats(namespace(value), value)
    except (TypeError, ValueError) as cause:
        raise ScheduleError(f"{field} of {label} must be a number or a list of numbers, not {value!r}.") from cause
    if array.ndim > 1:
        raise ScheduleError(f"{field} of {label} must be a number or a flat list, not an array of shape {array.shape}.")
    object.__setattr__(entry, field, array[None] if series and array.ndim == 0 else array)


def refuse_negative(field: str, value: Any, owner: str = "a dose") -> None:
    """Refuse a concrete number that is negative or not finite; traced values are not looked at.

    Raises
    ------
    ScheduleError
        Naming the owner, the field and the number.

    Examples
    --------
    >>> refuse_negative("amount", -10)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: a dose has the amount -10; give finite amounts that are not negative.
    """
    value = numbers(value)
    if namespace(value) is not np:
        return
    for number in np.atleast_1d(floats(np, value)):
        if not np.isfinite(number) or number < 0:
            raise ScheduleError(f"{owner} has the {field} {number:g}; give finite {field}s that are not negative.")


def instants(xp: ModuleType, entry: "Dose | Set") -> Any:
    """Return the times of a dose or setting in hours, as an array of shape [n].

    Examples
    --------
    >>> from jaxsim.dosing import Dose
    >>> instants(np, Dose(1, at=[1, 2], time_unit="d")).tolist()
    [24.0, 48.0]
    """
    return xp.atleast_1d(floats(xp, numbers(entry.at))) * units.hours(entry.time_unit)


def _phrase(value: Any) -> str:
    """Write a number or a series as one would type it.

    Examples
    --------
    >>> _phrase(np.array([1.0, 2.5]))
    '[1, 2.5]'
    """
    if hasattr(value, "initial"):
        return repr(value)
    if traced(value):
        return "<traced>"
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return repr(value)  # a placeholder that a transformation put there
    if array.ndim == 0:
        return f"{float(array):.12g}"
    return "[" + ", ".join(_phrase(item) for item in array) + "]"


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
        _settled(self, "amount", "a dose")
        refuse_negative("amount", self.amount)
        _settled(self, "at", "a dose", series=True)
        if self.duration is not None:
            _settled(self, "duration", "a dose")
            refuse_negative("duration", self.duration)
            # a bolus has no end: without the leaf, the number of edges cannot depend on a traced value
            if not traced(self.duration) and not (numbers(self.duration) != 0).any():
                object.__setattr__(self, "duration", None)

    def __repr__(self) -> str:
        parts = [_phrase(self.amount), *([repr(self.unit)] if self.unit else []), f"at={_phrase(self.at)}"]
        if self.duration is not None:
            parts.append(f"duration={_phrase(self.duration)}")
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


# Setting a species to a value at given times.


@dataclass(frozen=True, eq=False, repr=False)
class Set:
    """Set a species to a number of molecules at each of several times.

    Parameters
    ----------
    value : float or sequence of float
        Molecules: one value for all times, or one for each.
    at : float or sequence of float
        Times in `time_unit`, strictly ascending.
    time_unit : str
        ``s``, ``min``, ``h`` or ``d``.

    Raises
    ------
    ScheduleError
        If a value is not a number or a list of numbers, or the time unit is unknown.

    Examples
    --------
    >>> Set(0, at=[24, 48])
    Set(0, at=[24, 48])
    """

    value: Any
    at: Any = 0.0
    time_unit: str = "h"

    def __post_init__(self) -> None:
        units.hours(self.time_unit)
        _settled(self, "value", "a setting")
        _settled(self, "at", "a setting", series=True)

    def __repr__(self) -> str:
        unit = "" if self.time_unit == "h" else f", time_unit={self.time_unit!r}"
        return f"Set({_phrase(self.value)}, at={_phrase(self.at)}{unit})"

    def amounts(self, xp: ModuleType) -> Float[Any, " n"]:
        """Return one value per time, in molecules.

        Examples
        --------
        >>> import numpy
        >>> Set(3, at=[0, 1]).amounts(numpy).tolist()
        [3.0, 3.0]
        """
        return xp.broadcast_to(floats(xp, numbers(self.value)), self.starts(xp).shape)

    def starts(self, xp: ModuleType) -> Float[Any, " n"]:
        """Return the times in hours.

        Examples
        --------
        >>> import numpy
        >>> Set(3, at=1, time_unit="d").starts(numpy).tolist()
        [24.0]
        """
        return instants(xp, self)


register(Set, ("value", "at"), ("time_unit",))
