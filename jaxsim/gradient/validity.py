"""Refuse by name what has no derivative, for all estimators or for those along paths; never return it as zero."""

from typing import Any

import jax
import numpy as np

from jaxsim.dosing.schedule import Schedule
from jaxsim.ensemble.prepare import extent
from jaxsim.errors import SimulationError
from jaxsim.gradient.objective import Objective, described, has_jumps
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.summaries import Quantile
from jaxsim.gradient.tables import Slopes
from jaxsim.kernels.rates import plan_rates
from jaxsim.network import Call, Compare, Expression, Logic, Network, names, substitute, to_string
from jaxsim.network.expression import fold

_STEPS = ("floor", "ceil")


def refuse_for_gradient(network: Network) -> None:
    """Refuse events, effects and variables, which no estimator follows."""
    structure = network.structure
    remedy = "no estimator of gradients follows it; compare designs with js.simulate, on common seeds"
    if not structure.reactions:
        raise SimulationError("the network has no reactions, so that nothing depends on what is free; add some")
    if structure.events:
        raise SimulationError(f"the event '{structure.events[0]}' is triggered by whole counts, and {remedy}")
    if structure.variables:
        raise SimulationError(f"'{structure.variables[0]}' is a variable that events set, and {remedy}")
    for reaction in structure.reactions:
        if reaction.effects:
            raise SimulationError(f"reaction '{reaction}' sets species by an effect, and {remedy}")


def largest_known_count(network: Network, schedule: Schedule) -> float:
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


def refuse_moving_jumps(network: Network, sampled: tuple[str, ...], slopes: Slopes) -> None:
    """Refuse a rate that jumps where something free crosses what differs between trajectories.

    A condition of time, inputs and shared parameters alone switches at moments that are known, and the tables hold what
    moving these does. One that reads the state or a sampled parameter too switches at another moment in every
    trajectory, which a derivative of the rate misses.
    """
    plan = plan_rates(network.structure, sampled)
    before, in_time = dict(plan.before), dict(plan.in_time)
    moving = moving_parameters(slopes)
    driven = {name for d, (name, _) in enumerate(plan.in_time) if np.any(slopes.tables.exposure[:, d] != 0.0)}
    for reaction, rate in zip(network.structure.reactions, plan.expressions, strict=True):
        for part in _parts(rate, before):
            for condition in _conditions(part):
                read = names(substitute(condition, before))
                for name in sorted(read & (moving | driven)):
                    shown = to_string(substitute(condition, {**before, **in_time}))
                    by = name if name in moving else to_string(in_time[name])
                    raise SimulationError(
                        f"the rate of reaction '{reaction}' jumps with '{by}' at '{shown}', at another moment in every "
                        f"trajectory, and a derivative would miss the jump; write a steep smooth function such as "
                        f"hill({by}, k, n)"
                    )


def _parts(rate: Expression, before: dict[str, Expression]) -> list[Expression]:
    """Return a rate, and what is computed for it before the loop."""
    return [rate, *(before[name] for name in sorted(names(rate) & set(before)))]


def refuse_jumping_rates(problem: Problem, method: str) -> None:
    """Refuse rates that jump with the state, which no derivative along a path sees."""
    network = problem.network
    for reaction in network.structure.reactions:
        for condition in _conditions(reaction.rate):
            for name in sorted(names(condition) & set(network.structure.species)):
                raise SimulationError(
                    f"the rate of reaction '{reaction}' jumps with the state '{name}' at '{to_string(condition)}', and "
                    f"method '{method}' differentiates along the path, which misses the jump; use method 'leap_score', "
                    f"'score' or 'split_difference', or write branches that meet with min and max"
                )


def _conditions(rate: Expression) -> list[Expression]:
    found: list[Expression] = []

    def visit(node: Expression, _: list[Any]) -> None:
        if isinstance(node, Compare | Logic) or (isinstance(node, Call) and node.function in _STEPS):
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
        if isinstance(term.summary, Quantile) and has_jumps(term.signal):
            raise SimulationError(f"'{described(term)}' has no density; use js.probability")
