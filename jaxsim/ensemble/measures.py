"""Which accumulators a request needs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsim.errors import NetworkError, SimulationError, closest
from jaxsim.network import Expression, Name, Structure, names, parse
from jaxsim.statistics import Covariance, Histogram, Moments, Observables, Passage, Quantiles, Reduction


def chosen_statistics(structure: Structure, request: Any, times: int) -> tuple[Any, ...]:
    """Return the accumulators of a request; mean and variance always come first."""
    species = len(structure.species)
    chosen: list[Any] = [Moments(times, species)]
    if structure.observables or structure.variables:
        chosen.append(_observables(structure, times))
    if request.covariance:
        chosen.append(Covariance(times, species))
    for name, bins in request.histograms.items():
        chosen.append(_histogram(structure, name, bins, times))
    if len(request.quantiles):
        chosen.append(Quantiles(times, species, _probabilities(request.quantiles)))
    if request.passages:
        chosen.append(Passage(tuple(request.passages), times))
    for name, function in request.reductions.items():
        if not callable(function):
            raise SimulationError(f"reduction '{name}' is not a function; give one of states [time, species]")
        chosen.append(Reduction(name, function, times, species))
    return tuple(chosen)


def passage_conditions(structure: Structure, passages: Mapping[str, str]) -> tuple[tuple[str, Expression], ...]:
    """Read the conditions whose first time is wanted."""
    known = {*structure.species, *structure.parameters, *structure.variables}
    conditions = []
    for name, text in passages.items():
        condition = parse(text) if isinstance(text, str) else text
        unknown = sorted(names(condition) - known)
        if unknown:
            raise NetworkError(
                f"passage '{name}' reads '{unknown[0]}', which is no species or parameter{closest(unknown[0], known)}"
            )
        conditions.append((name, condition))
    return tuple(conditions)


def _observables(structure: Structure, times: int) -> Observables:
    for name, expression in structure.observables:
        driven = sorted(names(expression) & set(structure.inputs))
        if driven:
            raise SimulationError(
                f"observable '{name}' reads the input '{driven[0]}', which is not saved; "
                f"leave it out and use js.concentration for the input"
            )
    variables = tuple((name, Name(name)) for name in structure.variables)
    return Observables((*structure.observables, *variables), structure.species, times, structure.variables)


def _histogram(structure: Structure, name: str, bins: Any, times: int) -> Histogram:
    if name not in structure.species:
        raise SimulationError(f"there is no species '{name}' for a histogram{closest(name, structure.species)}")
    low, high, width = (0, bins, 1) if isinstance(bins, (int, np.integer)) else (*bins, 1)[:3]
    if not (float(low).is_integer() and float(high).is_integer() and float(width).is_integer()):
        raise SimulationError(f"the histogram of '{name}' has bounds {bins!r}; give whole numbers (low, high, width)")
    if width < 1 or high <= low:
        raise SimulationError(f"the histogram of '{name}' has no bins in {bins!r}; give low < high and width >= 1")
    number = -(-(int(high) - int(low)) // int(width))
    return Histogram(name, structure.species.index(name), times, int(low), int(width), number)


def _probabilities(values: Any) -> tuple[float, ...]:
    for value in values:
        if not 0 < float(value) < 1:
            raise SimulationError(f"the quantile {value!r} is not between 0 and 1; give probabilities such as 0.05")
    return tuple(float(value) for value in values)
