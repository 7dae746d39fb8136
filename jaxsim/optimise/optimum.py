"""What an optimisation returns: the schedule, what it is worth, and the evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jaxsim._html import block, line, table
from jaxsim.dosing import Schedule
from jaxsim.gradient.check import GradientCheck
from jaxsim.gradient.limit import Limit
from jaxsim.gradient.switching import SwitchingFunction, switching_function
from jaxsim.network import Network
from jaxsim.optimise.certificate import Certificate
from jaxsim.optimise.criterion import Criterion
from jaxsim.optimise.search import Search
from jaxsim.optimise.trial import BOUND, Trial

TWO_SIDED = 1.96


@dataclass(frozen=True)
class Gain:
    """What the optimum gives beyond another schedule, on the same fresh trajectories.

    Examples
    --------
    >>> print(Gain("start", 0.25, 0.01))
    optimum - start: 0.25 (0.2304 to 0.2696)
    """

    over: str
    difference: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, from the differences of pairs."""
        return self.difference - TWO_SIDED * self.error, self.difference + TWO_SIDED * self.error

    def __str__(self) -> str:
        low, high = self.interval
        return f"optimum - {self.over}: {self.difference:.4g} ({low:.4g} to {high:.4g})"


@dataclass(frozen=True)
class Optimum:
    """Hold the best schedule found with its evidence; made by :func:`jaxsim.optimise`.

    Attributes
    ----------
    schedule, start : Schedule
        The optimum, and what the search was given.
    value, value_error : float
        Of the objective at the optimum, on trajectories that the search never used.
    trial : Trial
        The final one, of the optimum against every start, the user's schedule and those to compare with: means and
        covariances of the objective (functional 0) and of the excess of each limit.
    gains : tuple of Gain
        Paired differences of the objective, that over the start first.
    improved : bool
        Whether an improvement over the start was shown; the first line of the printed optimum says so too.
    certificate : Certificate or None
        The gradient at the optimum with intervals, and active bounds.
    checks : dict
        Of the gradient against coupled pairs of exact paths, at the ``start`` and at the ``optimum``.
    path : mapping of str to float64 array [steps, n]
        Of times, amounts and durations: the search that led to the optimum.
    cost : mapping
        Trajectories of the search in forward equivalents, of the evidence, and seconds.
    ended, notes
        Why the descent ended, and what else there is to know.

    Examples
    --------
    >>> Optimum.__name__
    'Optimum'
    """

    schedule: Schedule
    start: Schedule
    trial: Trial
    certificate: Certificate | None
    checks: Mapping[str, GradientCheck]
    path: Mapping[str, np.ndarray]
    batches: np.ndarray
    """int [steps of the polish]: trajectories of each gradient."""
    held: Mapping[str, np.ndarray]
    """What was free: times, amounts and durations at the optimum, by name."""
    cost: Mapping[str, float]
    method: str
    ended: str
    notes: tuple[str, ...]
    coordinates: np.ndarray
    """float64 [steps, Z]: of the path, the optimum last."""
    search: Search
    """What the search was posed with, for what is computed later."""

    @property
    def network(self) -> Network:
        """The network."""
        return self.search.problem.network

    @property
    def criterion(self) -> Criterion:
        """What was sought."""
        return self.search.criterion

    @property
    def value(self) -> float:
        """The objective at the optimum."""
        return float(self.trial.mean[0, 0])

    @property
    def value_error(self) -> float:
        """Its standard error."""
        return self.trial.error(0)

    @property
    def gains(self) -> tuple[Gain, ...]:
        """What the optimum gives beyond each other schedule of the final trial."""
        return tuple(
            Gain(name, *self.trial.difference(0, other)) for other, name in enumerate(self.trial.names) if other != 0
        )

    @property
    def limits(self) -> tuple[tuple[Limit, float, float, bool], ...]:
        """Each limit with what the optimum gives, the 95 % bound on its side, and whether that keeps it."""
        upper = self.trial.upper(0)
        sides = [1.0 if limit.upper else -1.0 for limit in self.criterion.limits]
        return tuple(
            (limit, side * float(self.trial.mean[0, 1 + i]), side * float(upper[i]), bool(upper[i] <= limit.most))
            for i, (limit, side) in enumerate(zip(self.criterion.limits, sides, strict=True))
        )

    @property
    def feasible(self) -> bool:
        """Whether the upper 95 % bound of every limit is kept."""
        return all(kept for *_, kept in self.limits)

    @property
    def improved(self) -> bool:
        """Whether an improvement over the start was shown, at 95 %.

        The optimum keeps all limits, and either its gain has an interval on the better side of zero, or the start
        breaks a limit: its bound on the near side lies beyond it.
        """
        return self.feasible and (self._gains_over_start > 0 or self._start_breaks_limits)

    @property
    def _gains_over_start(self) -> int:
        """1 where the interval of the gain over the start is better than zero, -1 where it is worse, else 0."""
        low, high = sorted(self.criterion.sign * -bound for bound in self.gains[0].interval)
        return int(low > 0) - int(high < 0)

    @property
    def _start_breaks_limits(self) -> bool:
        index = self.trial.names.index("start")
        excess = self.trial.mean[index, 1:]
        errors = [self.trial.error(index, f) for f in range(1, 1 + len(excess))]
        return bool(np.any(excess - BOUND * np.asarray(errors) > self.criterion.most))

    @property
    def verdict(self) -> str:
        """One line: whether an improvement over the start was shown, with the interval of the gain."""
        low, high = self.gains[0].interval
        pairs = f"optimum - start: {low:.4g} to {high:.4g}, 95 % of pairs"
        if not self.feasible:
            return f"no improvement over the start was shown: the optimum may break a limit ({pairs})"
        if self._gains_over_start > 0:
            return f"an improvement over the start was shown ({pairs})"
        if self._start_breaks_limits:
            return f"an improvement over the start was shown: it breaks a limit, the optimum keeps all ({pairs})"
        if self._gains_over_start < 0:
            return f"no improvement over the start was shown: the start is better ({pairs})"
        return f"no improvement over the start was shown: the interval of the gain holds zero ({pairs})"

    def switching_function(self, of: str, **settings: Any) -> SwitchingFunction:
        """Return the derivative of the objective in the whole course of an effect, at the optimum.

        Parameters are those of :func:`jaxsim.switching_function`; species treated by score, span and step are those of
        the search if not given, and the schedule is the optimum.
        """
        edges = self.search.problem.grid.edges
        given: dict[str, Any] = {
            "start": float(edges[0]), "end": float(edges[-1]), "step": float(np.diff(edges).max()),
            "scored": self.search.problem.scored, "seed": self.search.seed, "schedule": self.schedule,
        }  # fmt: skip
        found = switching_function(self.network, self.criterion.objective, of=of, **(given | settings))
        return replace(found, minimised=self.criterion.minimised)

    def __str__(self) -> str:
        low, high = self.value - TWO_SIDED * self.value_error, self.value + TWO_SIDED * self.value_error
        verb = "minimised" if self.criterion.minimised else "maximised"
        lines = [self.verdict, f"{self.criterion.objective}, {verb}: {self.value:.5g} ({low:.5g} to {high:.5g})"]
        lines += [f"  {name} = {_listed(value)}" for name, value in self.held.items()]
        lines += [f"  {gain}" for gain in self.gains]
        lines += [
            f"  limit {limit}: {'kept' if kept else 'NOT KEPT'}; {value:.4g}, with 95 % "
            f"{'at most' if limit.upper else 'at least'} {bound:.4g}"
            for limit, value, bound, kept in self.limits
        ]
        lines.append(f"final trial: {self.trial.trajectories} {self.trial.paths}")
        if self.certificate is not None:
            lines.append(str(self.certificate))
        lines += [f"gradient at the {where}: {_last_line(check)}" for where, check in self.checks.items()]
        lines.append(
            f"search: {self.cost['search']:.3g} forward trajectories, {self.cost['seconds']:.3g} s; {self.ended}"
        )
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        first, *lines = str(self).splitlines()
        rows = [(name, _listed(value)) for name, value in self.held.items()]
        held = table("optimum", ("name", "values"), rows)
        return block(line(first), held, *map(line, lines[len(self.held) :]))


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _last_line(check: GradientCheck) -> str:
    return str(check).splitlines()[-1]
