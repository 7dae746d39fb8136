"""The protocol of dispositions, and the pieces that they share."""

from dataclasses import MISSING, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from jaxsim.dosing import units
from jaxsim.dosing.arrays import floats, namespace, traced
from jaxsim.errors import ScheduleError

CONFLUENT = 1e-3  # below this relative gap of two rates the two-exponential form loses three digits to cancellation


@runtime_checkable
class Disposition(Protocol):
    """Turns doses into a concentration: the response to a unit dose is a non-negative sum of exponentials.

    A disposition is a frozen pytree with the units it speaks and one method. A new one is one new file.
    """

    @property
    def dose_unit(self) -> str:
        """What a unit dose is; empty for nominal doses."""
        ...

    @property
    def concentration_unit(self) -> str:
        """What the input is expressed in; empty for dose unit per litre."""
        ...

    @property
    def molar_mass(self) -> Any:
        """g/mol, or None."""
        ...

    @property
    def body_weight(self) -> Any:
        """kg, or None."""
        ...

    @property
    def body_surface(self) -> Any:
        """m2, or None."""
        ...

    def modes(self) -> tuple[Float[Any, " m"], Float[Any, " m"]]:
        """Return amplitudes (concentration unit per dose unit) and rates (1/h) of the response to a unit dose."""
        ...


def dose_factor(disposition: Disposition, unit: str, agent: str) -> Any:
    """Return the factor from a dose in `unit` to the disposition's own dose unit.

    Raises
    ------
    ScheduleError
        If the unit is missing or cannot be converted; the sentence names `agent` and what is needed.

    Examples
    --------
    >>> from jaxsim.dosing import TwoCompartment
    >>> human = TwoCompartment(162.0, 15.0, 42.0, 15.0, dose_unit="mg", body_surface=1.8)
    >>> dose_factor(human, "mg/m2", "gemcitabine")
    1.8
    """
    own = disposition.dose_unit
    if unit == own:
        return 1.0
    if not unit or not own:
        has = f"has the unit '{unit}'" if unit else "has no unit"
        takes = f"'{own}'" if own else "doses without a unit"
        raise ScheduleError(f"the dose of '{agent}' {has} but its disposition takes {takes}; give them the same unit.")
    given, wanted = units.dose_unit(unit), units.dose_unit(own)
    factor = units.between(given, wanted, disposition.molar_mass, f"the dose of '{agent}' in {unit}")
    if given.per == wanted.per:
        return factor
    return factor * _size(disposition, given.per, agent, unit) / _size(disposition, wanted.per, agent, unit)


def _size(disposition: Disposition, per: str, agent: str, unit: str) -> Any:
    if not per:
        return 1.0
    size = getattr(disposition, units.SIZES[per])
    if size is None:
        own = disposition.dose_unit
        raise ScheduleError(f"the dose of '{agent}' in {unit} becomes {own} only with a {units.SIZES[per]}; give it.")
    return size


def unit_factor(disposition: Disposition) -> Any:
    """Return the factor from dose unit per litre to concentration unit (1 where no concentration unit is named).

    Examples
    --------
    >>> from jaxsim.dosing import OneCompartment
    >>> mouse = OneCompartment(1.2, 1.4, dose_unit="mg/kg", concentration_unit="uM", molar_mass=263.2)
    >>> round(unit_factor(mouse), 4)
    3.7994
    """
    name = type(disposition).__name__
    if not disposition.concentration_unit:
        units.dose_unit(disposition.dose_unit)
        return 1.0
    if not disposition.dose_unit:
        raise ScheduleError(f"{name} has a concentration_unit but no dose_unit; give both or neither.")
    given, wanted = units.dose_unit(disposition.dose_unit), units.concentration_unit(disposition.concentration_unit)
    return units.between(given, wanted, disposition.molar_mass, name)


def absorbed(amplitudes: ArrayLike, rates: ArrayLike, absorption_rate: ArrayLike) -> tuple[Any, Any]:
    """Convolve an intravenous response with first-order absorption: one more mode (Bateman 1910).

    Examples
    --------
    >>> amplitudes, rates = absorbed(np.array([1.0]), np.array([1.0]), np.array(3.0))
    >>> amplitudes.tolist(), rates.tolist()
    ([1.5, -1.5], [1.0, 3.0])
    """
    xp = namespace(amplitudes, rates, absorption_rate)
    entering = floats(xp, absorption_rate)
    amplitudes, rates = floats(xp, amplitudes), floats(xp, rates)
    kept = amplitudes * entering / (entering - rates)
    return xp.concatenate([kept, -xp.sum(kept)[None]]), xp.concatenate([rates, entering[None]])


def refuse_confluent(name: str, absorption_rate: float, rates: ArrayLike) -> None:
    """Refuse an absorption rate that nearly equals a rate of disposition.

    Raises
    ------
    ScheduleError
        If they are within 0.1 % of each other. Traced values are not checked.

    Examples
    --------
    >>> refuse_confluent("OneCompartment", 6.0, np.array([1.2]))
    """
    if traced(absorption_rate, rates):
        return
    gap = np.abs(np.asarray(rates, dtype=np.float64) / float(absorption_rate) - 1.0)
    if np.any(gap < CONFLUENT):
        raise ScheduleError(
            f"{name}: absorption_rate {float(absorption_rate):g} is within 0.1 % of a rate of disposition, where the "
            "difference of exponentials cancels; change absorption_rate by 1 %."
        )


def phrase(disposition: Any) -> str:
    """Write a disposition as one would type it: the fields that differ from their defaults.

    Examples
    --------
    >>> from jaxsim.dosing import OneCompartment
    >>> OneCompartment(1.2, 1.4, dose_unit="mg/kg")
    OneCompartment(elimination_rate=1.2, volume=1.4, dose_unit='mg/kg')
    """
    shown = [(field.name, getattr(disposition, field.name), field.default) for field in fields(disposition)]
    written = [f"{name}={value!r}" for name, value, default in shown if default is MISSING or value is not default]
    return f"{type(disposition).__name__}({', '.join(written)})"


def settle(disposition: Any, leaves: tuple[str, ...]) -> None:
    """Check the numbers of a disposition being constructed and store the concrete ones as Python floats.

    Raises
    ------
    ScheduleError
        Naming the first field that is not a positive finite number, or a bioavailability above 1. None and
        traced values are not checked.

    Examples
    --------
    >>> from jaxsim.dosing import OneCompartment
    >>> OneCompartment(1.2, -1.4)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: OneCompartment: volume must be a positive finite number, not -1.4.
    """
    name = type(disposition).__name__
    for field in leaves:
        value = getattr(disposition, field)
        if value is None or traced(value):
            continue
        try:
            number = float(value)
        except (TypeError, ValueError) as cause:
            raise ScheduleError(f"{name}: {field} must be a number, not {value!r}.") from cause
        if not (np.isfinite(number) and number > 0):
            raise ScheduleError(f"{name}: {field} must be a positive finite number, not {value!r}.")
        if field == "bioavailability" and number > 1:
            raise ScheduleError(f"{name}: bioavailability is a fraction of the dose, not {value!r}.")
        object.__setattr__(disposition, field, number)
