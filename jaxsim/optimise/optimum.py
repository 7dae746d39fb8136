"""Optima: the schedule, what it is worth, and the certificate and ranking that show it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import optimize

from jaxsim._html import block, html_table, line
from jaxsim.dosing import Schedule
from jaxsim.gradient.check import GradientCheck, compared
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import assembled, posed
from jaxsim.gradient.objective import Limit
from jaxsim.gradient.problem import Problem
from jaxsim.gradient.result import Gradient
from jaxsim.gradient.switching import SwitchingFunction, switching_function
from jaxsim.gradient.unseen import unseen
from jaxsim.network import Network
from jaxsim.optimise.criterion import Criterion
from jaxsim.optimise.polish import LANES, stationary
from jaxsim.optimise.refine import UNSEEN
from jaxsim.optimise.search import FRESH, Search
from jaxsim.optimise.trial import BOUND, Trial
from jaxsim.statistics.intervals import TWO_SIDED

# The certificate of an optimum: its gradient with intervals, the bounds it stands at, the check of the gradient.
#
# Where limits are reached, the gradient of the objective need not vanish, but that of the Lagrangian: there must be
# multipliers, none of them negative, with which the gradients of the limits balance it (Karush, Kuhn & Tucker). They
# are those of the smallest chi-square, and each takes a degree of freedom from it.

_ACTIVE = 0.01  # share of its room below which a component stands at a bound
_WIDTH = 0.2  # of coordinates: half the step of the differences of a check


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Say how close to an optimum a schedule is.

    Attributes
    ----------
    slopes
        The gradient of the objective (with the pull of its limits) in times, amounts and durations, with errors.
    chi_square, degrees, p
        Of the gradient along all directions that are allowed, slopes too small for the final trial to see counted as
        noise; a small p says that the search has not arrived.
    active
        Components that stand at a bound, in words, and whether the gradient presses them against it.
    unseen
        Components of which the gradient lacks events that (almost) never happen there, in words.
    weights
        Of the objective, 1, and of the excess of each limit in the slope: the multipliers, [1 + limits].
    reached
        The limits at which the optimum stands, with their multipliers.

    Examples
    --------
    >>> Certificate.__name__
    'Certificate'
    """

    slopes: Gradient
    chi_square: float
    degrees: int
    p: float
    active: tuple[tuple[str, bool], ...]
    unseen: tuple[str, ...] = ()
    weights: np.ndarray = field(default_factory=lambda: np.ones(1))
    reached: tuple[tuple[str, float], ...] = ()

    @property
    def blind(self) -> bool:
        """Whether no trajectory showed any slope at all, which is no slope of zero."""
        silent = self.slopes.bound is not None or not np.any(self.slopes.noise)
        return not np.any(self.slopes.vector) and silent

    @property
    def stationary(self) -> bool:
        """Whether the gradient is whole and does not differ from zero (5 %), and every active bound is pressed."""
        return self.p > 0.05 and all(pressed for _, pressed in self.active) and not self.unseen and not self.blind

    def __str__(self) -> str:
        rows = [
            f"  {name}: {slope:.4g} ({slope - TWO_SIDED * error:.4g} to {slope + TWO_SIDED * error:.4g})"
            for name, slope, error in zip(self.slopes.components, self.slopes.vector, self.slopes.error, strict=True)
        ]
        bounds = [
            f"  at a bound: {name}{'' if pressed else ', but the gradient leads away'}" for name, pressed in self.active
        ]
        verdict = "does not differ from zero" if self.p > 0.05 else "DIFFERS from zero"
        head = (
            f"gradient at the optimum {verdict}: chi-square {self.chi_square:.3g} for {self.degrees}, p = {self.p:.2g}"
        )
        if self.blind:
            head = f"gradient at the optimum UNKNOWN: no event seen in {self.slopes.trajectories} trajectories"
        bounds += [
            f"  at a limit: {name}, with the multiplier {size:.3g}"
            if size > 0.0
            else f"  at a limit: {name}, but the objective does not press against it"
            for name, size in self.reached
        ]
        return "\n".join([head, *rows, *bounds, *(f"  NOT SEEN by scores: {phrase}" for phrase in self.unseen)])


def certify(search: Search, z: np.ndarray, reached: tuple[int, ...], trajectories: int) -> Certificate:
    """Return the certificate at z, where some limits are reached, from trajectories of their own."""
    weights = _balanced(search, z, reached, trajectories)
    problem = _weighted(search, search.at(z), weights, trajectories)
    found = assembled(problem, search.method, time.perf_counter())
    degrees = search.regimen.degrees - int(np.count_nonzero(weights[1:]))
    known = found.covariance + np.outer(found.discretisation, found.discretisation)
    p, chi_square = (1.0, 0.0) if degrees <= 0 else stationary(found.vector, known, degrees, search.resolution)
    shares = search.regimen.shares(z)
    active = []
    for index in np.flatnonzero(shares < _ACTIVE):
        slope = search.criterion.sign * found.vector[index] * _opening(search, z, int(index))
        active.append((search.regimen.labels[index], bool(slope >= -TWO_SIDED * found.error[index])))
    names = [place.name for place in search.regimen.places]
    _, schedule = search.regimen.free(z).model()
    natural = posed(
        free_numbers(search.problem.network, schedule, names, None), problem.objective, trajectories, problem.seed,
        (float(problem.grid.edges[0]), float(problem.grid.edges[-1])), None, None, problem.shifts, 0, problem.grid,
    )  # fmt: skip
    natural = natural._replace(scored=problem.scored, lanes=problem.lanes, reason=problem.reason)
    slopes = assembled(natural, search.method, time.perf_counter())
    limits = [(str(search.criterion.limits[i]), search.criterion.sign * float(weights[1 + i])) for i in reached]
    return Certificate(
        slopes=slopes,
        chi_square=chi_square,
        degrees=degrees,
        p=p,
        active=tuple(active),
        unseen=tuple(unseen(natural, search.method)),
        weights=weights,
        reached=tuple(limits),
    )


def _balanced(search: Search, z: np.ndarray, reached: tuple[int, ...], trajectories: int) -> np.ndarray:
    """Return the weights of objective and excesses, [1 + limits], whose gradients cancel best.

    All gradients are of the same trajectories, which those of the certificate are too: what is left of their sum is
    then noise of directions that the multipliers do not reach.
    """
    weights, here = np.zeros(len(search.criterion.counts)), search.at(z)
    weights[0] = 1.0
    if not reached:
        return weights
    slopes = []
    for index in (0, *(1 + i for i in reached)):
        alone = np.zeros(weights.size)
        alone[index] = 1.0
        found = assembled(_weighted(search, here, alone, trajectories), search.method, time.perf_counter())
        slopes.append((found.vector, found.noise))
    sizes = np.sqrt(np.sum([error**2 for _, error in slopes], axis=0) + search.resolution**2)
    pushed = search.criterion.sign * slopes[0][0] / sizes
    pulls = np.stack([vector / sizes for vector, _ in slopes[1:]], axis=1)
    found, _ = optimize.nnls(pulls, -pushed)
    weights[[1 + i for i in reached]] = search.criterion.sign * found
    return weights


def checked(search: Search, z: np.ndarray, weights: np.ndarray, trajectories: int) -> GradientCheck:
    """Hold the gradient of the descent at z against coupled pairs."""
    began = time.perf_counter()
    problem = _weighted(search, search.at(z), weights, trajectories)
    found = assembled(problem, search.method, began)
    small = (UNSEEN * search.resolution) ** 2 * np.eye(z.size)  # two estimators may differ by what no trial could see
    found = replace(found, covariance=found.covariance + small)
    wide = problem._replace(steps=np.full(z.size, _WIDTH), lanes=search.problem.lanes)
    return compared(wide, found, trajectories, began)


def _weighted(search: Search, problem: Problem, weights: np.ndarray, trajectories: int) -> Problem:
    return problem._replace(
        objective=search.criterion.weighted(weights), lanes=LANES, trajectories=trajectories,
        seed=(search.seed + FRESH) % (1 << 64), first=1 << 40,
    )  # fmt: skip


def _opening(search: Search, z: np.ndarray, index: int) -> float:
    """Return 1 if a larger coordinate leads away from the bound at which it stands, else -1."""
    for place in search.regimen.places:
        if place.first <= index < place.first + place.coordinate.size:
            return place.coordinate.opening(z[place.components])[index - place.first]
    raise IndexError(index)


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


@dataclass(frozen=True, kw_only=True)
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
        held = html_table("optimum", ("name", "values"), rows)
        return block(line(first), held, *map(line, lines[len(self.held) :]))


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _last_line(check: GradientCheck) -> str:
    return str(check).splitlines()[-1]


# Agents compared: each with its own best schedule, all on the same fresh trajectories.


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
