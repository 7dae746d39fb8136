"""The cells of time: where they end, so that what varies with the time inside one can be bounded, or leaped over.

The exact method needs bounds that are not too loose, no more. Leaps take a rate halfway, and so need cells over which
it varies little: these end on both sides of every moment at which a rate jumps or bends, and are halved until what is
left of a rate that reads the time is resolved.
"""

from functools import partial
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Float64

from jaxsim.dosing import Timeline, build_timeline
from jaxsim.ensemble.prepare import sampled_names, shared_values, slope_of_time
from jaxsim.errors import SimulationError
from jaxsim.kernels import VARIANTS, leaf_bounds, plan_rates
from jaxsim.kernels.moments import all_moments
from jaxsim.network import Name, Network, names, names_of_time, rate_class
from jaxsim.network.moments import smooth

if TYPE_CHECKING:
    from jaxsim.ensemble.request import Request

BESIDE = 1e-9  # of the span, from a moment to the edges of cells on both sides of it
BESIDE_OF_INPUTS = 1e-6  # the same where inputs, which leaps read in single precision, decide on the moment
VARIES = 0.1  # of its largest value, by which a function of time may vary in a cell ...
_NEGLIGIBLE = 1e-4  # ... or of its integral, by which the cell may be off
_NARROWEST = 1e-9  # of the span, the least that is halved
MOST_CELLS = 1 << 14
PADDED = 64  # edges are added up to a multiple of this, so that points of a design share compiled programs
_bounds = partial(jax.jit, static_argnums=(0, 1))(leaf_bounds)


def cells_of_time(network: Network, request: "Request", end: float) -> Timeline:
    """Return the timeline of a request for whole counts."""
    start = request.start
    cells = request.cells if "time-varying" in rate_class(network.structure) else 0
    slope = slope_of_time(network, start, end)
    timeline = build_timeline(network, request.schedule, start, end, cells, slope)
    if request.method not in VARIANTS or not plan_rates(network.structure, sampled_names(network.parameters)).in_time:
        return timeline
    marks = moments(network, build_timeline(network, request.schedule, start, end))
    while marks.size <= MOST_CELLS:
        padded = np.concatenate([marks, np.full(-marks.size % PADDED, end)])  # cells of no width at the end
        timeline = build_timeline(network, request.schedule, start, end, cells, slope, padded)
        wide = _unresolved(network, timeline)
        if not wide.size:
            return timeline
        marks = np.concatenate([marks, wide])
    raise SimulationError(
        f"some rate varies too steeply with the time for leaps, which would need more than {MOST_CELLS} cells of time; "
        f"use method 'direct' or simulate a shorter time"
    )


def moments(network: Network, timeline: Timeline) -> Float64[np.ndarray, " m"]:
    """Return the times just before and after each moment at which a rate jumps or bends for all trajectories."""
    structure = network.structure
    time, shared = names_of_time(structure), frozenset(shared_values(network))
    rates = [reaction.rate for reaction in structure.reactions]
    switches = smooth(rates, time, shared).switches
    if not switches:
        return np.zeros(0)
    start, end = float(timeline.edges[0]), float(timeline.edges[-1])
    driven = any(names(one.guard) & frozenset(structure.inputs) for one in switches)
    times = np.unique(all_moments(switches, structure.inputs, shared_values(network), timeline)[0])
    times = times[(times > start) & (times < end)]
    beside = (BESIDE_OF_INPUTS if driven else BESIDE) * (end - start)
    return np.concatenate([times - beside, times + beside])


def _unresolved(network: Network, timeline: Timeline) -> Float64[np.ndarray, " n"]:
    """Return the middles of the cells over which a function of the time varies too much."""
    plan = plan_rates(network.structure, sampled_names(network.parameters))
    edges = np.asarray(timeline.edges, np.float64)
    width, wide = np.diff(edges), np.zeros(edges.size - 1, bool)
    reading = {name for name, value in plan.in_time if "t" in names(value) and value != Name("t")}
    if not reading:
        return np.zeros(0)
    found = _bounds(plan, network.structure, shared_values(network), timeline)
    for name, (least, most) in found.items():
        if name not in reading:
            continue
        low, high = np.asarray(least), np.asarray(most)
        size = np.maximum(np.abs(low), np.abs(high))
        with np.errstate(invalid="ignore"):
            whole = float(np.sum(np.where(np.isfinite(size), size, 0.0) * width))
            wide |= ~((high - low <= VARIES * size) | ((high - low) * width <= _NEGLIGIBLE * whole))
    wide &= width > _NARROWEST * (edges[-1] - edges[0])
    return (0.5 * (edges[:-1] + edges[1:]))[wide]
