"""Functionals: the number that a term of an objective reads off one trajectory.

A functional is a frozen object with the same verbs for every way in which a path is walked: the grid of leaps, exact
events, the linear noise around the mean, the rate equations. A new one is a class here and a constructor in
``objectives``; no estimator knows which there are. The columns of :class:`jaxsim.gradient.objective.Looks` say when it
looks: `at` and `within` at edges of the grid, `weight` over its steps.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

if TYPE_CHECKING:
    from jaxsim.gradient.objective import Looks


class Column(NamedTuple):
    """When one term looks at the state on a grid of n steps."""

    at: Bool[np.ndarray, " edges"]
    """At which edge it takes its value."""
    weight: Float[np.ndarray, " steps"]
    """The part of each step that an integral takes."""
    within: Bool[np.ndarray, " edges"]
    """At which edges an extremum looks."""


class PathEvent(NamedTuple):
    """Where an exact path stands when it changes: in a cell of time, at its edge or between, after a wait."""

    at: Any
    """bool: whether the term takes its value at the edge that ends the cell."""
    weight: Any
    """float32: the part of the cell that an integral takes."""
    within: Any
    """bool: whether the edge that begins the cell is looked at."""
    within_next: Any
    """bool: whether the edge that ends it is."""
    enters: Any
    """bool [L]: lanes that are at the edge."""
    ended: Any
    """bool [L]: lanes that have ended before."""
    waited: Any
    """float32 [L]: time since the last change."""


class Functional(ABC):
    """One number of the course of a signal from `start` to `end`."""

    instant: ClassVar[bool] = False
    """Whether it reads one moment, and `start` means nothing."""
    additive: ClassVar[bool] = False
    """Whether it adds up over time, so that what a moment gives is credited to events before it alone."""

    @abstractmethod
    def text(self, signal: str, when: str, span: str) -> str:
        """Return it in words."""

    @abstractmethod
    def looks(self, start: float, end: float, edges: np.ndarray) -> Column:
        """Return when it looks at the state on a grid with these edges."""

    @abstractmethod
    def first(self, now: Array, at: Array, within: Array) -> Any:
        """Return the number so far at the start [L], from the signal then; `at` and `within` are of the first edge."""

    @abstractmethod
    def step(self, so_far: Array, before: Array, after: Array, at: Array, weight: Array, within: Array) -> Any:
        """Return the number so far [L] with a step from signals `before` to `after`; `at`, `within`: of its last edge.

        An integral takes the trapezoid, since the expected path is close to straight within a leap.
        """

    @abstractmethod
    def seen(self, at: Array, weight: Array, within: Array) -> Any:
        """Return whether what happens up to the end of a step matters to it."""

    @abstractmethod
    def event(self, so_far: Array, before: Array, after: Array, where: PathEvent) -> tuple[Any, Any]:
        """Return the number so far [L] after a change of an exact path, and in which lanes it has looked."""

    @abstractmethod
    def late(self, at: Array, weight: Array) -> bool:
        """Return whether it looks at the very end; `at` of the last edge, `weight` of the last step."""

    @abstractmethod
    def course(self, values: Array, looks: "Looks", j: int) -> Any:
        """Return it of values at all edges [n + 1], those of a mean; the looks are of term j."""

    @abstractmethod
    def times(self, start: float, end: float, points: int) -> np.ndarray:
        """Return the times at which a solution must be known, so many parts of a span."""

    @abstractmethod
    def sampled(self, values: Array, times: np.ndarray, start: float, end: float) -> Any:
        """Return it of values at times that hold those of `times`."""

    def most(self, start: float, end: float) -> float:
        """Return the most that it can be of a signal between 0 and 1."""
        return 1.0


@dataclass(frozen=True)
class At(Functional):
    """The signal at `end`."""

    instant = True

    def text(self, signal: str, when: str, span: str) -> str:
        """Return it in words."""
        return f"{signal} {when}"

    def looks(self, start: float, end: float, edges: np.ndarray) -> Column:
        """Look at the edge nearest to `end`."""
        at = np.zeros(edges.size, bool)
        at[np.argmin(np.abs(edges - end))] = True
        return Column(at, np.zeros(edges.size - 1, np.float32), np.zeros(edges.size, bool))

    def first(self, now: Array, at: Array, within: Array) -> Any:
        """Return the signal if the start is the moment."""
        return jnp.where(at, now, 0.0 * now)

    def step(self, so_far: Array, before: Array, after: Array, at: Array, weight: Array, within: Array) -> Any:
        """Take the signal at the moment."""
        return jnp.where(at, after, so_far)

    def seen(self, at: Array, weight: Array, within: Array) -> Any:
        """Return whether the moment is the end of the step."""
        return at

    def event(self, so_far: Array, before: Array, after: Array, where: PathEvent) -> tuple[Any, Any]:
        """Take the signal at the edge that is the moment."""
        looked = where.enters & where.at
        return jnp.where(looked, after, so_far), looked

    def late(self, at: Array, weight: Array) -> bool:
        """Return whether the moment is the very end."""
        return bool(at)

    def course(self, values: Array, looks: "Looks", j: int) -> Any:
        """Return the value at the moment."""
        return jnp.sum(jnp.where(looks.at[:, j], values, 0.0))

    def times(self, start: float, end: float, points: int) -> np.ndarray:
        """Return the moment."""
        return np.array([end])

    def sampled(self, values: Array, times: np.ndarray, start: float, end: float) -> Any:
        """Return the value at the moment."""
        return values[int(np.searchsorted(times, end))]


@dataclass(frozen=True)
class Integral(Functional):
    """The integral of the signal from `start` to `end`."""

    additive = True

    def text(self, signal: str, when: str, span: str) -> str:
        """Return it in words."""
        return f"the integral of {signal} {span}"

    def looks(self, start: float, end: float, edges: np.ndarray) -> Column:
        """Take the steps inside the span."""
        inside = (edges[:-1] >= start) & (edges[1:] <= end)
        weight = np.where(inside, np.diff(edges), 0.0).astype(np.float32)
        return Column(np.zeros(edges.size, bool), weight, np.zeros(edges.size, bool))

    def first(self, now: Array, at: Array, within: Array) -> Any:
        """Return zero."""
        return jnp.where(at, now, 0.0 * now)

    def step(self, so_far: Array, before: Array, after: Array, at: Array, weight: Array, within: Array) -> Any:
        """Add the trapezoid of the step."""
        return so_far + weight * 0.5 * (before + after)

    def seen(self, at: Array, weight: Array, within: Array) -> Any:
        """Return whether the step is inside."""
        return weight > 0.0

    def event(self, so_far: Array, before: Array, after: Array, where: PathEvent) -> tuple[Any, Any]:
        """Add what the signal held since the last change."""
        looked = (where.weight > 0.0) & ~where.ended
        return so_far + jnp.where(looked, before * where.waited, 0.0), looked

    def late(self, at: Array, weight: Array) -> bool:
        """Return whether the last step is inside."""
        return bool(weight > 0.0)

    def course(self, values: Array, looks: "Looks", j: int) -> Any:
        """Return the sum of trapezoids."""
        return jnp.sum(looks.weight[:, j] * 0.5 * (values[1:] + values[:-1]))

    def times(self, start: float, end: float, points: int) -> np.ndarray:
        """Return times evenly over the span."""
        return np.linspace(start, end, points + 1)

    def sampled(self, values: Array, times: np.ndarray, start: float, end: float) -> Any:
        """Return the sum of trapezoids."""
        inside = np.flatnonzero((times >= start) & (times <= end))
        widths, part = jnp.asarray(np.diff(times[inside])), values[inside]
        return jnp.sum(0.5 * widths * (part[1:] + part[:-1]))

    def most(self, start: float, end: float) -> float:
        """Return the length of the span."""
        return end - start


@dataclass(frozen=True)
class Extremum(Functional):
    """The minimum or maximum of the signal from `start` to `end`."""

    upper: bool

    def text(self, signal: str, when: str, span: str) -> str:
        """Return it in words."""
        return f"the {'maximum' if self.upper else 'minimum'} of {signal} {span}"

    def looks(self, start: float, end: float, edges: np.ndarray) -> Column:
        """Look at the edges inside the span."""
        within = (edges >= start) & (edges <= end)
        return Column(np.zeros(edges.size, bool), np.zeros(edges.size - 1, np.float32), within)

    def first(self, now: Array, at: Array, within: Array) -> Any:
        """Return the signal if the start is inside."""
        nothing = jnp.full_like(now, -jnp.inf if self.upper else jnp.inf)
        return jnp.where(within, now, nothing)

    def step(self, so_far: Array, before: Array, after: Array, at: Array, weight: Array, within: Array) -> Any:
        """Compare with the signal at the end of the step."""
        return jnp.where(within, self._best(so_far, after), so_far)

    def _best(self, one: Any, other: Any) -> Any:
        return jnp.maximum(one, other) if self.upper else jnp.minimum(one, other)

    def seen(self, at: Array, weight: Array, within: Array) -> Any:
        """Return whether the end of the step is inside."""
        return within

    def event(self, so_far: Array, before: Array, after: Array, where: PathEvent) -> tuple[Any, Any]:
        """Compare with the signal after the change."""
        looked = where.within_next & (where.enters | where.within) & ~where.ended
        return jnp.where(looked, self._best(so_far, after), so_far), looked

    def late(self, at: Array, weight: Array) -> bool:
        """Return that nothing is left to the very end: the last change has been compared."""
        return False

    def course(self, values: Array, looks: "Looks", j: int) -> Any:
        """Return the extremum over the edges inside."""
        best, nothing = (jnp.max, -jnp.inf) if self.upper else (jnp.min, jnp.inf)
        return best(jnp.where(looks.within[:, j], values, nothing))

    def times(self, start: float, end: float, points: int) -> np.ndarray:
        """Return times evenly over the span."""
        return np.linspace(start, end, points + 1)

    def sampled(self, values: Array, times: np.ndarray, start: float, end: float) -> Any:
        """Return the extremum over the times inside."""
        inside = np.flatnonzero((times >= start) & (times <= end))
        return (jnp.max if self.upper else jnp.min)(values[inside])


AT, INTEGRAL = At(), Integral()
MINIMUM, MAXIMUM = Extremum(upper=False), Extremum(upper=True)
