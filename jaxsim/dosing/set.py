"""Setting a species to a value at given times."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from jaxtyping import Float

from . import units
from .entry import instants, numbers, phrase, settled
from .namespace import floats
from .pytree import register


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
        settled(self, "value", "a setting")
        settled(self, "at", "a setting", series=True)

    def __repr__(self) -> str:
        unit = "" if self.time_unit == "h" else f", time_unit={self.time_unit!r}"
        return f"Set({phrase(self.value)}, at={phrase(self.at)}{unit})"

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
