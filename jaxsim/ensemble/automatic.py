"""Method "auto": which method of whole counts serves a network best, and why.

The choice is a function of the request alone. The rate equations, followed once (`pilot.py`), say how many events
there will be and how long leaps could be along the way; leaping is chosen where it costs at most half of what
simulating every event does.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.ensemble.pilot import fly, typical_network
from jaxsim.ensemble.request import Request, prepare
from jaxsim.kernels.context import context
from jaxsim.kernels.leaping.forecast import Forecast, forecast
from jaxsim.kernels.leaping.hybrid import LARGE_COUNT
from jaxsim.kernels.leaping.step import Leaping
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Owner
from jaxsim.network import Network
from jaxsim.runtime.double import double_precision

_WORTH = 2.0  # times cheaper than exact simulation that leaping has to be
_OFTEN = 0.1  # share of the time for which a small population asks for the hybrid method
_MOST_POINTS = 9  # design points that are looked at
_PLAIN, MIXED = "trapezoidal_tau_leap", "hybrid"


class Choice(NamedTuple):
    """A method and the reason for it, a clause."""

    method: str
    reason: str


def choose_method(networks: Sequence[Network], request: Request, backend: str) -> Choice:
    """Choose one method for all design points of a request."""
    if networks[0].structure.events:
        return Choice("direct", "leaps would look at state-triggered events only between one another")
    places = np.unique(np.linspace(0, len(networks) - 1, _MOST_POINTS).round().astype(int))
    looks = [_look(networks[place], request, backend) for place in places]
    return choice({method: _sum([look[method] for look in looks]) for method in (_PLAIN, MIXED)})


def choice(forecasts: dict[str, Forecast]) -> Choice:
    """Decide from what is forecast for both ways of leaping."""
    plain = forecasts[_PLAIN]
    small = [name for name, share in plain.small.items() if share >= _OFTEN]
    method = MIXED if small or _WORTH * plain.leap_cost > plain.exact_cost else _PLAIN
    chosen = forecasts[method]
    if chosen.events == 0:
        return Choice("direct", "along the rate equations nothing happens")
    holds = (
        f"along the rate equations an iteration of leaps would hold {_number(chosen.events / chosen.iterations)} events"
    )
    costs = f"and costs as much as {_number(chosen.multiple)}"
    if _WORTH * chosen.leap_cost > chosen.exact_cost:
        return Choice("direct", f"{holds} {costs}, so leaping does not pay")
    if small:
        named = ", ".join(f"'{name}'" for name in small[:3]) + (f" and {len(small) - 3} more" if len(small) > 3 else "")
        verb = "is" if len(small) == 1 else "are"
        return Choice(
            method, f"{holds} {costs}; {named} {verb} below {LARGE_COUNT} molecules for a tenth of the time or more"
        )
    if method == MIXED:
        return Choice(method, f"{holds} {costs}, leaping over fast reactions that balance")
    return Choice(method, f"{holds} {costs}, and no population stays below {LARGE_COUNT} molecules")


def _number(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{float(f'{value:.2g}'):,.0f}"


def _look(network: Network, request: Request, backend: str) -> dict[str, Forecast]:
    """Forecast the cost of leaping at one design point, with distributions at their medians."""
    given = replace(request, method=MIXED, keep=None)
    with double_precision():
        program, inputs = prepare(typical_network(network), given, backend)
        word = jnp.zeros((1,), jnp.uint32)
        known = context(program, inputs, Owner(jnp.zeros((1,), jnp.int32), word, word, word, {}))
        pilot = fly(program, inputs, known)
        return {
            method: forecast(_leaping_by(program, method), inputs, known, pilot.t, pilot.cell, pilot.x)
            for method in (_PLAIN, MIXED)
        }


def _leaping_by(program: Program, method: str) -> Program:
    return replace(program, stepper=Leaping(method, False, method == MIXED))


def _sum(found: list[Forecast]) -> Forecast:
    """Add the forecasts of several design points; a population is as small as at the point where it is smallest."""
    small = {name: max(one.small[name] for one in found) for name in found[0].small}
    events, iterations, exact, leaped = (
        sum(getattr(one, field) for one in found) for field in ("events", "iterations", "exact_cost", "leap_cost")
    )
    return Forecast(events, iterations, exact, leaped, found[0].multiple, small)


def for_choice(request: Request, chosen: Choice) -> Request:
    """Return the request for the method that was chosen."""
    return replace(request, method=chosen.method, tolerance=None if chosen.method == "direct" else request.tolerance)
