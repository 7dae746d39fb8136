"""The criterion of a search: one objective and its limits, as the terms of one simulation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.objective import Limit, Objective, Term, described, settled
from jaxsim.gradient.summaries import MEAN
from jaxsim.network import Binary, Call, Compare, Expression, Logic, Network, Number, Unary, names
from jaxsim.network.expression import fold


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
    network: Network,
    minimise: Objective | None,
    maximise: Objective | None,
    subject_to: Limit | Sequence[Limit],
    start: float,
    end: float | None,
) -> Criterion:
    """Return what is sought, checked.

    Raises
    ------
    SimulationError
        If there is no objective or two, it reads no species, or the limits contradict each other.
    """
    objective = maximise if minimise is None else minimise
    if objective is None or (minimise is not None and maximise is not None):
        raise SimulationError("give one of minimise= and maximise=")
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
    if not all(t.discontinuous and not t.functional.additive and t.summary == MEAN for t in objective.terms):
        return -np.inf, np.inf
    weights = [term.weight for term in objective.terms]
    return sum(min(w, 0.0) for w in weights), sum(max(w, 0.0) for w in weights)


# Objectives with their jumps rounded off, for the scouts, which follow paths; the polish takes the true ones.
#
# A condition on ``x = (left - right) / w`` becomes a smooth step of width w: a tenth of the line where that is a number
# other than 0, else 5 counts. With `heavy` tails, x / (1 + |x|), a scout far from the line still sees which way to go;
# with light ones, exponentials, the smooth objective is nearer to the true one.

COUNTS = 5.0
_PART = 0.1
_FARTHEST = 40.0  # exp of more would overflow in single precision when squared


def smoothed(objective: Objective, heavy: bool) -> Objective:
    """Return the objective with every condition rounded off.

    Examples
    --------
    >>> from jaxsim.gradient import probability
    >>> print(smoothed(probability("T == 0", at=3.0), heavy=True))
    mean of 1/(1 + max(T - 0, 0)/5) at 3
    """
    return Objective(tuple(_term(term, heavy) for term in objective.terms))


def _term(term: Term, heavy: bool) -> Term:
    return replace(term, signal=_smooth(term.signal, heavy))


def _smooth(expression: Expression, heavy: bool) -> Expression:
    def visit(node: Expression, given: list[Expression]) -> Expression:
        if isinstance(node, Compare):
            return _condition(node.op, given[0], given[1], heavy)
        if isinstance(node, Logic):
            return _joined(node.op, given)
        if isinstance(node, Unary) and node.op == "not":
            return Binary("-", Number(1.0), given[0])
        if isinstance(node, Call) and node.function == "if":
            return Binary("+", Binary("*", given[0], given[1]), Binary("*", _not(given[0]), given[2]))
        if isinstance(node, Call) and node.function in ("floor", "ceil"):
            return given[0]
        return node.rebuild(tuple(given)) if given else node

    return fold(expression, visit)


def _condition(op: str, left: Expression, right: Expression, heavy: bool) -> Expression:
    width = COUNTS
    if isinstance(right, Number) and right.value != 0.0:
        width = _PART * abs(right.value)
    apart = Binary("-", left, right)
    if op in ("==", "!="):
        off = Call("max", (apart, Number(0.0))) if right == Number(0.0) else Call("abs", (apart,))
        same = _falling(Binary("/", off, Number(width)), heavy)
        return same if op == "==" else _not(same)
    below = _step(Binary("/", apart, Number(width)), heavy)
    return below if op in ("<", "<=") else _not(below)


def _falling(x: Expression, heavy: bool) -> Expression:
    """Return 1 at x = 0, falling to 0."""
    if heavy:
        return Binary("/", Number(1.0), Binary("+", Number(1.0), x))
    return Call("exp", (Unary("-", x),))


def _step(x: Expression, heavy: bool) -> Expression:
    """Return a step from 1 for small x to 0 for large x."""
    if heavy:
        soft = Binary("/", x, Binary("+", Number(1.0), Call("abs", (x,))))
        return Binary("-", Number(0.5), Binary("*", Number(0.5), soft))
    rise = Call("exp", (Call("min", (x, Number(_FARTHEST))),))
    return Binary("/", Number(1.0), Binary("+", Number(1.0), rise))


def _not(x: Expression) -> Expression:
    return Binary("-", Number(1.0), x)


def _joined(op: str, given: list[Expression]) -> Expression:
    found = given[0]
    for other in given[1:]:
        both = Binary("*", found, other)
        found = both if op == "and" else Binary("-", Binary("+", found, other), both)
    return found
