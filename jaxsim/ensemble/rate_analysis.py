"""Analyse the rates of a network along a timeline: bounds, extents, signs, and whether counts stay in range.

Sources of bounds: interval arithmetic over a box of everything that a rate reads (Moore, Interval Analysis, 1966).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from jaxsim.dosing import Timeline
from jaxsim.ensemble.prepare import extent, median, sampled_names, shared_values
from jaxsim.errors import SimulationError
from jaxsim.kernels import leaf_bounds, plan_rates
from jaxsim.kernels.rates import as_mass_action
from jaxsim.network import Network, bounds, conservation_laws, evaluate, is_distribution, names

_MOST = float(2**31 - 1)


class RateAnalysis:
    """What is known of the rates of a network along a timeline; each answer is found once, when it is asked for.

    Parameters
    ----------
    network
        With its numbers.
    timeline
        Its cells, doses and drug curves.

    Examples
    --------
    >>> from jaxsim.dosing import build_timeline
    >>> net = Network({"A": 9, "B": 0}, ["A -> B, 2", "B -> A @ k*(B - A)"], {"k": 1.0})
    >>> rates = RateAnalysis(net, build_timeline(net, None, 0.0, 1.0))
    >>> rates.unsigned, rates.counts_may_leave(dosed=False)
    ((1,), False)
    """

    def __init__(self, network: Network, timeline: Timeline) -> None:
        self.network, self.structure, self.timeline = network, network.structure, timeline
        self.plan = plan_rates(network.structure, sampled_names(network.parameters))
        species = frozenset(network.structure.species)
        self.mass_action = tuple(as_mass_action(reaction.rate, species) for reaction in network.structure.reactions)

    @cached_property
    def leaves(self) -> dict[str, tuple[float, float]]:
        """The extent of every function of time in the rates.

        Raises
        ------
        SimulationError
            If a rate has no bound over some cell.
        """
        found = leaf_bounds(self.plan, self.structure, shared_values(self.network), self.timeline)
        extents = {}
        for name, (low, high) in found.items():
            lower, upper = np.asarray(low), np.asarray(high)
            bad = ~(np.isfinite(lower) & np.isfinite(upper))
            if np.any(bad):
                cell = int(np.argmax(bad))
                reaction = next(r for r in self.plan.varying if name in names(self.plan.expressions[r]))
                raise SimulationError(
                    f"the rate of reaction '{self.structure.reactions[reaction]}' has no bound between t = "
                    f"{self.timeline.edges[cell]:g} and {self.timeline.edges[cell + 1]:g}, and the exact method needs "
                    f"one; limit it, for instance with min(..., largest)"
                )
            extents[name] = (float(lower.min()), float(upper.max()))
        return extents

    @cached_property
    def box(self) -> dict[str, Any]:
        """The extent of everything that rates read."""
        box: dict[str, Any] = {name: extent(value) for name, value in self.network.parameters.items()}
        box |= dict.fromkeys(self.structure.species, (0.0, _MOST)) | self.leaves
        box |= dict.fromkeys(self.structure.variables, (-np.inf, np.inf))
        for name, expression in self.plan.before:
            low, high = bounds(expression, box)
            box[name] = (float(np.asarray(low)), float(np.asarray(high)))
        return box

    @cached_property
    def unsigned(self) -> tuple[int, ...]:
        """The reactions whose rate is not known to be nonnegative in every state, but for those that vary in time."""
        found = []
        for r, form in enumerate(self.mass_action):
            if r in self.plan.varying:
                continue
            parts = form.constants if form else (self.plan.expressions[r],)
            lowest = [float(np.asarray(bounds(part, self.box)[0])) for part in parts]
            if not all(value >= 0 for value in lowest):
                found.append(r)
        return tuple(found)

    def counts_may_leave(self, dosed: bool) -> bool:
        """Return whether a count could become negative, or grow beyond 2**31 - 1."""
        structure = self.structure
        if dosed or structure.events or any(reaction.effects for reaction in structure.reactions):
            return True
        laws = conservation_laws(structure)
        covered = (
            np.any(laws > 0, axis=0) if laws.size and np.all(laws >= 0) else np.zeros(len(structure.species), bool)
        )
        grows = [any(change > 0 for change in reaction.changes.values()) for reaction in structure.reactions]
        if any(grows) and not bool(np.all(covered)):
            return True
        return any(self._may_overdraw(r) for r in range(len(structure.reactions)))

    def _may_overdraw(self, r: int) -> bool:
        """Return whether a reaction could fire without the molecules that it takes."""
        form = self.mass_action[r]
        taken = {name: -change for name, change in self.structure.reactions[r].changes.items() if change < 0}
        if form is not None:
            return any(form.species.count(name) < need for name, need in taken.items())
        shortages = [{**self.box, name: (0.0, float(need - 1))} for name, need in taken.items()]
        return any(float(np.asarray(bounds(self.plan.expressions[r], short)[1])) != 0.0 for short in shortages)

    def refuse_bad_start(self, initial: Mapping[str, float] | None = None) -> None:
        """Refuse a rate that is negative or not finite at the start, from other counts if they are given."""
        counts = self.network.initial if initial is None else initial
        values = {**self.network.parameters, **counts, **self.network.variables}
        env: dict[str, Any] = {name: _typical(value) for name, value in values.items()}
        env["t"] = float(self.timeline.edges[0])
        for index, name in enumerate(self.structure.inputs):
            env[name] = float(self.timeline.base[0, index] + np.sum(self.timeline.amplitude[0, index]))
        for reaction, form in zip(self.structure.reactions, self.mass_action, strict=True):
            for part in form.constants if form else (reaction.rate,):
                value = float(np.asarray(evaluate(part, env)))
                if not np.isfinite(value) or value < 0:
                    what = "negative" if value < 0 else "not finite"
                    raise SimulationError(
                        f"the rate of reaction '{reaction}' is {what} ({value:g}) at the start; "
                        f"check its parameters and write it so that it stays finite and nonnegative"
                    )


def _typical(value: Any) -> float:
    return median(value) if is_distribution(value) else float(value)
