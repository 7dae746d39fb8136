"""What must be watched inside the loop, found out from the rates before it: bounds, signs, ranges."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.dosing import Timeline
from jaxsim.ensemble.values import extent, median
from jaxsim.errors import SimulationError
from jaxsim.kernels import leaf_bounds, plan_rates
from jaxsim.kernels.mass_action import as_mass_action
from jaxsim.network import (
    Expression,
    Network,
    Reaction,
    Structure,
    bounds,
    conservation_laws,
    evaluate,
    is_distribution,
    names,
)

MOST = float(2**31 - 1)


def shared_values(network: Network) -> dict[str, Any]:
    """Return the parameters that all trajectories share."""
    return {name: value for name, value in network.parameters.items() if not is_distribution(value)}


def sampled_names(values: Any) -> tuple[str, ...]:
    """Return the names whose values are distributions."""
    return tuple(name for name, value in values.items() if is_distribution(value))


def slope_of_time(network: Network, start: float, end: float, parts: int = 2048) -> np.ndarray | None:
    """Return how fast the rates that read the time itself change, for placing cells; None if there are none."""
    plan = plan_rates(network.structure, sampled_names(network.parameters))
    leaves = [value for _, value in plan.in_time if "t" in names(value)]
    if not leaves or end <= start:
        return None
    grid = jnp.linspace(start, end, parts + 1, dtype=jnp.float64)
    env = {**shared_values(network), "t": grid}
    env |= dict.fromkeys(network.structure.inputs, 1.0)
    slope = np.zeros(parts)
    for leaf in leaves:
        value = np.broadcast_to(np.asarray(evaluate(leaf, env), np.float64), (parts + 1,))
        change = np.nan_to_num(np.abs(np.diff(value)), nan=0.0, posinf=0.0)
        slope += change / max(float(np.sum(change)), 1e-300)
    return slope * parts / (end - start)


def refuse_unbounded(network: Network, timeline: Timeline) -> dict[str, tuple[float, float]]:
    """Return the extent of every leaf in time; refuse a rate that has no bound over some cell."""
    structure = network.structure
    plan = plan_rates(structure, sampled_names(network.parameters))
    found = leaf_bounds(plan, structure, shared_values(network), timeline)
    extents = {}
    for name, (low, high) in found.items():
        lower, upper = np.asarray(low), np.asarray(high)
        bad = ~(np.isfinite(lower) & np.isfinite(upper))
        if np.any(bad):
            cell = int(np.argmax(bad))
            reaction = next(r for r in plan.varying if name in names(plan.expressions[r]))
            raise SimulationError(
                f"the rate of reaction '{structure.reactions[reaction]}' has no bound between t = "
                f"{timeline.edges[cell]:g} and {timeline.edges[cell + 1]:g}, and the exact method needs one; "
                f"limit it, for instance with min(..., largest)"
            )
        extents[name] = (float(lower.min()), float(upper.max()))
    return extents


def refuse_bad_start(network: Network, timeline: Timeline, initial: Mapping[str, float] | None = None) -> None:
    """Refuse a network in which a rate is negative or not finite at the start, from other counts if they are given."""
    counts = network.initial if initial is None else initial
    env: dict[str, Any] = {
        name: _typical(value) for name, value in {**network.parameters, **counts, **network.variables}.items()
    }
    env["t"] = float(timeline.edges[0])
    for index, name in enumerate(network.structure.inputs):
        env[name] = float(timeline.base[0, index] + np.sum(timeline.amplitude[0, index]))
    simple = frozenset(network.structure.species)
    for reaction in network.structure.reactions:
        form = as_mass_action(reaction.rate, simple)
        rate = form.constants if form else (reaction.rate,)
        for part in rate:
            value = float(np.asarray(evaluate(part, env)))
            if not np.isfinite(value) or value < 0:
                what = "negative" if value < 0 else "not finite"
                raise SimulationError(
                    f"the rate of reaction '{reaction}' is {what} ({value:g}) at the start; "
                    f"check its parameters and write it so that it stays finite and nonnegative"
                )


def _typical(value: Any) -> float:
    return median(value) if is_distribution(value) else float(value)


def rates_to_check(network: Network, leaves: dict[str, tuple[float, float]]) -> tuple[int, ...]:
    """Return the reactions whose rate is not known to be nonnegative in every state."""
    plan, box = _plan_and_box(network, leaves)
    species = frozenset(network.structure.species)
    checked = []
    for r, reaction in enumerate(network.structure.reactions):
        if r in plan.varying:
            continue
        form = as_mass_action(reaction.rate, species)
        parts = form.constants if form else (plan.expressions[r],)
        lowest = [float(np.asarray(bounds(part, box)[0])) for part in parts]
        if not all(value >= 0 for value in lowest):
            checked.append(r)
    return tuple(checked)


def counts_need_check(network: Network, leaves: dict[str, tuple[float, float]], dosed: bool) -> bool:
    """Return whether a count could become negative, or grow beyond 2**31 - 1."""
    structure = network.structure
    if dosed or structure.events or any(reaction.effects for reaction in structure.reactions):
        return True
    laws = conservation_laws(structure)
    covered = np.any(laws > 0, axis=0) if laws.size and np.all(laws >= 0) else np.zeros(len(structure.species), bool)
    grows = [any(change > 0 for change in reaction.changes.values()) for reaction in structure.reactions]
    if any(grows) and not bool(np.all(covered)):
        return True
    plan, box = _plan_and_box(network, leaves)
    pairs = zip(structure.reactions, plan.expressions, strict=True)
    return any(_may_overdraw(structure, reaction, rate, box) for reaction, rate in pairs)


def _may_overdraw(structure: Structure, reaction: Reaction, rate: Expression, box: dict[str, Any]) -> bool:
    """Return whether a reaction could fire without the molecules that it takes."""
    form = as_mass_action(reaction.rate, frozenset(structure.species))
    taken = {name: -change for name, change in reaction.changes.items() if change < 0}
    if form is not None:
        return any(form.species.count(name) < need for name, need in taken.items())
    shortages = [{**box, name: (0.0, float(need - 1))} for name, need in taken.items()]
    return any(float(np.asarray(bounds(rate, short)[1])) != 0.0 for short in shortages)


def _plan_and_box(network: Network, leaves: dict[str, tuple[float, float]]) -> tuple[Any, dict[str, Any]]:
    """Return the rates, and the extent of everything that they read."""
    plan = plan_rates(network.structure, sampled_names(network.parameters))
    box: dict[str, Any] = {name: extent(value) for name, value in network.parameters.items()}
    box |= dict.fromkeys(network.structure.species, (0.0, MOST)) | leaves
    box |= dict.fromkeys(network.structure.variables, (-np.inf, np.inf))
    for name, expression in plan.before:
        low, high = bounds(expression, box)
        box[name] = (float(np.asarray(low)), float(np.asarray(high)))
    return plan, box
