"""One reaction: what it takes, what it makes, how fast, and what else it sets when it fires."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from jaxsim.errors import ExpressionError, NetworkError
from jaxsim.network.expression import Binary, Expression, FallingFactorial, Name, Number, to_string
from jaxsim.network.parser import parse

MOST_MOLECULES = 2**31 - 1  # that one firing takes or makes of a species: what a count can hold
HIGHEST_ORDER = 32  # of mass action in one species

Counts = Mapping[str, int] | Iterable[tuple[str, int]]
Assignments = Mapping[str, str | Expression] | Iterable[tuple[str, str | Expression]]


@dataclass(frozen=True)
class Reaction:
    """A reaction with its full propensity.

    Parameters
    ----------
    reactants, products
        How many molecules of each species are taken and made, for example ``{"S": 1, "I": 1}``.
    rate
        The full propensity, in firings per unit time, as text or Expression. Mass action is written
        out: see :func:`mass_action`.
    effects
        Assignments on firing, for changes that are not constant, for example
        ``{"IL": "0", "IR": "IR + IL"}`` or ``{"T": "binomial(T, 0.5)"}``. All are computed from the
        state just before the firing and rounded down to integers.
    name
        Optional; unique in its network.

    Raises
    ------
    NetworkError
        If a coefficient is not a positive integer or a species is both changed and set.
    ExpressionError
        If the rate or an effect cannot be read.

    Notes
    -----
    Mappings are stored as tuples of pairs, so that reactions are hashable.

    Examples
    --------
    >>> print(Reaction({"S": 1, "I": 1}, {"I": 2}, "beta*S*I/N"))
    S + I -> 2 I @ beta*S*I/N
    """

    reactants: Any
    products: Any
    rate: Any
    effects: Any = ()
    name: str = ""

    def __post_init__(self) -> None:
        text = f"reaction '{self.name}'" if self.name else "a reaction"
        for side in ("reactants", "products"):
            object.__setattr__(self, side, _counts(getattr(self, side), text))
        object.__setattr__(self, "rate", as_expression(self.rate))
        object.__setattr__(self, "effects", assignments(self.effects))
        for species, _ in self.effects:
            if self.changes.get(species, 0):
                raise NetworkError(
                    f"reaction '{self}' both changes species '{species}' and sets it by an effect; "
                    f"leave it out of the reactants and products"
                )

    @property
    def changes(self) -> dict[str, int]:
        """The net change of each species that appears on either side, zero included."""
        net = {species: -count for species, count in self.reactants}
        for species, count in self.products:
            net[species] = net.get(species, 0) + count
        return net

    def __str__(self) -> str:
        label = f"{self.name}: " if self.name else ""
        sides = f"{_side_text(self.reactants)} -> {_side_text(self.products)}".strip()
        sets = ", ".join(f"{species} := {to_string(value)}" for species, value in self.effects)
        return f"{label}{sides} @ {to_string(self.rate)}" + (f"; {sets}" if sets else "")


def mass_action(constant: Expression, reactants: Counts) -> Expression:
    """Return the propensity ``constant * x*(x-1)*...`` over the reactants (no factor 1/m!).

    Source: Gillespie, J. Comput. Phys. 22 (1976) 403, eq. 14, with the combinatorial factor of the
    reactants kept in the constant.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> to_string(mass_action(parse("k"), {"A": 2, "B": 1}))
    'k*A*(A - 1)*B'
    """
    rate = constant
    for species, order in _counts(reactants, "a reaction"):
        if order > HIGHEST_ORDER:
            raise NetworkError(
                f"mass action of {order} molecules of '{species}' is not supported, of at most {HIGHEST_ORDER}; "
                f"write the propensity out, after '@'"
            )
        factor = Name(species) if order == 1 else FallingFactorial(species, order)
        rate = Binary("*", rate, factor)
    return rate


def as_expression(value: Any) -> Expression:
    """Return text or a number as an Expression, and an Expression as it is.

    Raises
    ------
    ExpressionError
        If it is none of these, or cannot be read, or is not finite.

    Examples
    --------
    >>> as_expression(2)
    parse('2')
    """
    if isinstance(value, Expression):
        return value
    if not isinstance(value, Real):
        return parse(value)
    if not math.isfinite(value):
        raise ExpressionError(f"an expression may not be the number {value}; give a finite one")
    return Number(float(value))


def assignments(values: Assignments) -> tuple[tuple[str, Expression], ...]:
    """Return assignments ``{species: expression}`` as a hashable tuple of pairs.

    Examples
    --------
    >>> assignments({"A": "0"})
    (('A', parse('0')),)
    """
    pairs = values.items() if isinstance(values, Mapping) else values
    return tuple((species, as_expression(value)) for species, value in pairs)


def _counts(values: Any, text: str) -> tuple[tuple[str, int], ...]:
    pairs = values.items() if isinstance(values, Mapping) else values
    return tuple((species, _coefficient(species, count, text)) for species, count in pairs)


def _coefficient(species: str, count: Any, text: str) -> int:
    number = isinstance(count, (int, float, np.number)) and not isinstance(count, bool)
    if not number or not math.isfinite(count) or count != math.floor(count) or count < 1:
        raise NetworkError(
            f"{text} has the coefficient {count!r} for species '{species}'; coefficients are positive integers"
        )
    if count > MOST_MOLECULES:
        raise NetworkError(f"{text} has the coefficient {count:g} for species '{species}'; at most {MOST_MOLECULES}")
    return int(count)


def _side_text(pairs: tuple[tuple[str, int], ...]) -> str:
    return " + ".join(name if count == 1 else f"{count} {name}" for name, count in pairs)


# Read reactions written as text.

_TERM = re.compile(r"(?P<count>[0-9][0-9.eE]*)?\s*\*?\s*(?P<species>[^\W\d]\w*)")
LONGEST_COUNT = len(str(MOST_MOLECULES))
_REMEDY = "write 'A + B -> C @ propensity' or 'A + B -> C, rate constant'"
# Arrows as they are written elsewhere, the longest first, and how they are written here.
_ARROWS = {
    **dict.fromkeys(("<=>", "<-->", "⇌", "↔"), "<->"),
    **dict.fromkeys(("-->", "=>", "→", "⟶", "⇒"), "->"),
}
_EMPTY_SET = "∅"


def parse_reaction(text: str | None) -> tuple[Reaction, ...]:
    """Read one reaction, or the two of a reversible one.

    ``"S + I -> 2 I @ beta*S*I/N"`` gives the full propensity after ``@``. ``"A + A -> B, k"`` gives a
    rate constant after the comma; the propensity is then mass action with falling factorials, here
    ``k*A*(A - 1)`` (no division by 2). ``"A <-> B, kf, kr"`` gives two reactions. A side may be empty
    or ``0``. A name may lead: ``"decay: A -> , d"``.

    Raises
    ------
    NetworkError
        If the text is not a reaction; the message shows it and the form expected.

    Examples
    --------
    >>> for reaction in parse_reaction("bind: A + B <-> C, kf, kr"):
    ...     print(reaction)
    bind: A + B -> C @ kf*A*B
    bind_reverse: C -> A + B @ kr*C
    """
    if not isinstance(text, str):
        raise NetworkError(f"a reaction must be text or a Reaction, not {text!r:.60}; {_REMEDY}")
    name, left, reversible, right, full, rates = _split(text)
    reactants, products = _parse_side(left, text), _parse_side(right, text)
    expressions = [_rate(rate, text) for rate in rates]
    forward, *backward = [
        rate if full else mass_action(rate, side)
        for rate, side in zip(expressions, (reactants, products), strict=False)
    ]
    reaction = Reaction(reactants, products, forward, name=name)
    if not reversible:
        return (reaction,)
    reverse = f"{name}_reverse" if name else ""
    return reaction, Reaction(products, reactants, backward[0], name=reverse)


def _split(text: str) -> tuple[str, str, bool, str, bool, list[str]]:
    """Cut the text into name, left side, whether reversible, right side, law and rates."""
    full = "@" in text
    equation, mark, tail = text.partition("@" if full else ",")
    if not mark or not tail.strip():
        raise NetworkError(f"reaction '{text}' has no rate; {_REMEDY}")
    _refuse_foreign_arrow(equation, text)
    name, colon, body = equation.rpartition(":")
    reversible = "<->" in body
    sides = body.split("<->" if reversible else "->")
    if len(sides) != 2:
        raise NetworkError(f"reaction '{text}' needs one arrow '->' or '<->'; {_REMEDY}")
    if colon and not name.strip():
        raise NetworkError(f"reaction '{text}' has an empty name before ':'; leave out the colon")
    rates = _split_rates(tail)
    if len(rates) != 1 + reversible:
        raise NetworkError(
            f"reaction '{text}' has {len(rates)} rates and needs {1 + reversible}; "
            f"'->' takes one, '<->' takes two separated by a comma"
        )
    return name.strip(), sides[0], reversible, sides[1], full, rates


def _refuse_foreign_arrow(equation: str, text: str) -> None:
    for foreign, own in _ARROWS.items():
        if foreign in equation:
            raise NetworkError(f"reaction '{text}' has the arrow '{foreign}'; write '{own}'")


def _split_rates(text: str) -> list[str]:
    """Split at the commas outside parentheses."""
    pieces, depth, last = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            pieces.append(text[last:position])
            last = position + 1
    return [*pieces, text[last:]]


def _parse_side(side: str, text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    if side.strip() in ("", "0"):
        return counts
    for term in side.split("+"):
        match = _TERM.fullmatch(term.strip())
        if match is None and term.strip() == _EMPTY_SET:
            raise NetworkError(f"reaction '{text}' has the side '{term.strip()}'; leave an empty side blank or write 0")
        if match is None:
            raise NetworkError(
                f"reaction '{text}' has the term '{term.strip()}'; "
                f"a term is a species with an optional count, as in '2 A'"
            )
        count = match["count"] or "1"
        if not count.isdigit() or not count.strip("0"):
            raise NetworkError(
                f"reaction '{text}' has the coefficient {count} for species '{match['species']}'; "
                f"coefficients are positive integers"
            )
        if len(count.lstrip("0")) > LONGEST_COUNT:
            raise NetworkError(
                f"reaction '{text}' has a coefficient of {len(count)} digits for species '{match['species']}'; "
                f"coefficients are at most {MOST_MOLECULES}"
            )
        counts[match["species"]] = counts.get(match["species"], 0) + int(count)
    return counts


def _rate(rate: str, text: str) -> Expression:
    try:
        expression = parse(rate.strip())
    except ExpressionError as error:
        raise ExpressionError(f"reaction '{text}': {error}") from error
    if isinstance(expression, Number) and expression.value < 0:
        raise NetworkError(f"reaction '{text}' has the negative rate {rate.strip()}; a rate is 0 or more")
    return expression
