"""Read reactions written as text."""

import re
from typing import Any

from jaxsim.errors import ExpressionError, NetworkError
from jaxsim.network.expression import Expression, Number
from jaxsim.network.parser import parse
from jaxsim.network.reaction import MOST_MOLECULES, Reaction, mass_action

_TERM = re.compile(r"(?P<count>[0-9][0-9.eE]*)?\s*\*?\s*(?P<species>[^\W\d]\w*)")
LONGEST_COUNT = len(str(MOST_MOLECULES))
_REMEDY = "write 'A + B -> C @ propensity' or 'A + B -> C, rate constant'"
# Arrows as they are written elsewhere, the longest first, and how they are written here.
_ARROWS = {
    **dict.fromkeys(("<=>", "<-->", "⇌", "↔"), "<->"),
    **dict.fromkeys(("-->", "=>", "→", "⟶", "⇒"), "->"),
}
_EMPTY_SET = "∅"


def parse_reaction(text: Any) -> tuple[Reaction, ...]:
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
    reactants, products = _side(left, text), _side(right, text)
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


def _side(side: str, text: str) -> dict[str, int]:
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
