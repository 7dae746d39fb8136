"""Meshes of time for leaps: steps of equal shares of what the rate equations relax, nested from level to level."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsim.ensemble.pilot import pilot_drift, typical_network
from jaxsim.ensemble.request import Request, prepare
from jaxsim.errors import SimulationError
from jaxsim.estimation.question import Question
from jaxsim.kernels.context import context
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Owner
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import timed_executable

RELAXATION = 0.5  # of the fastest mode, that a step of the coarsest mesh holds; an explicit leap is stable up to 2
_FEWEST = 8  # steps of the coarsest mesh
EVEN = 0.5  # of the mean rate of relaxation, that counts everywhere, so that no step is very long
_RELATIVE, _ABSOLUTE = 1e-4, 1e-2  # tolerances of the solver
_MOST_POINTS = 400  # at which the rates of relaxation are looked at, in each part


class Relaxation(NamedTuple):
    """How much relaxes between the moments at which species are given doses."""

    times: list[Float[np.ndarray, " k"]]
    """Of each part, from its start to its end."""
    relaxed: list[Float[np.ndarray, " k"]]
    """Integral of the rate of relaxation, in units of RELAXATION, since the part began."""


def relaxation_course(question: Question, device: jax.Device) -> tuple[Relaxation, float]:
    """Follow the rate equations and return how fast they relax along the way, and the seconds that compiling took.

    Raises
    ------
    SimulationError
        If they cannot be followed to the end.
    """
    given = Request(
        times=[question.at],
        schedule=question.schedule,
        method="tau_leap",  # whose cells end where rates jump, and resolve what varies
        start=question.start,
        precision="float64",
        cells=0,
    )
    with double_precision():
        program, inputs = prepare(typical_network(question.network), given, device.platform)
        word = jnp.zeros((1,), jnp.uint32)
        known = context(program, inputs, Owner(jnp.zeros((1,), jnp.int32), word, word, word, {}))
        held = jax.device_put((inputs, known), device)
    edges = np.asarray(inputs.timeline.edges)
    y = np.array([float(inputs.initial[name]) for name in program.structure.species])
    example = _Place(held[0], held[1], np.float64(0.0), np.int32(0), y)
    (slope, first), (jacobian, second) = (
        timed_executable(run, program, example, device) for run in (_slope, _jacobian)
    )
    times, rates, marks = [], [], [edges[0]]
    for cell in range(len(edges) - 1):
        multiply, add = np.asarray(inputs.timeline.multiply)[cell], np.asarray(inputs.timeline.add)[cell]
        if np.any(multiply != 1) or np.any(add != 0):
            y = multiply * y + add
            marks.append(edges[cell])
        if edges[cell + 1] <= edges[cell]:
            continue
        t, path = _leg(partial(_at, slope, held, cell), edges[cell : cell + 2], y)
        y = path[-1]
        found = [_at(jacobian, held, cell, a, b) for a, b in zip(t, path, strict=True)]
        times.append(t)
        rates.append(np.array([np.abs(np.linalg.eigvals(matrix)).max() for matrix in found]))
    return _parts(np.concatenate(times), np.concatenate(rates), [*marks, edges[-1]]), first + second


class _Place(NamedTuple):
    """Where the rate equations are looked at."""

    inputs: Any
    known: Any
    t: Any
    cell: Any
    y: Any


def _slope(program: Program, place: _Place) -> Any:
    return pilot_drift(program, *place)


def _jacobian(program: Program, place: _Place) -> Any:
    return jax.jacfwd(lambda y: pilot_drift(program, *place[:4], y))(place.y)


def _at(call: Callable[..., Any], held: tuple[Any, ...], cell: int, t: float, y: np.ndarray) -> np.ndarray:
    return np.asarray(call(_Place(held[0], held[1], np.float64(t), np.int32(cell), np.asarray(y, np.float64))))


def _leg(slope: Callable[..., Any], ends: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return times and counts from one edge to the next, where the solver stepped; it counts from the first edge."""
    from scipy.integrate import solve_ivp

    start, span = ends[0], (0.0, ends[1] - ends[0])
    found = solve_ivp(lambda gone, y: slope(start + gone, y), span, y, "LSODA", rtol=_RELATIVE, atol=_ABSOLUTE)
    if not (found.success and np.all(np.isfinite(found.y))):
        raise SimulationError(
            f"the rate equations cannot be followed past t = {start + found.t[-1]:g}, and the lengths of leaps are "
            f"taken from them; use js.simulate"
        )
    kept = np.unique(np.linspace(0, found.t.size - 1, _MOST_POINTS).round().astype(int))
    return start + found.t[kept], np.maximum(found.y.T[kept], 0.0)


def _parts(times: np.ndarray, rates: np.ndarray, marks: list[float]) -> Relaxation:
    """Cut the course at the marks and integrate."""
    span = marks[-1] - marks[0]
    rates = np.nan_to_num(rates, nan=0.0, posinf=0.0)
    middle = 0.5 * (rates[1:] + rates[:-1])
    rates = rates + EVEN * float(np.sum(middle * np.diff(times))) / span + _FEWEST * RELAXATION / span / (1.0 + EVEN)
    inside, relaxed = [], []
    stops = np.unique(marks)
    for left, right in pairwise(stops):
        t = np.unique(np.concatenate([[left], times[(times > left) & (times < right)], [right]]))
        rate = np.interp(t, times, rates)
        inside.append(t)
        relaxed.append(np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(t))]) / RELAXATION)
    return Relaxation(inside, relaxed)


def mesh(course: Relaxation, refined: int) -> Float[np.ndarray, " edges"]:
    """Return the edges of the coarsest mesh with every step cut in `refined` parts of equal relaxation.

    Examples
    --------
    >>> even = Relaxation([np.array([0.0, 1.0])], [np.array([0.0, 1.9])])
    >>> mesh(even, 1).round(9).tolist(), mesh(even, 2).round(9).tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.25, 0.5, 0.75, 1.0])
    """
    parts = [course.times[0][:1]]
    for times, relaxed in zip(course.times, course.relaxed, strict=True):
        number = max(1, int(np.ceil(relaxed[-1] * (1 - 1e-9))))
        shares = np.arange(1, number * refined + 1) / (number * refined)
        edges = np.interp(shares * relaxed[-1], relaxed, times)
        edges[-1] = times[-1]
        parts.append(edges)
    return np.concatenate(parts)
