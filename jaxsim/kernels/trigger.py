"""Triggered events: a trigger that turns true makes its assignment pending.

A trigger that reads the time does so in comparisons that are linear in it. With the state as it is, each switches
at one known moment; no lane passes the earliest of them without looking at the triggers there. At that moment, and
in general, a comparison counts by what it is from then on, so that ``t > 5`` and ``t >= 5`` both turn true at 5.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.change import values_before
from jaxsim.kernels.context import Context
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Lanes
from jaxsim.network import evaluate
from jaxsim.network.switching import Switch, switch_name

SLACK = 16 * np.finfo(np.float64).eps  # relative; far above the rounding of a moment, far below any time between events


class Look(NamedTuple):
    """The triggers as they are now."""

    holds: Any
    """One bit each, uint32 [L]."""
    alarm: Any
    """The next moment at which one may switch while the state stays, float64 [L], or None if none reads the time."""


def look(program: Program, precise: dict[str, Any], lanes: Lanes) -> Look:
    """Evaluate all triggers in the present state; `precise` holds the parameters in float64."""
    assert lanes.general is not None
    env = values_before(program.structure, precise, lanes.x, lanes.general.variables, lanes.t)
    bits = jnp.zeros(lanes.t.shape, jnp.uint32)
    alarm = jnp.full(lanes.t.shape, jnp.inf, jnp.float64)
    for e, event in enumerate(program.structure.events):
        truths = {}
        for index, switch in enumerate(event.timed.switches):
            truths[switch_name(index)], moment = _switch(switch, env, lanes.t)
            alarm = jnp.minimum(alarm, moment)
        holds = jnp.asarray(evaluate(event.timed.condition, {**env, **truths})).astype(bool)
        bits = bits | (jnp.broadcast_to(holds, lanes.t.shape).astype(jnp.uint32) << np.uint32(e))
    return Look(bits, alarm if program.timed else None)


def _switch(switch: Switch, env: dict[str, Any], t: Any) -> tuple[Any, Any]:
    """Return whether the comparison holds from now on, and when it next switches (infinite if never)."""
    slope, offset = (
        jnp.broadcast_to(jnp.asarray(evaluate(part, env)).astype(jnp.float64), t.shape)
        for part in (switch.slope, switch.offset)
    )
    moment = jnp.where(slope == 0, jnp.inf, -offset / jnp.where(slope == 0, np.float64(1), slope))
    reached = moment <= t + SLACK * jnp.maximum(jnp.abs(t), jnp.abs(moment))
    level = offset > 0 if switch.op in (">", "<=") else offset >= 0
    above = jnp.where(slope == 0, level, reached == (slope > 0))
    holds = above if switch.op in (">", ">=") else ~above
    return holds, jnp.where(reached | (slope == 0), jnp.inf, moment)


def armed_at_start(program: Program, precise: dict[str, Any], lanes: Lanes) -> Any:
    """Return the triggers that count as seen at the start: those that hold and do not fire there."""
    waits = _mask(not event.at_start for event in program.structure.events)
    return look(program, precise, lanes).holds & waits


def next_trigger(program: Program, given: Context, lanes: Lanes, active: Any) -> tuple[Any, Any, Lanes]:
    """Return the code of the event that fires now (-1 for none), the next moment to look, and the lanes.

    Of several that turned true at once, the one of highest priority fires first; the others are looked
    at again after it, and fire if they still hold, or are persistent.
    """
    events, general = program.structure.events, lanes.general
    assert general is not None
    code = jnp.full(lanes.t.shape, -1, jnp.int32)
    if not events:
        return code, None, lanes
    assert general.armed is not None and general.queued is not None
    now = look(program, given.precise, lanes)
    turned = now.holds & ~general.armed
    queued = general.queued | (turned & _mask(event.persistent for event in events))
    ready = turned | queued
    first = program.entry + 1
    for e in sorted(range(len(events)), key=lambda e: (events[e].priority, -e)):
        fires = ((ready >> np.uint32(e)) & np.uint32(1)) == np.uint32(1)
        code = jnp.where(fires, np.int32(first + e), code)
    position = jnp.maximum(code - np.int32(first), np.int32(0)).astype(jnp.uint32)
    chosen = jnp.where(code >= 0, np.uint32(1) << position, np.uint32(0))
    # What is queued has been seen: it fires once for the moment at which it turned true.
    armed = ((general.armed | queued) & now.holds) | (chosen & now.holds)
    general = general._replace(
        armed=jnp.where(active, armed, general.armed), queued=jnp.where(active, queued & ~chosen, general.queued)
    )
    return jnp.where(active, code, np.int32(-1)), now.alarm, lanes._replace(general=general)


def _mask(flags: Any) -> Any:
    return np.uint32(sum(1 << e for e, flag in enumerate(flags) if flag))
