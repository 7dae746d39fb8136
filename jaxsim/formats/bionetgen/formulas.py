"""Expressions of BioNetGen (those of muParser) as ours."""

import re
from collections.abc import Mapping

from jaxsim.errors import ExpressionError
from jaxsim.formats.bionetgen.mratio import mratio
from jaxsim.formats.constant_value import constant_value
from jaxsim.formats.identifiers import Identifiers
from jaxsim.network import Expression, parse
from jaxsim.network.functions import FUNCTIONS, SPECIAL_ARITY, SYNONYMS
from jaxsim.network.randomness import RANDOM

NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
CALL_OF_NOTHING = re.compile(r"([A-Za-z_]\w*)\s*\(\s*\)")
CONSTANTS = {"_pi": "pi", "_e": "2.718281828459045"}
OPERATORS = ((r"&&", " and "), (r"\|\|", " or "), (r"!(?!=)", " not "), (r"~=", "!="))
RATIO = "mratio"
CALLABLE = (set(FUNCTIONS) | set(SPECIAL_ARITY) | set(SYNONYMS)) - set(RANDOM)


class Formulas:
    """Reads formulas of one file: names are those of the file, and become those of the network."""

    def __init__(self, identifiers: Identifiers) -> None:
        self.identifiers = identifiers
        self.names: dict[str, str] = {}

    def declare(self, name: str) -> str:
        """Give a name of the file its name in the network."""
        if name not in self.names:
            self.names[name] = self.identifiers.name(name)
        return self.names[name]

    def read(self, text: str, constants: Mapping[str, float] | None = None) -> Expression:
        """Return the expression of a text.

        Parameters
        ----------
        text
            As BioNetGen writes it.
        constants
            Values of the parameters by their names in the network; with them `mratio` can be computed.

        Raises
        ------
        ExpressionError
            If it cannot be read, or reads a name that is not declared.
        """
        for pattern, replacement in OPERATORS:
            text = re.sub(pattern, replacement, text)
        text = CALL_OF_NOTHING.sub(r"\1", text)
        if RATIO in text:
            text = self._with_ratios(text, constants)
        return parse(NAME.sub(self._renamed, text))

    def _renamed(self, match: re.Match[str]) -> str:
        name, after = match[0], match.string[match.end() :].lstrip()
        if name in ("and", "or", "not"):
            return name
        if after.startswith("("):
            if name not in CALLABLE:
                raise ExpressionError(f"calls '{name}', which is not supported")
            return name
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in ("t", "time"):
            return "t"
        raise ExpressionError(f"reads '{name}', which the file does not declare")

    def _with_ratios(self, text: str, constants: Mapping[str, float] | None) -> str:
        """Compute every call of `mratio`, innermost first; its arguments must be constant."""
        start = text.rfind(f"{RATIO}(")
        while start >= 0:
            arguments, end = _arguments(text, start + len(RATIO))
            try:
                values = [constant_value(self.read(part, constants), constants or {}) for part in arguments]
                value = mratio(*values)
            except (KeyError, TypeError, ArithmeticError, ValueError) as error:
                raise ExpressionError(f"{RATIO} needs three constants for which it converges ({error})") from error
            text = f"{text[:start]}({value!r}){text[end:]}"
            start = text.rfind(f"{RATIO}(")
        return text


def _arguments(text: str, opening: int) -> tuple[list[str], int]:
    """Return the texts between commas after the parenthesis at `opening`, and where it has closed."""
    depth, parts, last = 0, [], opening + 1
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if text[position] == "," and depth == 1:
            parts.append(text[last:position])
            last = position + 1
        if depth == 0:
            return [*parts, text[last:position]], position + 1
    raise ExpressionError(f"'{text:.60}' has a parenthesis that does not close")


def constant(expression: Expression, values: Mapping[str, float]) -> float:
    """Return the value of an expression of parameters.

    Raises
    ------
    ExpressionError
        If it has none.
    """
    try:
        return constant_value(expression, values)
    except KeyError as error:
        raise ExpressionError(f"reads '{error.args[0]}', which is not a constant") from error
    except (ArithmeticError, ValueError) as error:
        raise ExpressionError(f"cannot be computed: {error}") from error
