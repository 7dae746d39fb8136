"""js.rare_probability: the probability of a rare event by importance sampling on exact paths."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsim.dosing import Schedule, build_timeline
from jaxsim.errors import SimulationError, naming_closest_keyword
from jaxsim.gradient.estimators.importance import effective_sample_size, refuse, weighed_paths
from jaxsim.gradient.exact.drive import plain_drive
from jaxsim.gradient.objective import Objective, leap_grid, settled
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.tables import table_values
from jaxsim.gradient.validity import refuse_for_gradient
from jaxsim.network import Network
from jaxsim.statistics.intervals import TWO_SIDED


@dataclass(frozen=True)
class RareProbability:
    """Hold the probability of a rare event with its evidence; made by :func:`jaxsim.rare_probability`.

    Attributes
    ----------
    value, standard_error
        The estimate and its standard error.
    effective
        Trajectories of equal weight that would carry the same information.
    trajectories
        Behind the estimate; pilots are not counted.
    plain
        Trajectories of plain Monte Carlo for the same standard error.
    seconds
        Of the whole call, pilots and compiling included.

    Examples
    --------
    >>> found = RareProbability("X == 0", 1e-6, 1e-8, 5000.0, 10_000, 0.0)
    >>> print(found)
    probability of X == 0: 1e-06 +- 1e-08 (plain Monte Carlo would need 1e+10 trajectories for 10000)
    """

    event: str
    value: float
    standard_error: float
    effective_sample_size: float
    trajectories: int
    seconds: float

    @property
    def plain(self) -> float:
        """Trajectories of plain Monte Carlo for the same standard error."""
        return self.value * (1.0 - self.value) / self.standard_error**2

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return self.value - TWO_SIDED * self.standard_error, self.value + TWO_SIDED * self.standard_error

    def __str__(self) -> str:
        return (
            f"probability of {self.event}: {self.value:.4g} +- {self.standard_error:.2g} (plain Monte Carlo would need "
            f"{self.plain:.2g} trajectories for {self.trajectories})"
        )


@naming_closest_keyword
def rare_probability(
    network: Network,
    objective: Objective,
    *,
    schedule: Schedule | None = None,
    trajectories: int = 10_000,
    seed: int = 0,
    start: float = 0.0,
    end: float | None = None,
) -> RareProbability:
    """Estimate the probability of a rare event, down to 1e-9 and below, by importance sampling on exact paths.

    Rates are multiplied by factors that lead to the event, learnt from pilots by the cross-entropy method; each path
    counts by its exact likelihood ratio, so that the estimate is unbiased. Its gradient is
    ``js.gradient(..., method="importance")``.

    Parameters
    ----------
    network : Network
    objective : Objective
        One ``js.probability``, at a time or during a span.
    schedule : Schedule, optional
        Doses.
    trajectories : int
        Behind the estimate, at least.
    seed : int
        From 0 to 2**64 - 1.
    start, end : float
        Span of the simulation; its end is the last time in the objective if not given.

    Returns
    -------
    RareProbability
        Value, standard error, 95 % interval, and the plain trajectories that it replaces.

    Raises
    ------
    JaxsimError
        In one sentence: where no tilt leads to the event, where too few trajectories carry the estimate, where their
        weights have no variance, and where two tilts learnt apart disagree. Never a small interval instead.

    References
    ----------
    Daigle, Roh, Gillespie & Petzold, J. Chem. Phys. 134 (2011) 044110.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 8}, ["X -> 2 X, 1", "X -> , 0.2"])
    >>> found = js.rare_probability(net, js.probability("X == 0", at=3.0), trajectories=4000, seed=1)
    >>> found.standard_error < 0.1 * found.value
    True
    """
    began = time.perf_counter()
    if not isinstance(network, Network):
        raise SimulationError(f"rare_probability takes a js.Network, not a {type(network).__name__}")
    if isinstance(trajectories, bool) or not isinstance(trajectories, int | np.integer) or trajectories < 2:
        raise SimulationError(f"trajectories is {trajectories!r}; give a whole number from 2 on")
    refuse_for_gradient(network)
    schedule = Schedule() if schedule is None else schedule
    objective, last = settled(objective, network, float(start), end)
    build_timeline(network, schedule, float(start), last)
    grid = leap_grid(objective, schedule, network.structure.species, (float(start), last), None)
    tables: Any = table_values(network, schedule, grid.edges, 1, grid.pinned)
    nothing: Any = None
    problem = Problem(
        *(nothing, network, schedule, objective, grid, tables, nothing, int(trajectories), seed, 0, 1, None)
    )
    refuse(problem)
    weights = np.concatenate([half.weight for half in weighed_paths(problem, plain_drive(problem))])
    size, factor = weights.size, objective.terms[0].weight
    error = float(np.std(weights, ddof=1) / np.sqrt(size))
    return RareProbability(
        *(str(objective).removeprefix("probability of "), factor * float(np.mean(weights)), abs(factor) * error),
        *(effective_sample_size(weights), size, time.perf_counter() - began),
    )
