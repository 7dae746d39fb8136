"""Values of a study file: numbers, and distributions by name."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from jaxsim.errors import StudyError, closest
from jaxsim.random import Bernoulli, Lognormal, Normal, Poisson, Uniform

LAWS: dict[str, type] = {
    "lognormal": Lognormal,
    "normal": Normal,
    "uniform": Uniform,
    "bernoulli": Bernoulli,
    "poisson": Poisson,
}


def read_values(section: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers as they are and tables with a `law` as distributions.

    Examples
    --------
    >>> read_values("parameters", {"k": 2, "cv": {"law": "lognormal", "median": 1.0, "cv": 0.3}})
    {'k': 2, 'cv': Lognormal(median=1.0, cv=0.3)}
    """
    return {name: _value(f"{section}.{name}", value) for name, value in given.items()}


def _value(place: str, value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if not isinstance(value, dict):
        raise StudyError(
            f"'{place}' is no number; give one, or a table such as {{law = 'lognormal', median = 1, cv = 0.3}}"
        )
    name = value.get("law")
    if not isinstance(name, str) or name not in LAWS:
        raise StudyError(f"'{place}' has the law {name!r}{closest(str(name), LAWS)}; choose from {', '.join(LAWS)}")
    wanted = [field.name for field in fields(LAWS[name])]
    found = {key: number for key, number in value.items() if key != "law"}
    if set(found) != set(wanted) or not all(_is_number(number) for number in found.values()):
        raise StudyError(f"'{place}' is a {name} law, which takes the numbers {', '.join(wanted)} and nothing else")
    return LAWS[name](**found)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
