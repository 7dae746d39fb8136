"""The precision of propensities: single where all that rates compute fits it, else double.

What depends on parameters alone is computed in double precision and rounded once. Single precision serves if what is
left of a rate stays within its range at counts within REACH, and differences of large counts, up to the largest that a
count can be, can be taken apart and computed in double precision (`network/cancellation.py`). A rate that becomes
infinite at larger counts ends its trajectory with a status.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxsim.dosing import Timeline
from jaxsim.ensemble.prepare import extent
from jaxsim.errors import SimulationError
from jaxsim.kernels.change import plan_changes
from jaxsim.kernels.rates import Rates, plan_rates
from jaxsim.network import (
    Expression,
    Network,
    Number,
    bounds,
    conservation_laws,
    is_distribution,
    names,
    substitute,
    to_string,
)
from jaxsim.network.cancellation import LARGE_NUMBER, NARROW, Ranges, pull_cancelling
from jaxsim.network.expression import Binary, Call, fold
from jaxsim.network.magnitude import (
    DOUBLE,
    SINGLE,
    UNKNOWN,
    Format,
    Magnitude,
    Sign,
    leaves_format,
    magnitude_of,
    magnitudes,
)

_MOST = float(2**31 - 1)
_NEGLIGIBLE = -9.0  # logarithm of the firings of a reaction in a trajectory that underflow may cost
_REACH = 1e4  # counts, or ten times those at the start, that rates are to hold; beyond, overflow is a status
_SPAN = 25.0  # logarithm of the longest time, and less the logarithm of the shortest, whose parts float32 holds
INSTANT = -16.0  # logarithm of the share of the span that the clock tells from zero
_LONGEST = 60  # characters of an expression in a message


class _Precision(NamedTuple):
    """In which precision a program runs, and why."""

    name: str
    ranges: Ranges = NARROW
    reason: str = ""
    """Why it is double, a clause; empty where that was asked for."""


class _Known(NamedTuple):
    """What is known of the values of all names: their magnitudes, and their lower and upper values."""

    sizes: dict[str, Magnitude]
    box: dict[str, Any]


def choose_precision(
    network: Network,
    timeline: Timeline,
    leaves: Mapping[str, tuple[float, float]],
    wanted: str = "auto",
    leaps: bool = False,
    dosed: bool = False,
) -> _Precision:
    """Return the precision of a program; refuse single precision where it does not serve.

    `leaves` are the extents of the leaves in time; `leaps` tells that counts are extrapolated, as real numbers.

    Raises
    ------
    SimulationError
        If `wanted` is "float32" and the network needs more, or a constant leaves the range of double precision.
    """
    plan = plan_rates(network.structure, _sampled(network))
    known = _known(network, plan, timeline, leaves, dosed)
    refuse_beyond_double(network, plan, known)
    if wanted == "float64":
        return _Precision(wanted)
    span = float(timeline.edges[-1] - timeline.edges[0])
    reason = _out_of_span(span) or out_of_single(network, plan, known, span)
    ranges = _ranges(network, plan, known)
    if not reason:
        ranged = plan_rates(network.structure, _sampled(network), ranges)
        reason = _difference_out_of_reach(network, ranged, leaps)
        if not ranged.differences:
            ranges = NARROW
    if not reason:
        return _Precision("float32", ranges)
    if wanted == "float32":
        raise SimulationError(f"{reason}; leave precision out, or give precision='float64'")
    return _Precision("float64", NARROW, reason)


def refuse_for_single(network: Network, timeline: Timeline, read: tuple[Expression, ...], largest: float) -> None:
    """Refuse a network that single precision does not serve, constants of the rates included.

    What underflows in some states alone is taken as zero there, as counts held at zero are. `read` are expressions
    of the state that are evaluated besides the rates, and `largest` is a count that is reached.
    """
    plan = plan_rates(network.structure, _sampled(network))
    known = _known(network, plan, timeline, {}, dosed=True)
    refuse_beyond_double(network, plan, known)
    span = float(timeline.edges[-1] - timeline.edges[0])
    reason = _out_of_span(span) or _constant_out_of_single(plan, known)
    reason = reason or out_of_single(network, plan, known, span, math.inf)
    if not reason and largest >= LARGE_NUMBER:
        ranges = _ranges(network, plan, known)
        ranged = plan_rates(network.structure, _sampled(network), ranges)
        ranged = ranged._replace(differences=tuple(pair for pair in ranged.differences if _adds_up(pair[1])))
        reason = _difference_out_of_reach(network, ranged, True)
        for expression in read:
            parts: list[Expression] = []

            def pull(part: Expression, parts: list[Expression] = parts) -> Expression:
                parts.append(part)
                return Number(0)

            pull_cancelling(expression, ranges, frozenset(network.structure.species), pull)
            if any(_adds_up(part) for part in parts):
                reason = reason or f"'{to_string(expression)}' takes a difference or comparison of counts beyond 2^22"
    if reason:
        raise SimulationError(
            f"{reason}, and gradients are computed in single precision; choose units in which rates and constants are "
            f"nearer to 1, and counts smaller"
        )


def _adds_up(part: Expression) -> bool:
    """Return whether a difference or comparison is one of whole counts, not of products and ratios of them."""

    def visit(node: Expression, below: list[bool]) -> bool:
        plain = not isinstance(node, (Binary, Call)) or (
            node.op in "+-" if isinstance(node, Binary) else node.function in ("max", "min", "abs", "if")
        )
        return plain and all(below)

    return bool(fold(part, visit))


def _constant_out_of_single(plan: Rates, known: _Known) -> str:
    for _, expression in plan.before:
        part = leaves_format(expression, magnitudes(expression, *known), SINGLE, SINGLE.low + 10.0)
        if part is not None:
            return f"a constant of a rate leaves the range of single precision at '{_shown(part, plan)}'"
    return ""


def _sampled(network: Network) -> tuple[str, ...]:
    return tuple(name for name, value in network.parameters.items() if is_distribution(value))


def _known(network: Network, plan: Rates, timeline: Timeline, leaves: Mapping[str, Any], dosed: bool) -> _Known:
    structure = network.structure
    box: dict[str, Any] = {name: extent(value) for name, value in network.parameters.items()}
    sizes = {name: magnitude_of(*ends) for name, ends in box.items()}
    start = sum(extent(value)[1] for value in network.initial.values()) + float(np.max(timeline.add, initial=0.0))
    for name, most in _most_counts(network, dosed).items():
        reach = max(min(most, max(_REACH, 10.0 * start)), 1.0)
        box[name], sizes[name] = (0.0, most), Magnitude(0.0, math.log10(reach), Sign.NOT_NEGATIVE)
    for name in structure.variables:
        box[name], sizes[name] = (-math.inf, math.inf), UNKNOWN
    box["t"] = (float(timeline.edges[0]), float(timeline.edges[-1]))
    own, length = magnitude_of(*box["t"]), box["t"][1] - box["t"][0]
    sizes["t"] = own._replace(low=max(own.low, math.log10(length) + INSTANT)) if length > 0.0 else own
    for index, name in enumerate(structure.inputs):
        box[name] = (float(timeline.lower[:, index].min()), float(timeline.upper[:, index].max()))
        own, modes = magnitude_of(*box[name]), np.abs(timeline.amplitude[:, index])
        largest = float(modes.max()) if modes.size else 0.0
        sizes[name] = own._replace(high=max(own.high, math.log10(largest) if largest else -math.inf))
    for name, expression in plan.before:
        box[name] = tuple(float(np.asarray(end)) for end in bounds(expression, box))
        exact = magnitude_of(*box[name])
        sizes[name] = exact if math.isfinite(exact.high) and exact.low == exact.high else _size(expression, sizes, box)
    for name, expression in plan.in_time:
        box[name] = leaves.get(name) or tuple(float(np.asarray(end)) for end in bounds(expression, box))
        sizes[name] = magnitude_of(*box[name])
    return _Known(sizes, box)


def _size(expression: Expression, sizes: Mapping[str, Magnitude], box: Mapping[str, Any]) -> Magnitude:
    return magnitudes(expression, sizes, box)[id(expression)]


def _most_counts(network: Network, dosed: bool) -> dict[str, float]:
    """Return the largest count of every species: by conservation laws, or what a count can hold."""
    structure = network.structure
    most = dict.fromkeys(structure.species, _MOST)
    effects = any(reaction.effects for reaction in structure.reactions)
    if dosed or structure.events or effects or plan_changes(structure).slow:
        return most
    start = np.array([extent(network.initial[name])[1] for name in structure.species])
    for law in conservation_laws(structure):
        if np.all(law >= 0):
            for s in np.flatnonzero(law > 0):
                name = structure.species[s]
                most[name] = min(most[name], float(law @ start / law[s]))
    return most


def refuse_beyond_double(network: Network, plan: Rates, known: _Known) -> None:
    """Refuse a constant, or a part of a rate at all counts, that double precision does not hold."""
    for name, expression in plan.before:
        part = leaves_format(expression, magnitudes(expression, *known), DOUBLE, DOUBLE.low + 10.0)
        if part is not None:
            raise _beyond_double(network, plan, name, part)
    for r, expression in enumerate(plan.expressions):
        size = magnitudes(expression, *known)
        part = leaves_format(expression, size, DOUBLE, _NEGLIGIBLE)
        if part is not None and not names(part) & frozenset(network.structure.variables):
            own = size[id(part)]
            if own.high < DOUBLE.low or own.low > DOUBLE.high:
                raise _beyond_double(network, plan, r, part)


def _beyond_double(network: Network, plan: Rates, where: int | str, part: Expression) -> SimulationError:
    readers = (r for r, rate in enumerate(plan.expressions) if where in names(rate))
    r = where if isinstance(where, int) else next(readers, None)
    rate = f"the rate of reaction '{network.structure.reactions[r]}'" if r is not None else "a rate"
    return SimulationError(
        f"{rate} leaves the range of double precision (1e-308 to 1e308) at '{_shown(part, plan)}'; "
        f"choose units in which its constants are nearer to 1"
    )


def out_of_single(network: Network, plan: Rates, known: _Known, span: float, lost: float = _NEGLIGIBLE) -> str:
    """Return where a rate leaves the range of single precision, a clause, or an empty text if none does.

    `lost` is the logarithm of the firings that underflow may cost.
    """
    negligible = lost - (math.log10(span) if span > 0.0 else 0.0)
    for r, expression in enumerate(plan.expressions):
        size = magnitudes(expression, *known)
        part = leaves_format(expression, size, SINGLE, negligible)
        part = part or _leaf_out_of_single(plan, expression, size[id(expression)], known, negligible)
        if part is not None:
            return (
                f"the rate of reaction '{network.structure.reactions[r]}' may leave the range of single precision "
                f"(1.2e-38 to 3.4e38) at '{_shown(part, plan)}'"
            )
    return ""


def _leaf_out_of_single(
    plan: Rates, rate: Expression, whole: Magnitude, known: _Known, negligible: float
) -> Expression | None:
    """Return a part of the leaves in time of a rate that leaves the range in which they are computed."""
    for name, expression in plan.in_time:
        if name in names(rate):
            fits: Format = DOUBLE if "t" in names(expression) else SINGLE
            slope = max(whole.high - known.sizes[name].high, 0.0)
            part = leaves_format(expression, magnitudes(expression, *known), fits, negligible, slope)
            if part is not None:
                return part
    return None


def _shown(part: Expression, plan: Rates) -> str:
    leaves = dict((*plan.before, *plan.in_time))
    while leaves.keys() & names(part):
        part = substitute(part, leaves)
    text = to_string(part)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _out_of_span(span: float) -> str:
    if span <= 0.0 or abs(math.log10(span)) <= _SPAN:
        return ""
    return f"the times span {span:g}, and waiting times in single precision only 1e-25 to 1e25"


def _ranges(network: Network, plan: Rates, known: _Known) -> Ranges:
    constants = (*network.parameters, *(name for name, _ in (*plan.before, *plan.in_time)))
    counts = (*network.structure.species, *network.structure.variables)
    wide = [name for name in (*constants, *counts) if not max(map(abs, known.box[name])) < LARGE_NUMBER]
    signed = [name for name in (*constants, *network.structure.variables) if not known.box[name][0] >= 0.0]
    return Ranges(frozenset(wide), frozenset(signed))


def _difference_out_of_reach(network: Network, plan: Rates, leaps: bool) -> str:
    """Return why differences of large counts cannot be computed apart, a clause, or an empty text if they can."""
    in_time = frozenset(name for name, _ in plan.in_time)
    for name, part in plan.differences:
        if leaps or names(part) & in_time:
            r = next(r for r, rate in enumerate(plan.expressions) if name in names(rate))
            return (
                f"the rate of reaction '{network.structure.reactions[r]}' takes a difference or comparison of counts "
                f"that may exceed 2^24 at '{_shown(part, plan)}'"
            )
    return ""
