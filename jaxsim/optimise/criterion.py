"""What is sought: one objective and its limits, as the terms of one simulation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.limit import Limit
from jaxsim.gradient.objective import Objective, described, settled
from jaxsim.network import Network, names


class Criterion(NamedTuple):
    """An objective to minimise or maximise under limits; functional 0 is the objective, the others are the limits."""

    objective: Objective
    limits: tuple[Limit, ...]
    minimised: bool
    terms: Objective
    """Of all functionals, settled, one after the other."""
    counts: tuple[int, ...]
    """How many terms each functional has."""
    end: float

    @property
    def sign(self) -> float:
        """1 where the objective is minimised, -1 where it is maximised."""
        return 1.0 if self.minimised else -1.0

    @property
    def most(self) -> np.ndarray:
        """The most that the excess of each limit may be, [limits]."""
        return np.array([limit.most for limit in self.limits])

    def functional(self, index: int) -> tuple[slice, Objective]:
        """Return which terms belong to a functional, and the functional; that of a limit must be below its `most`."""
        first = sum(self.counts[:index])
        part = slice(first, first + self.counts[index])
        return part, Objective(self.terms.terms[part])

    def weighted(self, weights: Sequence[float] | np.ndarray) -> Objective:
        """Return the sum of all functionals with weights: what a descent takes the gradient of."""
        each = np.repeat(np.asarray(weights, np.float64), self.counts)
        return Objective(
            tuple(
                replace(term, weight=term.weight * float(weight))
                for term, weight in zip(self.terms.terms, each, strict=True)
            )
        )


def criterion(
    network: Network, minimise: Any, maximise: Any, subject_to: Any, start: float, end: float | None
) -> Criterion:
    """Return what is sought, checked.

    Raises
    ------
    SimulationError
        If there is no objective or two, it reads no species, or the limits contradict each other.
    """
    if (minimise is None) == (maximise is None):
        raise SimulationError("give one of minimise= and maximise=")
    objective = maximise if minimise is None else minimise
    limits = _limits(subject_to)
    parts = [objective, *(limit.excess for limit in limits)]
    for part in parts:
        if not isinstance(part, Objective):
            raise SimulationError(f"the objective is {part!r}; make one with js.mean, js.probability or their sisters")
    terms, last = settled(Objective(tuple(term for part in parts for term in part.terms)), network, start, end)
    for term in terms.terms:
        if not names(term.signal) & set(network.structure.species):
            raise SimulationError(f"'{described(term)}' names no species, so that no schedule changes it; name one")
    _refuse_contradictions(limits)
    return Criterion(objective, limits, minimise is not None, terms, tuple(len(part.terms) for part in parts), last)


def _limits(subject_to: Any) -> tuple[Limit, ...]:
    given = () if subject_to is None else subject_to
    given = (given,) if isinstance(given, Limit) else tuple(given)
    for limit in given:
        if not isinstance(limit, Limit):
            raise SimulationError(
                f"{limit!r} is no limit; compare an objective with a number, as in js.mean('tumour', at=504) <= 1000"
            )
    return given


def _refuse_contradictions(limits: tuple[Limit, ...]) -> None:
    """Refuse limits that no schedule can keep, whatever the model."""
    for limit in limits:
        smallest, largest = _range(limit.objective)
        if limit.bound < smallest if limit.upper else limit.bound > largest:
            raise SimulationError(
                f"no schedule can keep '{limit}', which lies between {smallest:g} and {largest:g}; change its bound"
            )
    for first in limits:
        for other in limits:
            opposed = first.upper and not other.upper and first.objective == other.objective
            if opposed and first.bound < other.bound:
                raise SimulationError(f"no schedule can keep both '{first}' and '{other}'; change one of them")


def _range(objective: Objective) -> tuple[float, float]:
    """Return between which numbers a weighted sum of probabilities lies; infinite for anything else."""
    if not all(t.discontinuous and t.kind != "integral" and t.summary == "mean" for t in objective.terms):
        return -np.inf, np.inf
    weights = [term.weight for term in objective.terms]
    return sum(min(w, 0.0) for w in weights), sum(max(w, 0.0) for w in weights)
