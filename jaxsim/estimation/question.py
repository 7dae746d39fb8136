"""The question of an estimate, checked: a network, a quantity of its state, a time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxsim.ensemble.request import Request, check_request, prepare, refuse_unresolved
from jaxsim.errors import NetworkError, SimulationError, closest
from jaxsim.estimation.sums import CONFIDENCE
from jaxsim.kernels import Inputs, Program
from jaxsim.network import Expression, Network, names, parse, substitute, to_string
from jaxsim.runtime.double import double_precision

_USUAL_STEPS = 1024  # of the finer meshes


@dataclass(frozen=True, kw_only=True)
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
    check_request(request)
    if not float(start) < float(at):
        raise SimulationError(f"at is {at!r}, and nothing has happened by the start at {start:g}; give a later time")
    refuse_unresolved((float(at) - float(start)) / _USUAL_STEPS, float(start), float(at))
    with double_precision():
        program, inputs = prepare(network, request, backend)
    if program.reason:
        raise SimulationError(
            f"{program.reason}, and js.estimate computes rates in single precision; "
            f"choose units in which rates and constants are nearer to 1, or average trajectories of js.simulate"
        )
    text = quantity if isinstance(quantity, str) else to_string(quantity)
    return Question(
        network=network,
        quantity=expression,
        text=text,
        at=float(at),
        start=float(start),
        schedule=schedule,
        program=program,
        inputs=inputs,
    )


def read_quantity(network: Network, quantity: int | str) -> Expression:
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


# How accurate an estimate is to be, and what it may cost.

ROUNDING = 2.0**-23  # of the value, that single precision of rates and slopes may be off by
_FINEST = 2e-6  # of the value, below which rounding would be a good part of the error
MARGIN = 0.9  # of the wanted half-width that is planned for, because variances are estimates


class Wish(NamedTuple):
    """A half-width, relative to the mean or absolute."""

    relative: float | None
    absolute: float | None
    limit_seconds: float

    def half_width(self, value: float) -> float:
        """Return the half-width that is wanted about a value."""
        return self.absolute if self.absolute is not None else (self.relative or 0.0) * abs(value)

    def target(self, value: float, bias: float = 0.0) -> float:
        """Return the variance of the estimate to plan for."""
        from scipy.stats import norm

        if 0 < self.half_width(value) < _FINEST * abs(value):
            raise SimulationError(
                f"an error of {self.half_width(value):.2g} is less than {_FINEST:g} of the value, {value:.7g}, and "
                f"rates are computed in single precision; ask for a larger error"
            )
        error = MARGIN * max(self.half_width(value) - bias, 0.0) / float(norm.ppf(0.5 + CONFIDENCE / 2))
        return error**2

    def refuse_above_limit(self, nanoseconds: float) -> None:
        """Refuse an estimate that would cost too much."""
        if not nanoseconds * 1e-9 <= self.limit_seconds:
            raise SimulationError(
                f"this error takes about {nanoseconds * 1e-9:,.0f} processor seconds, more than limit_seconds="
                f"{self.limit_seconds:g}; ask for a larger error, or raise the limit"
            )


def read_wish(relative: float, absolute: float | int | None, limit: float | int) -> Wish:
    """Check the arguments.

    Examples
    --------
    >>> read_wish(0.01, None, 60).half_width(-50.0)
    0.5
    """
    if absolute is not None:
        return Wish(None, _positive("absolute_error", absolute), _positive("limit_seconds", limit))
    relative = _positive("relative_error", relative)
    if relative >= 1:
        raise SimulationError(f"relative_error is {relative:g}; give a half-width relative to the mean, below 1")
    if relative < _FINEST:
        raise SimulationError(
            f"relative_error is {relative:g}, and rates are computed in single precision; give {_FINEST:g} or more"
        )
    return Wish(relative, None, _positive("limit_seconds", limit))


def _positive(name: str, value: float | int) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not 0 < value < np.inf:
        raise SimulationError(f"{name} is {value!r}; give a positive number")
    return float(value)
