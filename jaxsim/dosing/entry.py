"""What the entries of a schedule, doses and settings, share: reading and showing their numbers."""

from types import ModuleType
from typing import Any

import numpy as np

from ..errors import ScheduleError
from . import units
from .namespace import floats, namespace, traced


def numbers(value: Any) -> Any:
    """Return `value`, or what it stands for where it is an unknown of an optimisation.

    Examples
    --------
    >>> numbers(np.array(3.0)).tolist()
    3.0
    """
    return value.initial if hasattr(value, "initial") else value


def settled(entry: Any, field: str, label: str, series: bool = False) -> None:
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


def instants(xp: ModuleType, entry: Any) -> Any:
    """Return the times of a dose or setting in hours, as an array of shape [n].

    Examples
    --------
    >>> from jaxsim.dosing import Dose
    >>> instants(np, Dose(1, at=[1, 2], time_unit="d")).tolist()
    [24.0, 48.0]
    """
    return xp.atleast_1d(floats(xp, numbers(entry.at))) * units.hours(entry.time_unit)


def phrase(value: Any) -> str:
    """Write a number or a series as one would type it.

    Examples
    --------
    >>> phrase(np.array([1.0, 2.5]))
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
    return "[" + ", ".join(phrase(item) for item in array) + "]"
