"""What is asked of an estimate, checked: a network, a quantity of its state, a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsim.ensemble.double import double_precision
from jaxsim.ensemble.grid import refuse_unresolved
from jaxsim.ensemble.request import Request, check, prepare
from jaxsim.errors import NetworkError, SimulationError, closest
from jaxsim.kernels import Inputs, Program
from jaxsim.network import Expression, Network, names, parse, substitute, to_string

USUAL_STEPS = 1024  # of the finer meshes


@dataclass(frozen=True)
class Question:
    """A mean that is to be estimated."""

    network: Network
    quantity: Expression
    """Of species and parameters; observables are written out."""
    text: str
    """The quantity as it was asked for."""
    at: float
    start: float
    schedule: Any
    program: Program
    """Of the exact method, single precision."""
    inputs: Inputs


def ask(network: Any, quantity: Any, at: Any, schedule: Any, start: float, seed: Any, backend: str) -> Question:
    """Check what is asked.

    Raises
    ------
    JaxsimError
        In one sentence, if the network, the quantity or the time does not serve.
    """
    if not isinstance(network, Network):
        raise SimulationError(f"estimate takes a js.Network, not a {type(network).__name__}")
    _refuse(network)
    expression = read_quantity(network, quantity)
    if isinstance(at, bool) or not isinstance(at, (int, float, np.integer, np.floating)):
        raise SimulationError(f"at is {at!r}; give one time")
    request = Request(times=[at], seed=seed, schedule=schedule, start=float(start))
    check(request)
    if not float(start) < float(at):
        raise SimulationError(f"at is {at!r}, and nothing has happened by the start at {start:g}; give a later time")
    refuse_unresolved((float(at) - float(start)) / USUAL_STEPS, float(start), float(at))
    with double_precision():
        program, inputs = prepare(network, request, backend)
    if program.reason:
        raise SimulationError(
            f"{program.reason}, and js.estimate computes rates in single precision; "
            f"choose units in which rates and constants are nearer to 1, or average trajectories of js.simulate"
        )
    text = quantity if isinstance(quantity, str) else to_string(quantity)
    return Question(network, expression, text, float(at), float(start), schedule, program, inputs)


def read_quantity(network: Network, quantity: Any) -> Expression:
    """Return the quantity as an expression of species and parameters.

    Raises
    ------
    NetworkError
        If it reads anything else.

    Examples
    --------
    >>> net = Network({"A": 9}, ["A -> , k"], {"k": 1.0}, observables={"twice": "2*A"})
    >>> to_string(read_quantity(net, "twice + k"))
    '2*A + k'
    """
    structure = network.structure
    expression = parse(quantity) if isinstance(quantity, str) else quantity
    if not isinstance(expression, Expression):
        raise SimulationError(
            f"the quantity is a {type(quantity).__name__}; give an expression such as 'A' or 'A >= 5'"
        )
    expression = substitute(expression, dict(structure.observables))
    known = (*structure.species, *structure.parameters)
    for name in sorted(names(expression) - set(known)):
        near = closest(name, (*known, *(name for name, _ in structure.observables)))
        raise NetworkError(
            f"the quantity '{quantity}' reads '{name}', which is no species, parameter or observable{near}"
        )
    return expression


def _refuse(network: Network) -> None:
    """Refuse what coupled trajectories do not follow, by name."""
    structure, remedy = network.structure, "average trajectories of js.simulate instead"
    if not structure.reactions:
        raise SimulationError("the network has no reactions; nothing would happen")
    if structure.events:
        raise SimulationError(f"js.estimate does not follow the event '{structure.events[0]}'; {remedy}")
    if structure.variables:
        raise SimulationError(f"js.estimate does not keep the variable '{structure.variables[0]}'; {remedy}")
    for reaction in structure.reactions:
        if reaction.effects:
            raise SimulationError(
                f"reaction '{reaction}' sets species by an effect, and js.estimate couples only changes by a fixed "
                f"number of molecules; {remedy}"
            )
