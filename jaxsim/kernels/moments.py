"""Moments at which rates jump or bend with the time, found before the way is walked.

A guard that is linear in the time is solved; the moment then is a differentiable function of the parameters. The roots
of any other are isolated by interval arithmetic: a box of time over which the bounds of the guard exclude zero holds
none, and all others are halved until they are as narrow as the clock is fine (Moore, Kearfott & Cloud, Introduction to
Interval Analysis, SIAM 2009, ch. 8). One step of Newton's method then gives a root its derivative, by the theorem of
implicit functions.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float64

from jaxsim.dosing import Timeline
from jaxsim.errors import SimulationError
from jaxsim.network import bounds, evaluate, names
from jaxsim.network.event import linear_in_time
from jaxsim.network.moments import TimeSwitch

ROOM = 64  # roots of a guard that is not linear, to begin with
_GROWTH = 16  # of the room, when it does not do
_MOST = 1 << 14  # roots that are followed at all
TRACED = 256  # roots where their number cannot be found out beforehand
_HALVINGS = 53  # of a box, after which it is as narrow as the clock is fine
_NEAR = 1e-9  # of the span, within which a step of Newton's method stays


class TimeMoments(NamedTuple):
    """The moments of all switches."""

    times: Float64[Array, " M"]
    """Ascending; the end of the timeline stands for none."""
    fits: Bool[Array, ""]
    """Whether there was room for all."""


class _Course(NamedTuple):
    """What guards read."""

    inputs: tuple[str, ...]
    parameters: Mapping[str, Any]
    """Float64 scalars."""
    timeline: Timeline


class _Boxes(NamedTuple):
    """Boxes of time that may hold a root."""

    low: Any
    high: Any
    inner: dict[str, Any]
    """Branches of the inner switches in each."""
    kept: Any
    fits: Any


def find_moments(
    switches: Sequence[TimeSwitch],
    inputs: tuple[str, ...],
    parameters: Mapping[str, Any],
    timeline: Timeline,
    room: int = ROOM,
) -> TimeMoments:
    """Find all moments of the switches between the ends of a timeline.

    Parameters
    ----------
    switches
        Inner ones first.
    inputs
        Names of the inputs of the timeline.
    parameters
        Numbers that the guards read, traced or not.
    timeline
        Without the moments.
    room : int
        Roots of each guard that is not linear in the time.

    Returns
    -------
    Moments
        Differentiable in parameters and timeline. Call within ``jax.enable_x64(True)``.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from jaxsim.dosing import build_timeline
    >>> from jaxsim.network import parse
    >>> from jaxsim.network.moments import smooth
    >>> network = SimpleNamespace(structure=SimpleNamespace(species=(), inputs=()), inputs={})
    >>> rate = smooth([parse("if(t - 24*floor(t/24) < b, 1, 0)")], frozenset("t"), frozenset("b"))
    >>> with jax.enable_x64(True):
    ...     found = find_moments(rate.switches, (), {"b": 2.0}, build_timeline(network, None, 0.0, 48.0))
    ...     sorted(set(found.times.round(9).tolist()))
    [2.0, 24.0, 26.0, 48.0]
    """
    numbers = {name: jnp.asarray(value).astype(jnp.float64) for name, value in parameters.items()}
    course = _Course(inputs, numbers, Timeline(*(jnp.asarray(part).astype(jnp.float64) for part in timeline)))
    edges, fits = course.timeline.edges, jnp.ones((), bool)
    found = [jnp.zeros((0,), jnp.float64)]
    for index, one in enumerate(switches):
        before = tuple(other for other in switches[:index] if other.name in _read(one, switches[:index]))
        times, fit = _roots(course, one, before, edges, room)
        found.append(times)
        fits = fits & fit
        edges = jnp.sort(jnp.concatenate([edges, times]))
    return TimeMoments(jnp.sort(jnp.concatenate(found)), fits)


def branches(switches: Sequence[TimeSwitch], env: Mapping[str, Any]) -> dict[str, Any]:
    """Return the branch of every switch, by name, at the time in `env`, as float64 (0 or 1 for a truth)."""
    known = dict(env)
    result = {}
    for one in switches:
        result[one.name] = known[one.name] = jnp.asarray(evaluate(one.value, known)).astype(jnp.float64)
    return result


def larger(room: int) -> int:
    """Return more room for roots.

    Raises
    ------
    SimulationError
        If there are more moments than can be followed.
    """
    if room >= _MOST:
        raise SimulationError(
            f"some rate jumps or bends with the time at more than {_MOST} moments, which cannot be followed one "
            f"by one; simulate a shorter time, or use method 'direct'"
        )
    return room * _GROWTH


def need_room(switches: Sequence[TimeSwitch]) -> bool:
    """Return whether the number of moments depends on more than the switches."""
    return any(one.stepped or linear_in_time(one.guard) is None for one in switches)


moments_in = partial(jax.jit, static_argnums=(0, 1, 4))(find_moments)


def all_moments(
    switches: tuple[TimeSwitch, ...], inputs: tuple[str, ...], parameters: Mapping[str, Any], timeline: Timeline
) -> tuple[np.ndarray, int]:
    """Return the moments of switches that read known numbers, float64 [M], and the room that they need.

    Raises
    ------
    SimulationError
        If there are more moments than can be followed.
    """
    room, given = ROOM, (switches, inputs, dict(parameters), timeline)
    while not (found := moments_in(*given, room)).fits:
        room = larger(room)
    return np.asarray(found.times), room


def _read(one: TimeSwitch, others: Sequence[TimeSwitch]) -> frozenset[str]:
    """Return the names of the switches that a guard reads, and those that these read."""
    found = names(one.guard)
    for other in reversed(others):
        if other.name in found:
            found |= names(other.value) | names(other.guard)
    return found


def _roots(
    course: _Course, one: TimeSwitch, before: tuple[TimeSwitch, ...], edges: Array, room: int
) -> tuple[Any, Any]:
    """Return the roots of a guard, the end of the timeline where there are fewer; and whether there was room."""
    driven = bool(names(one.guard) & frozenset(course.inputs))
    if not (before or driven):
        edges = jnp.stack([course.timeline.edges[0], course.timeline.edges[-1]])
    low, high = edges[:-1], edges[1:]
    middle = lax.stop_gradient(0.5 * (low + high))
    inner = branches(before, _at(course, middle, middle, {}))
    inner = {name: jnp.broadcast_to(value, middle.shape) for name, value in inner.items()}
    line = None if driven or one.stepped else linear_in_time(one.guard)
    if line is not None:
        env = {**course.parameters, **inner}
        slope, offset = (jnp.broadcast_to(jnp.asarray(evaluate(part, env)), low.shape) for part in line)
        moves = slope != 0.0
        times = -offset / jnp.where(moves, slope, 1.0)
        inside = moves & (times > low) & (times < high)
        return jnp.where(inside, times, course.timeline.edges[-1]), jnp.ones((), bool)
    return _isolated(course, one, lax.stop_gradient((low, high)), inner, room)


def _isolated(
    course: _Course, one: TimeSwitch, cells: tuple[Any, ...], inner: dict[str, Any], room: int
) -> tuple[Any, Any]:
    """Return the roots of a guard that is not linear, each in a box of its own."""
    fixed = _fixed(course)
    extra = [(0, room)]
    low, high = (jnp.pad(end, extra) for end in cells)
    padded = {name: jnp.pad(value, extra) for name, value in inner.items()}
    first = _Boxes(low, high, padded, jnp.pad(jnp.ones(cells[0].shape, bool), extra), jnp.ones((), bool))
    last = lax.fori_loop(0, _HALVINGS, lambda _, boxes: _halved(fixed, one, boxes), first)
    found = last.kept & _crosses(fixed, one, last)
    root = 0.5 * (last.low + last.high)
    moment = _corrected(course, one, root, last.inner)
    return jnp.where(found, moment, course.timeline.edges[-1]), last.fits


def _halved(course: _Course, one: TimeSwitch, boxes: _Boxes) -> _Boxes:
    """Halve all boxes and keep the halves that may hold a root; of too many, those whose ends differ."""
    middle = 0.5 * (boxes.low + boxes.high)
    twice = {name: jnp.concatenate([value, value]) for name, value in boxes.inner.items()}
    halves = _Boxes(
        jnp.concatenate([boxes.low, middle]),
        jnp.concatenate([middle, boxes.high]),
        twice,
        jnp.concatenate([boxes.kept, boxes.kept]),
        boxes.fits,
    )
    crosses = _crosses(course, one, halves)
    may = halves.kept & (_touches(course, one, halves) | crosses)
    size = boxes.low.shape[0]
    kept = may & ((jnp.sum(may) <= size) | crosses)
    order = jnp.argsort(~kept, stable=True)[:size]
    fits = halves.fits & (jnp.sum(kept) <= size)
    return _Boxes(
        halves.low[order],
        halves.high[order],
        {name: value[order] for name, value in halves.inner.items()},
        kept[order],
        fits,
    )


def _touches(course: _Course, one: TimeSwitch, boxes: _Boxes) -> Any:
    """Return whether the bounds of the guard over each box hold a root."""
    env: dict[str, Any] = {name: (value, value) for name, value in course.parameters.items()}
    env |= {name: (value, value) for name, value in boxes.inner.items()}
    env |= input_boxes(course.timeline, course.inputs, boxes.low, boxes.high)
    env["t"] = (boxes.low, boxes.high)
    least, most = (jnp.broadcast_to(jnp.asarray(end), boxes.low.shape) for end in bounds(one.guard, env))
    if one.stepped:
        return jnp.ceil(least) <= jnp.floor(most)
    return (least <= 0.0) & (most >= 0.0)


def _crosses(course: _Course, one: TimeSwitch, boxes: _Boxes) -> Any:
    """Return whether the guard is on another side at the end of each box than at its start."""
    middle = 0.5 * (boxes.low + boxes.high)
    first, last = (_guard(course, one, time, middle, boxes.inner) for time in (boxes.low, boxes.high))
    return (jnp.floor(first) != jnp.floor(last)) if one.stepped else (first >= 0.0) != (last >= 0.0)


def _corrected(course: _Course, one: TimeSwitch, root: Array, inner: dict[str, Any]) -> Any:
    """Return a root after a step of Newton's method, whose derivatives are those of the moment."""
    fixed = _fixed(course)
    value = _guard(course, one, root, root, inner)
    slope = jax.jvp(lambda time: _guard(fixed, one, time, root, inner), (root,), (jnp.ones_like(root),))[1]
    level = lax.stop_gradient(jnp.round(value)) if one.stepped else 0.0
    off = (value - level) / jnp.where(slope == 0.0, jnp.inf, slope)
    near = jnp.abs(off) <= _NEAR * (course.timeline.edges[-1] - course.timeline.edges[0])
    return root - jnp.where(near & jnp.isfinite(off), off, 0.0)


def _fixed(course: _Course) -> _Course:
    """Return the course without derivatives."""
    return course._replace(parameters=lax.stop_gradient(course.parameters), timeline=lax.stop_gradient(course.timeline))


def _guard(course: _Course, one: TimeSwitch, time: Array, place: Array, inner: Mapping[str, Any]) -> Any:
    """Return the guard at times, with the inputs of the cells that hold `place`."""
    return jnp.broadcast_to(jnp.asarray(evaluate(one.guard, _at(course, time, place, inner))), time.shape)


def _at(course: _Course, time: Array, place: Array, inner: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that guards read at times [n]."""
    timeline = course.timeline
    cell = cell_of(timeline, place)
    since = time - timeline.edges[cell]
    env: dict[str, Any] = {**course.parameters, **inner, "t": time}
    for index, name in enumerate(course.inputs):
        decay = jnp.exp(-timeline.rate[index][None, :] * since[:, None])
        env[name] = timeline.base[cell, index] + jnp.sum(timeline.amplitude[cell, index] * decay, axis=1)
    return env


def cell_of(timeline: Timeline, time: Array) -> Any:
    """Return the cells that hold times."""
    return jnp.clip(jnp.searchsorted(timeline.edges, time, side="right") - 1, 0, timeline.base.shape[0] - 1)


def input_boxes(timeline: Timeline, inputs: tuple[str, ...], low: Array, high: Array) -> dict[str, tuple[Any, Any]]:
    """Return bounds of the inputs over boxes of time [n], each within one cell: every mode lies between its ends."""
    cell = cell_of(timeline, 0.5 * (low + high))
    start = timeline.edges[cell]
    result = {}
    for index, name in enumerate(inputs):
        rate, amplitude = timeline.rate[index][None, :], timeline.amplitude[cell, index]
        ends = [amplitude * jnp.exp(-rate * (time - start)[:, None]) for time in (low, high)]
        base = timeline.base[cell, index]
        least, most = jnp.sum(jnp.minimum(*ends), axis=1), jnp.sum(jnp.maximum(*ends), axis=1)
        result[name] = (base + least, base + most)
    return result
