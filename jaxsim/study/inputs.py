"""The inputs of a network that a study file writes out: numbers, or how a body handles a drug."""

import inspect
from typing import Any

from jaxsim.dosing import OneCompartment, TwoCompartment
from jaxsim.errors import StudyError, closest


def read_inputs(given: dict[str, Any]) -> dict[str, Any]:
    """Return numbers and dispositions by name: with a ``peripheral_volume`` two compartments, else one.

    Examples
    --------
    >>> read_inputs({"drug": {"elimination_rate": 0.5, "volume": 2.0}, "light": 1.0})
    {'drug': OneCompartment(elimination_rate=0.5, volume=2.0), 'light': 1.0}
    """
    return {name: _input(f"model.inputs.{name}", value) for name, value in given.items()}


def _input(place: str, value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, dict):
        raise StudyError(f"'{place}' is neither a number nor a table; give elimination_rate and volume")
    made = TwoCompartment if "peripheral_volume" in value else OneCompartment
    known = inspect.signature(made).parameters
    for key in value:
        if key not in known:
            raise StudyError(f"'{place}' has the unknown key '{key}'{closest(key, known)}")
    try:
        return made(**value)
    except TypeError as error:
        raise StudyError(f"'{place}' cannot be read: {error}") from error
