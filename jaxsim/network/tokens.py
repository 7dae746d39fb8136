"""Cut the text of an expression into tokens."""

import re
from typing import NamedTuple

from jaxsim.errors import ExpressionError

LONGEST_TEXT = 500_000  # a sum over ten thousand species with long names is below it
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<operator>\*\*|<=|>=|==|!=|[-+*/^<>(),])"
)


class Token(NamedTuple):
    """A piece of text: its kind (number, name, operator or end), the text and where it starts."""

    kind: str
    text: str
    position: int


def refuse(text: str, position: int, why: str) -> ExpressionError:
    """Return the one-sentence error for `text`, with an excerpt around the position."""
    start, stop = max(0, position - 40), position + 40
    excerpt = ("..." if start else "") + text[start:stop] + ("..." if stop < len(text) else "")
    return ExpressionError(f"cannot read expression {excerpt!r} at character {position + 1}: {why}")


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text` and a final token of kind ``end``.

    Examples
    --------
    >>> [token.text for token in tokenize("2e-3*A**2")]
    ['2e-3', '*', 'A', '^', '2', '']
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionError(
            f"an expression of {len(text)} characters is too long; split it into observables of at most {LONGEST_TEXT}"
        )
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or (match.lastgroup == "name" and not match.group().isidentifier()):
            hint = "; write '==' to compare" if text[position] == "=" else ""
            raise refuse(text, position, f"unexpected character {text[position]!r}{hint}")
        if match.lastgroup != "space":
            piece = "^" if match.group() == "**" else match.group()
            tokens.append(Token(str(match.lastgroup), piece, position))
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens
