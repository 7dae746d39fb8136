"""What an objective is: a weighted sum of terms, each one number per trajectory and a summary over trajectories."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from jaxsim.errors import SimulationError, closest
from jaxsim.gradient.limit import Limit
from jaxsim.network import (
    Call,
    Compare,
    Expression,
    Logic,
    Name,
    Network,
    Unary,
    names,
    parse,
    substitute,
    to_string,
)
from jaxsim.network.expression import fold

Kind = Literal["at", "integral", "minimum", "maximum"]
Summary = Literal["mean", "variance", "quantile", "tail mean"]
STEPS = ("floor", "ceil")  # functions whose derivative misses the jumps


@dataclass(frozen=True)
class Term:
    """One number per trajectory, F, and how it is summarised over trajectories."""

    signal: Expression
    """Of species and observables; a condition counts as 0 or 1."""
    kind: Kind
    """The signal at `end`, its integral, minimum or maximum from `start` to `end`."""
    start: float | None
    """None for the start of the simulation."""
    end: float | None
    """None for the end of the simulation."""
    summary: Summary = "mean"
    level: float = 0.0
    """Probability of a quantile; for a tail mean the share of trajectories outside the tail."""
    upper: bool = True
    """Whether the tail is that of large numbers."""
    weight: float = 1.0

    @property
    def discontinuous(self) -> bool:
        """Whether F jumps while the state moves smoothly, so that no pathwise derivative exists."""
        return has_jumps(self.signal)


@dataclass(frozen=True)
class Objective:
    """Collect terms whose weighted sum is to be differentiated; add, subtract and scale objectives freely.

    Made by :func:`jaxsim.mean`, :func:`jaxsim.probability` and their sisters. Compared with a number it is a limit.

    Examples
    --------
    >>> from jaxsim.gradient import auc, mean
    >>> print(mean("T", at=10.0) - 0.5 * auc("drug", during=(0.0, 10.0)))
    mean of T at 10 - 0.5 * mean of the integral of drug from 0 to 10
    """

    terms: tuple[Term, ...]

    def __add__(self, other: "Objective") -> "Objective":
        if not isinstance(other, Objective):
            return NotImplemented
        return Objective(self.terms + other.terms)

    def __mul__(self, factor: Any) -> "Objective":
        if not np.isfinite(factor):
            raise SimulationError(f"an objective cannot be weighted by {factor}; give a finite number")
        return Objective(tuple(replace(term, weight=term.weight * float(factor)) for term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> "Objective":
        return self * -1.0

    def __sub__(self, other: "Objective") -> "Objective":
        return self + -other

    def __le__(self, bound: Any) -> Limit:
        return Limit(self, float(bound), upper=True)

    def __ge__(self, bound: Any) -> Limit:
        return Limit(self, float(bound), upper=False)

    def __str__(self) -> str:
        text = ""
        for term in self.terms:
            size = abs(term.weight)
            sign = "-" if term.weight < 0 else "+"
            joint = f" {sign} " if text else ("-" if sign == "-" else "")
            text += joint + ("" if size == 1.0 else f"{size:g} * ") + described(term)
        return text or "nothing"

    @property
    def discontinuous(self) -> bool:
        """Whether some term jumps while the state moves smoothly."""
        return any(term.discontinuous for term in self.terms)


def described(term: Term) -> str:
    """Return a term in words, without its weight."""
    signal = to_string(term.signal)
    when = "at the end" if term.end is None else f"at {term.end:g}"
    span = f"from {'the start' if term.start is None else f'{term.start:g}'} to " + (
        "the end" if term.end is None else f"{term.end:g}"
    )
    number = {
        "at": f"{signal} {when}",
        "integral": f"the integral of {signal} {span}",
        "minimum": f"the minimum of {signal} {span}",
        "maximum": f"the maximum of {signal} {span}",
    }[term.kind]
    side = "upper" if term.upper else "lower"
    true = isinstance(term.signal, Compare | Logic) and term.kind == "at"
    return {
        "mean": f"probability of {number}" if true else f"mean of {number}",
        "variance": f"variance of {number}",
        "quantile": f"quantile {term.level:g} of {number}",
        "tail mean": f"mean of the {side} {1 - term.level:g} tail of {number}",
    }[term.summary]


def has_jumps(expression: Expression) -> bool:
    """Return whether the value jumps where its variables move smoothly.

    Examples
    --------
    >>> has_jumps(parse("X > 3")), has_jumps(parse("max(X, 3)"))
    (True, False)
    """

    def visit(node: Expression, below: list[bool]) -> bool:
        if isinstance(node, Compare | Logic) or (isinstance(node, Unary) and node.op == "not"):
            return True
        if isinstance(node, Call) and node.function in STEPS:
            return True
        return any(below)

    return fold(expression, visit)


def settled(objective: Any, network: Network, start: float, end: Any) -> tuple[Objective, float]:
    """Return the objective for one network, all times filled in and observables written out, and its last time.

    Raises
    ------
    SimulationError
        For an unknown name, a time before the start or after the end, or no end at all.
    """
    if not isinstance(objective, Objective):
        raise SimulationError(f"the objective is {objective!r}; make one with js.mean, js.probability or their sisters")
    if not objective.terms:
        raise SimulationError("the objective has no terms; add at least one")
    known = [term.end for term in objective.terms if term.end is not None]
    last = max(known) if end is None and known else end
    if last is None:
        raise SimulationError("the objective names no time; give its term at= or during=, or give end=")
    terms = tuple(_settled(term, network, start, float(last)) for term in objective.terms)
    return Objective(terms), float(last)


def _settled(term: Term, network: Network, start: float, end: float) -> Term:
    observables = dict(network.structure.observables)
    signal = substitute(term.signal, observables)
    species = network.structure.species
    for name in sorted(names(term.signal) - set(network.structure.parameters)):
        if name not in species and name not in observables:
            raise SimulationError(
                f"the objective '{described(term)}' reads '{name}', which is neither a species nor an observable "
                f"of the network{closest(name, (*species, *observables))}"
            )
    for name in sorted(names(signal) - set(species) - set(network.structure.parameters)):
        raise SimulationError(
            f"the objective '{described(term)}' reads '{name}' through an observable; use one of the state alone"
        )
    begin = start if term.start is None else term.start
    finish = end if term.end is None else term.end
    if not (start <= begin <= finish <= end) or (term.kind != "at" and begin == finish):
        raise SimulationError(
            f"the objective '{described(term)}' does not lie within the simulated time from {start:g} to {end:g}; "
            f"change its times, start= or end="
        )
    return replace(term, signal=signal, start=begin, end=finish)


def is_condition(expression: Expression) -> bool:
    """Return whether an expression is true or false.

    Examples
    --------
    >>> is_condition(parse("X > 3")), is_condition(parse("X + 3"))
    (True, False)
    """
    return isinstance(expression, Compare | Logic) or (isinstance(expression, Unary) and expression.op == "not")


def as_signal(text: Any, condition: bool | None = None) -> Expression:
    """Parse a signal; refuse a condition where a number is needed, and the reverse."""
    expression = parse(text) if isinstance(text, str) else text
    if condition is True and not is_condition(expression):
        raise SimulationError(f"'{text}' is not a condition; write one such as '{text} == 0'")
    if condition is False and is_condition(expression):
        raise SimulationError(f"'{text}' is a condition, not a number; use js.probability for its probability")
    return Name(expression.id) if isinstance(expression, Name) else expression
