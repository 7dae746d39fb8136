"""A pilot: the approximate course of the rate equations, by which a method is chosen.

Source of the solver: Petzold, SIAM J. Sci. Stat. Comput. 4 (1983) 136 (LSODA, which notices stiffness by itself).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.ensemble.prepare import median
from jaxsim.kernels import Inputs, Program
from jaxsim.kernels.context import Context
from jaxsim.kernels.leaping.leap import all_rates, state_at
from jaxsim.network import Network, evaluate, is_distribution
from jaxsim.runtime.double import double_precision

_POINTS = 64  # along the time of the simulation, equally spaced
EVALUATIONS = 5_000  # of the slope, after which the pilot stays where it has come to
_RELATIVE, _ABSOLUTE = 1e-3, 0.1  # tolerances of the solver, the latter in molecules


class Pilot(NamedTuple):
    """Points along the course of the rate equations; fewer if the solver gave up."""

    t: np.ndarray
    cell: np.ndarray
    """int32 [K]: cell of time that holds each point."""
    x: np.ndarray
    """float64 [K, S]: counts."""


class _Exhausted(Exception):
    """The slope has been evaluated as often as the pilot may."""


def fly(program: Program, inputs: Inputs, given: Context) -> Pilot:
    """Follow the rate equations of a network without distributions from start to end, through doses and cells.

    Effects enter by their value at the present counts, a binomial one by its mean.
    """
    edges = np.asarray(inputs.timeline.edges)
    held, known = jax.device_put((inputs, given))
    grid = np.unique(np.linspace(edges[0], edges[-1], _POINTS + 1)[:-1] + (edges[-1] - edges[0]) / (2 * _POINTS))
    y = np.array([float(inputs.initial[name]) for name in program.structure.species])
    calls = [0]

    def slope(t: float, y: np.ndarray, cell: int) -> np.ndarray:
        calls[0] += 1
        if calls[0] > EVALUATIONS:
            raise _Exhausted
        return np.asarray(pilot_drift(program, held, known, np.float64(t), np.int32(cell), y), np.float64)

    parts: list[tuple[np.ndarray, int, np.ndarray]] = [(edges[:1], 0, _dosed(inputs, 0, y)[None])]
    for cell in range(len(edges) - 1):
        inside = grid[(grid >= edges[cell]) & (grid < edges[cell + 1])]
        found = _leg(partial(slope, cell=cell), edges[cell : cell + 2], _dosed(inputs, cell, y), inside)
        if found is None:
            break
        parts.append((inside, cell, found[:-1]))
        y = found[-1]
    t, x = np.concatenate([part[0] for part in parts]), np.concatenate([part[2] for part in parts])
    cells = np.concatenate([np.full(len(part[0]), part[1], np.int32) for part in parts])
    return Pilot(t, cells, np.maximum(x, 0.0)) if len(t) == 1 else Pilot(t[1:], cells[1:], np.maximum(x[1:], 0.0))


def _leg(slope: Callable[..., Any], ends: np.ndarray, y: np.ndarray, points: np.ndarray) -> np.ndarray | None:
    """Return the counts at the points of one cell and at its end; None if the solver gave up.

    The solver counts time from the start of the cell, so that its steps are resolved far from zero.
    """
    from scipy.integrate import solve_ivp

    if ends[1] <= ends[0]:
        return np.array([y])
    start, times = ends[0], np.append(points, ends[1]) - ends[0]
    try:
        with double_precision():
            since = partial(_since, slope, start)
            found = solve_ivp(since, (0.0, times[-1]), y, "LSODA", times, rtol=_RELATIVE, atol=_ABSOLUTE)
    except _Exhausted:
        return None
    sound = found.success and found.y.shape[1] == len(times) and bool(np.all(np.isfinite(found.y)))
    return np.asarray(found.y.T) if sound else None


def _since(slope: Callable[..., Any], start: float, gone: float, y: np.ndarray) -> np.ndarray:
    return np.asarray(slope(start + gone, y))


def _dosed(inputs: Inputs, cell: int, y: np.ndarray) -> np.ndarray:
    return np.asarray(inputs.timeline.multiply)[cell] * y + np.asarray(inputs.timeline.add)[cell]


@partial(jax.jit, static_argnums=0)
def pilot_drift(program: Program, inputs: Inputs, given: Context, t: Array, cell: Array, y: Array) -> Any:
    """Return how fast each mean count changes at counts y [S], time t and in a cell: float64 [S]."""
    structure = program.structure
    x = [jnp.maximum(value, np.float64(0.0)).astype(program.real)[None] for value in y]
    state = state_at(program, inputs, given, x, cell[None], t[None])
    rates = all_rates(program, state)
    change = {name: jnp.zeros((1,), jnp.float64) for name in structure.species}
    for reaction, a in zip(structure.reactions, rates, strict=True):
        for name, by in reaction.changes.items():
            change[name] = change[name] + np.float64(by) * a.astype(jnp.float64)
        for name, value in reaction.effects:
            present = {key: jnp.asarray(v).astype(jnp.float64) for key, v in state.items()}
            becomes = jnp.asarray(evaluate(value, present, lambda n, p: n * p)).astype(jnp.float64)
            change[name] = change[name] + (becomes - present[name]) * a.astype(jnp.float64)
    return jnp.concatenate([change[name] for name in structure.species])


# A network with every distribution at its median: where a method looks before it is chosen or its step set.


def typical_network(network: Network) -> Network:
    """Return the network with parameters and initial counts at their medians.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": js.Poisson(7.0)}, ["X -> , d"], {"d": js.Lognormal(0.5, 1.0)})
    >>> typical_network(net).initial["X"], round(typical_network(net).parameters["d"], 6)
    (7, 0.5)
    """
    parameters, initial = _medians(network.parameters), _medians(network.initial)
    return network.with_parameters(**parameters).with_initial(**{k: round(v) for k, v in initial.items()})


def _medians(values: Any) -> dict[str, float]:
    drawn = {name: value for name, value in values.items() if is_distribution(value)}
    return {name: median(value) for name, value in drawn.items()}
