"""What no estimator, or no pathwise one, has a derivative of: refused by name, never returned as zero."""

from typing import Any

import jax
import numpy as np

from jaxsim.ensemble.admission import refuse_effects, refuse_empty_and_events
from jaxsim.ensemble.values import extent
from jaxsim.errors import SimulationError
from jaxsim.gradient.objective import Objective, described, has_jumps
from jaxsim.gradient.tables import Slopes
from jaxsim.network import Call, Compare, Expression, Logic, Network, names, to_string
from jaxsim.network.expression import fold

STEPS = ("floor", "ceil")


def refuse_for_gradient(network: Network, method: str) -> None:
    """Refuse events and effects, which the chain does not follow."""
    refuse_empty_and_events(network.structure, method)
    refuse_effects(network.structure, method)


def largest_known_count(network: Network, schedule: Any) -> float:
    """Return the largest number of molecules that a species begins with or is given at once."""
    given = [extent(value)[1] for value in network.initial.values()]
    for agent, entries in schedule.items():
        if agent in network.structure.species:
            given += [float(amount) for entry in entries for amount in entry.amounts(np)]
    return max(given, default=0.0)


def moving_parameters(slopes: Slopes) -> frozenset[str]:
    """Return the parameters that move with what is free."""
    given = slopes.tables.parameters.items()
    return frozenset(name for name, slope in given if any(np.any(leaf != 0.0) for leaf in jax.tree.leaves(slope)))


def refuse_moving_objective(objective: Objective, moving: frozenset[str]) -> None:
    """Refuse an objective that reads a free parameter directly."""
    for term in objective.terms:
        for name in sorted(names(term.signal) & moving):
            raise SimulationError(
                f"the objective '{described(term)}' reads the free parameter '{name}' itself; write it of species alone"
            )


def refuse_moving_jumps(network: Network, moving: frozenset[str], driven: frozenset[str]) -> None:
    """Refuse a rate that jumps where something free crosses a line: its derivative would miss the jump."""
    for reaction in network.structure.reactions:
        for condition in _conditions(reaction.rate):
            for name in sorted(names(condition) & (moving | driven)):
                raise SimulationError(
                    f"the rate of reaction '{reaction}' jumps with '{name}' at '{to_string(condition)}', and a "
                    f"derivative would miss the jump; write a steep smooth function such as hill({name}, k, n)"
                )


def driven_inputs(network: Network, schedule: Any, slopes: Slopes) -> frozenset[str]:
    """Return the inputs, and the time, on which the moving exposure may depend."""
    if not np.any(slopes.tables.exposure != 0.0):
        return frozenset()
    return frozenset(network.structure.inputs)


def _conditions(rate: Expression) -> list[Expression]:
    found: list[Expression] = []

    def visit(node: Expression, _: Any) -> None:
        if isinstance(node, Compare | Logic) or (isinstance(node, Call) and node.function in STEPS):
            found.append(node)

    fold(rate, visit)
    return found


def refuse_jumps(objective: Objective, method: str) -> None:
    """Refuse a discontinuous objective, of which a path has no derivative."""
    for term in objective.terms:
        if term.discontinuous:
            raise SimulationError(
                f"'{described(term)}' jumps from one value to another, so method '{method}' has no derivative of it; "
                f"use method 'leap_score', 'surrogate' or 'difference'"
            )
        if term.summary == "quantile" and has_jumps(term.signal):
            raise SimulationError(f"'{described(term)}' has no density; use js.probability")
