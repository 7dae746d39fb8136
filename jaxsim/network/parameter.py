"""Parameters: a value with its unit and meaning, and which values networks accept."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxsim.errors import NetworkError

TIME_UNITS = {  # as written in units of rates, and the short form
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hr", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}


@dataclass(frozen=True)
class Parameter:
    """A value with its unit and a description; the unit is recorded, not converted.

    Parameters
    ----------
    value
        A number, or a distribution over trajectories (any object with ``.sample(u)``).
    unit
        For example ``"1/h"``.
    description
        One phrase for tables.

    Examples
    --------
    >>> Parameter(0.3, "1/d", "infection rate").unit
    '1/d'
    """

    value: Any
    unit: str = ""
    description: str = ""


def is_distribution(value: object) -> bool:
    """Return whether `value` describes variability between trajectories: it has ``.sample(u)``.

    Examples
    --------
    >>> is_distribution(1.0)
    False
    """
    return hasattr(value, "sample")


def checked_value(value: object, what: str) -> Any:
    """Return a finite scalar, a traced scalar or a distribution; refuse anything else.

    Examples
    --------
    >>> checked_value(2, "parameter 'k'")
    2.0
    >>> checked_value(float("nan"), "parameter 'k'")
    Traceback (most recent call last):
    jaxsim.errors.NetworkError: parameter 'k' is nan; give a finite number
    """
    if is_distribution(value) or isinstance(value, jax.core.Tracer):
        return value
    number = _as_scalar(value, what)
    if not math.isfinite(number):
        raise NetworkError(f"{what} is {number}; give a finite number")
    return value if isinstance(value, jax.Array) else number


def checked_count(value: Any, what: str) -> Any:
    """Return an initial count as an int, or a traced count or distribution as it is.

    Examples
    --------
    >>> checked_count(10.0, "species 'A'")
    10
    """
    value = checked_value(value, what)
    if is_distribution(value) or isinstance(value, jax.core.Tracer):
        return value
    value = float(value)
    if value < 0 or not value.is_integer():
        raise NetworkError(f"{what} starts at {value:g}; counts are integers from 0 on")
    return int(value)


def checked_variable(value: float | int, what: str) -> Any:
    """Return the finite number at which a variable starts.

    Examples
    --------
    >>> checked_variable(1, "variable 'V'")
    1.0
    """
    if is_distribution(value):
        raise NetworkError(
            f"{what} starts at a distribution; start it at a number and draw it by an event at the start"
        )
    return checked_value(value, what)


def checked_input(value: object, what: str) -> Any:
    """Return a finite number, or the object that describes how doses drive the input.

    Examples
    --------
    >>> checked_input(0.5, "input 'drug'")
    0.5
    """
    if not isinstance(value, (bool, str, int, float, np.number, np.ndarray, jax.Array, type(None))):
        return value
    return checked_value(value, what)


def _as_scalar(value: Any, what: str) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number, np.ndarray, jax.Array)):
        raise NetworkError(f"{what} is {value!r:.60}; give a number or a distribution")
    if np.ndim(value):
        raise NetworkError(
            f"{what} has shape {np.shape(value)}; a network holds one value, give batches to simulate(parameters=...)"
        )
    try:
        return float(value)
    except OverflowError as error:
        raise NetworkError(f"{what} is an integer beyond what a number can be; give a smaller one") from error


def common_time_unit(units: Iterable[str]) -> str:
    """Return the unit of time by which all rates among these units are given, or nothing if they name none or several.

    Examples
    --------
    >>> common_time_unit(["1/h", "L/h/kg", "uM"]), common_time_unit(["1/(h cell)", "1/d"]), common_time_unit(["d^-1"])
    ('h', '', 'd')
    """
    named: set[str] = set()
    for unit in units:
        divided = re.findall(r"[A-Za-z]+", unit.partition("/")[2])
        inverse = re.findall(r"([A-Za-z]+)\s*(?:\^|\*\*)\s*-1", unit)
        named |= {TIME_UNITS[word] for word in divided + inverse if word in TIME_UNITS}
    return named.pop() if len(named) == 1 else ""
