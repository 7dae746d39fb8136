"""Warn of what a request says without effect: it is likely to be a slip, and the result would not show it."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxsim.ensemble.grid import as_grid
from jaxsim.errors import NoEffectWarning
from jaxsim.network import Network, names, parse

SHOWN = 3


def warn_of_no_effect(network: Network, request: Any) -> None:
    """Warn, in one sentence each, of parameters that nothing reads, inputs without doses and doses after the end."""
    for sentence in (*_parameters(network, request), *_inputs(network, request), *_doses(request)):
        warnings.warn(sentence, NoEffectWarning, stacklevel=4)  # the caller of js.simulate


def _parameters(network: Network, request: Any) -> Iterator[str]:
    structure, read = network.structure, set[str]()
    for reaction in structure.reactions:
        read |= names(reaction.rate).union(*(names(value) for _, value in reaction.effects))
    for event in structure.events:
        read |= names(event.trigger).union(*(names(value) for _, value in event.set))
    for _, value in structure.observables:
        read |= names(value)
    for condition in request.passages.values():
        read |= names(parse(condition)) if isinstance(condition, str) else set()
    unread = [name for name in network.parameters if name not in read]
    if unread:
        more = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
        shown = ", ".join(f"'{name}'" for name in unread[:SHOWN])
        yield f"no rate, event or observable reads the parameter{'s' if len(unread) > 1 else ''} {shown}{more}"


def _inputs(network: Network, request: Any) -> Iterator[str]:
    dosed = [name for name, value in network.inputs.items() if not isinstance(value, (int, float, np.number))]
    if request.schedule is None and dosed:
        yield (
            f"the input '{dosed[0]}' stays at its baseline, since no schedule doses it; "
            f"give schedule=js.Schedule({dosed[0]}=...), or schedule=js.Schedule() if that is meant"
        )


def _doses(request: Any) -> Iterator[str]:
    if request.schedule is None:
        return
    end = float(as_grid(request.times)[-1])
    for agent, entries in request.schedule.items():
        late = [time for entry in entries for time in entry.starts(np) if time > end]
        if late:
            yield f"the dose of '{agent}' at {late[0]:g} h comes after the end at {end:g} and changes nothing"
