"""Triggered events: a trigger that turns true makes its assignment pending.

A trigger that reads the time does so in comparisons that are linear in it. With the state as it is, each switches
at one known moment; no lane passes the earliest of them without looking at the triggers there, and twice. First at
the moment itself, where ``t >= 5``, ``t <= 5`` and ``t == 5`` hold at 5 and ``t > 5`` does not; and when nothing more
happens at the moment, just after it, where ``t > 5`` holds and ``t <= 5`` does not. The start and every dose are such
moments too. What happens just after a moment is saved with it.

An event that has been triggered and waits, because others act first, is counted: one that is persistent acts as often
as its trigger has turned true, and one that is not is forgotten when its trigger turns false (SBML Level 3 Version 2,
section 4.11.6). Of several that wait, the one of highest priority acts first, and of equal ones the first in the list.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.kernels.change import values_before
from jaxsim.kernels.context import Context
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import NONE, TOO_OFTEN, Inputs, Lanes, Triggers
from jaxsim.network import evaluate
from jaxsim.network.event import Switch, switch_name

_SLACK = (
    16 * np.finfo(np.float64).eps
)  # relative; far above the rounding of a moment, far below any time between events
_SMALLEST = np.float64(1e-307)  # a time that is more than zero
MOST_WAITING = np.uint16(2**16 - 1)  # times that one event may wait to act


class Look(NamedTuple):
    """The triggers as they are now."""

    holds: Any
    """One bit each, uint32 [L]."""
    alarm: Any
    """The next moment at which one may switch while the state stays, float64 [L], or None if none reads the time."""


def look(program: Program, precise: dict[str, Any], lanes: Lanes, after: Array | None) -> Look:
    """Evaluate all triggers in the present state; `precise` holds the parameters in float64.

    `after` tells which lanes look just after the present moment, bool [L]; None if no trigger reads the time.
    """
    env = values_before(program.structure, precise, lanes.x, lanes.carried.variables, lanes.t)
    bits = jnp.zeros(lanes.t.shape, jnp.uint32)
    alarm, clock = jnp.full(lanes.t.shape, jnp.inf, jnp.float64), _clock(lanes.t, after)
    for e, event in enumerate(program.structure.events):
        truths = {}
        for index, switch in enumerate(event.timed.switches):
            truths[switch_name(index)], moment = _switch(switch, env, clock)
            alarm = jnp.minimum(alarm, moment)
        holds = jnp.asarray(evaluate(event.timed.condition, {**env, **truths})).astype(bool)
        bits = bits | (jnp.broadcast_to(holds, lanes.t.shape).astype(jnp.uint32) << np.uint32(e))
    return Look(bits, alarm if program.timed else None)


class _Clock(NamedTuple):
    """What is over, for comparisons of the time; float64 [L]."""

    reached: Any
    """Moments up to here have come: the present one, give or take its rounding."""
    passed: Any
    """Moments up to here are over: the same just after the present one, and less at it."""


def _clock(t: Array, after: Array | None) -> _Clock:
    margin = slack(t)
    if after is None:
        return _Clock(t + margin, t + margin)
    return _Clock(t + margin, jnp.where(after, t + margin, t - (margin + _SMALLEST)))


def _switch(switch: Switch, env: dict[str, Any], clock: _Clock) -> tuple[Any, Any]:
    """Return whether the comparison holds at this moment, or just after it, and when it next switches (or infinity)."""
    slope, offset = (
        jnp.broadcast_to(jnp.asarray(evaluate(part, env)).astype(jnp.float64), clock.reached.shape)
        for part in (switch.slope, switch.offset)
    )
    moment = jnp.where(slope == 0, jnp.inf, -offset / jnp.where(slope == 0, np.float64(1), slope))
    reached, passed = moment <= clock.reached, moment <= clock.passed
    level = offset > 0 if switch.op in (">", "<=") else offset >= 0
    # At the moment itself the line is zero, which > and < exclude, and >= and <= include.
    rising, falling = (passed, reached) if switch.op in (">", "<=") else (reached, passed)
    above = jnp.where(slope == 0, level, jnp.where(slope > 0, rising, ~falling))
    holds = (above if switch.op in (">", ">=") else ~above) & (offset == offset)  # nothing compares with no number
    return holds, jnp.where(moment > clock.reached, moment, jnp.inf)


def slack(t: Array) -> Any:
    """Return how far from t another time may be by rounding alone."""
    return np.float64(_SLACK) * jnp.abs(t)


def untriggered(program: Program) -> Triggers | None:
    """Return triggers of which none has been seen, before any moment; None without events."""
    if not program.structure.events:
        return None
    shape, timed = (program.lanes,), program.timed
    return Triggers(
        armed=jnp.zeros(shape, jnp.uint32),
        queue=jnp.zeros((len(program.persistent), *shape), jnp.uint16) if program.persistent else None,
        after=jnp.zeros(shape, bool) if timed else None,
    )


def triggers_at_start(program: Program, precise: dict[str, Any], lanes: Lanes) -> Triggers | None:
    """Return the triggers at the start: seen are those that hold at that moment and do not fire there."""
    fresh = untriggered(program)
    if fresh is None:
        return None
    waits = _mask(not event.at_start for event in program.structure.events)
    return fresh._replace(armed=look(program, precise, lanes, fresh.after).holds & waits)


def chosen_lanes(mask: Array, new: Triggers | None, old: Triggers | None) -> Triggers | None:
    """Return the new triggers in the lanes of the mask and the old ones in the others."""
    return jax.tree.map(lambda n, o: jnp.where(mask if n.ndim == 1 else mask[None, :], n, o), new, old)


def arrive(program: Program, inputs: Inputs, lanes: Lanes, active: Array) -> Lanes:
    """Note in which lanes the pending code is that a moment has come: one of a switch, of a dose, or the start."""
    carry = lanes.carried
    triggers = carry.triggers
    if triggers is None or triggers.after is None:
        return lanes
    comes = lanes.pending == np.int32(program.wake)
    if inputs.timeline.base.shape[0] > 1:
        enters = lanes.pending == np.int32(program.entry)
        comes = comes | (enters & _new_moments(inputs)[carry.cell])
    triggers = triggers._replace(after=triggers.after & ~(comes & active))
    return lanes._replace(carry=carry._replace(triggers=triggers))


def _new_moments(inputs: Inputs) -> Any:
    """Return whether the cell after each begins at a moment of its own, bool [C].

    One that only rounding sets apart from the beginning of this cell is the same moment.
    """
    edges = inputs.timeline.edges
    return edges[1:] > edges[:-1] + slack(edges[:-1])


def next_trigger(program: Program, given: Context, lanes: Lanes, active: Array) -> tuple[Any, Any, Lanes]:
    """Return what the triggers make happen now (-1 for nothing), the next moment to look, and the lanes.

    What happens is an event, a look just after this moment, or a fault. Of several events that turned true at once,
    the one of highest priority fires first; the others are looked at again after it, and fire if they still hold, or
    are persistent.
    """
    events, carry = program.structure.events, lanes.carried
    code = jnp.full(lanes.t.shape, NONE, jnp.int32)
    if carry.triggers is None:
        return code, None, lanes
    triggers, persistent = carry.triggers, _mask(event.persistent for event in events)
    now = look(program, given.precise, lanes, triggers.after)
    turned = now.holds & ~triggers.armed
    ready = turned & ~persistent
    if triggers.queue is not None:
        more = _counted(program, turned)
        once = np.array([events[e].once for e in program.persistent])[:, None]
        more = jnp.where(once & (triggers.queue > 0), np.uint16(0), more) if once.any() else more
        overflows = (_bits(program, triggers.queue == MOST_WAITING) & _bits(program, more > 0)) != 0
        queue = triggers.queue + more
        ready = ready | _bits(program, queue > 0)
    first = program.entry + 1
    for e in sorted(range(len(events)), key=lambda e: (events[e].priority, -e)):
        fires = ((ready >> np.uint32(e)) & np.uint32(1)) == np.uint32(1)
        code = jnp.where(fires, np.int32(first + e), code)
    position = jnp.maximum(code - np.int32(first), np.int32(0)).astype(jnp.uint32)
    chosen = jnp.where(code >= 0, np.uint32(1) << position, np.uint32(0))
    # A persistent event has been seen once it is counted; any other when it acts, till when its trigger must hold.
    armed = now.holds & (triggers.armed | persistent | chosen)
    news = triggers._replace(armed=armed)
    if triggers.after is not None:
        code = jnp.where((code == NONE) & ~triggers.after, np.int32(program.again), code)
        news = news._replace(after=triggers.after | (code == np.int32(program.again)))
    if triggers.queue is not None:
        news = news._replace(queue=queue - _counted(program, chosen))
        code = jnp.where(overflows, TOO_OFTEN, code)
    carry = carry._replace(triggers=chosen_lanes(active, news, triggers))
    return jnp.where(active, code, NONE), now.alarm, lanes._replace(carry=carry)


def _counted(program: Program, bits: Array) -> Any:
    """Return 1 for each persistent event whose bit is set, uint16 [persistent, L]."""
    places = np.array(program.persistent, np.uint32)[:, None]
    return ((bits[None, :] >> places) & np.uint32(1)).astype(jnp.uint16)


def _bits(program: Program, rows: Array) -> Any:
    """Return one bit for each persistent event, uint32 [L], from rows of truths."""
    bits = jnp.zeros(rows.shape[1:], jnp.uint32)
    for row, e in zip(rows, program.persistent, strict=True):
        bits = bits | (row.astype(jnp.uint32) << np.uint32(e))
    return bits


def _mask(flags: Any) -> Any:
    return np.uint32(sum(1 << e for e, flag in enumerate(flags) if flag))
