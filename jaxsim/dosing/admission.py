"""What a schedule may ask of a network over a span of time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ScheduleError, closest
from .disposition import Disposition
from .dose import Dose
from .entry import numbers
from .namespace import floats, traced
from .schedule import Schedule
from .set import Set

LARGEST = 2**31 - 1  # counts are int32


def check_span(t0: Any, t_end: Any, cells: int, variation: Any) -> None:
    """Refuse a span or a request for cells that makes no sense.

    Raises
    ------
    ScheduleError
        If the end is before the start, a number is not finite, or there are fewer than 0 cells.

    Examples
    --------
    >>> check_span(1.0, 0.0, 0, None)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: a timeline cannot run from 1 to 0 h; end it after its start.
    """
    if not traced(t0, t_end) and not (np.isfinite(t0) and np.isfinite(t_end) and t0 <= t_end):
        raise ScheduleError(f"a timeline cannot run from {float(t0):g} to {float(t_end):g} h; end it after its start.")
    if cells < 0:
        raise ScheduleError(f"the number of thinning cells cannot be {cells}; give 0 or more.")
    if variation is None:
        return
    if np.ndim(variation) != 1 or len(variation) == 0:
        raise ScheduleError(f"variation has shape {np.shape(variation)}; give one slope for each part of the span.")
    if not traced(variation) and not np.all(np.isfinite(floats(np, variation))):
        raise ScheduleError("variation holds a slope that is not finite; give finite slopes of the rates.")


def check_schedule(network: Any, schedule: Schedule, t0: Any) -> None:
    """Refuse a schedule that the network cannot take.

    Raises
    ------
    ScheduleError
        Naming the agent: unknown, given before the start, or given in a form that its species or input does not take.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> network = SimpleNamespace(structure=SimpleNamespace(species=("tumour",), inputs=()), inputs={})
    >>> check_schedule(network, Schedule(tumor=Dose(1)), 0.0)
    Traceback (most recent call last):
    jaxsim.errors.ScheduleError: 'tumor' is neither a species nor an input of the network; did you mean 'tumour'?
    """
    species, inputs = network.structure.species, network.structure.inputs
    for name in inputs:
        _check_driven(name, network.inputs[name])
    for agent, entries in schedule.items():
        if agent in inputs:
            _check_input(agent, network.inputs[agent], entries)
        elif agent in species:
            _check_species(agent, entries)
        else:
            hint = closest(agent, (*species, *inputs)) or "; name one of these."
            raise ScheduleError(f"'{agent}' is neither a species nor an input of the network{hint}")
        for entry in entries:
            if not traced(entry.at, t0) and (first := entry.starts(np).min()) < t0:
                start = f"before the start at {float(t0):g} h"
                raise ScheduleError(f"'{agent}' is given at {first:g} h, {start}; start earlier or move it.")


def _check_driven(name: str, driven: Any) -> None:
    if isinstance(driven, Disposition) or traced(driven):
        return
    try:
        finite = np.ndim(driven) == 0 and np.isfinite(float(driven))
    except (TypeError, ValueError) as cause:
        raise ScheduleError(f"input '{name}' is {driven!r}; make it a number or a disposition.") from cause
    if not finite:
        raise ScheduleError(f"input '{name}' is {driven!r}; make it a finite number or a disposition.")


def _check_input(agent: str, driven: Any, entries: Sequence[Dose | Set]) -> None:
    if any(isinstance(entry, Set) for entry in entries):
        raise ScheduleError(f"'{agent}' is an input and cannot be set; give it a Dose.")
    if not isinstance(driven, Disposition):
        raise ScheduleError(f"'{agent}' is a constant input and cannot be dosed; give it a disposition.")


def _check_species(agent: str, entries: Sequence[Dose | Set]) -> None:
    for entry in entries:
        if isinstance(entry, Dose) and entry.unit not in ("", "molecules"):
            raise ScheduleError(f"'{agent}' is a species and takes molecules, not '{entry.unit}'; leave the unit out.")
        if isinstance(entry, Dose) and entry.duration is not None:
            raise ScheduleError(f"'{agent}' is a species and cannot be infused; write a reaction driven by an input.")
        amount = numbers(entry.amount if isinstance(entry, Dose) else entry.value)
        if traced(amount):
            continue
        for number in np.atleast_1d(floats(np, amount)):
            if number != np.round(number) or number > LARGEST:
                whole = f"give a whole number up to {LARGEST}"
                raise ScheduleError(f"'{agent}' is a species and cannot take {number:g} molecules; {whole}.")
