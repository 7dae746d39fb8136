"""Agents compared: each with its own best schedule, all on the same fresh trajectories."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jaxsim.optimise.optimum import Gain, Optimum
from jaxsim.optimise.trial import Trial

TWO_SIDED = 1.96


@dataclass(frozen=True)
class Ranking:
    """Hold the best schedule of each of several candidates; made by :func:`jaxsim.optimise` given several schedules.

    Attributes
    ----------
    optima : mapping of str to Optimum
        By name, in the order given.
    trial : Trial
        Of all optima and all that they are compared with, on trajectories that no search used.

    Examples
    --------
    >>> Ranking.__name__
    'Ranking'
    """

    optima: Mapping[str, Optimum]
    trial: Trial

    @property
    def order(self) -> tuple[str, ...]:
        """The candidates, best first: those that keep all limits before those that do not."""
        names = list(self.optima)
        criterion = self.optima[names[0]].criterion
        return tuple(
            sorted(
                names,
                key=lambda name: (
                    bool(np.any(self.trial.upper(names.index(name)) > criterion.most)),
                    criterion.sign * self.trial.mean[names.index(name), 0],
                ),
            )
        )

    @property
    def best(self) -> Optimum:
        """The optimum of the best candidate."""
        return self.optima[self.order[0]]

    def gain(self, over: str) -> Gain:
        """Return what the best gives beyond another candidate or a schedule that is compared with, in pairs."""
        names = self.trial.names
        return Gain(over, *self.trial.difference(names.index(self.order[0]), names.index(over)))

    def __str__(self) -> str:
        criterion = self.best.criterion
        verb = "minimised" if criterion.minimised else "maximised"
        order = [*self.order, *(name for name in self.trial.names if name not in self.optima)]
        width = max(len(name) for name in order)
        lines = [f"{self.order[0]}: {self.best.verdict}", f"{criterion.objective}, {verb}"]
        for name in order:
            index = self.trial.names.index(name)
            value, reach = self.trial.mean[index, 0], TWO_SIDED * self.trial.error(index)
            low, high = self.gain(name).interval
            behind = "best" if name == order[0] else f"best - this: {low:.4g} to {high:.4g}"
            kept = bool(np.all(self.trial.upper(index) <= criterion.most))
            limit = "" if not criterion.limits else "; limits kept" if kept else "; limits NOT KEPT"
            lines.append(
                f"  {name:<{width}}  {value:.5g} ({value - reach:.5g} to {value + reach:.5g}); {behind}{limit}"
            )
        return "\n".join(lines)
