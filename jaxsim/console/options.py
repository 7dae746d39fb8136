"""Options of commands: the parser that refuses in a sentence, and types that turn text into numbers."""

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from jaxsim.errors import closest

BAD_INPUT = 2


class Parser(argparse.ArgumentParser):
    """Parse arguments; refuse in one sentence on stderr with exit code 2.

    Parameters
    ----------
    **settings
        Those of :class:`argparse.ArgumentParser`.

    Examples
    --------
    >>> parser = Parser(prog="jaxsim cells")
    >>> _ = parser.add_argument("--cells", type=int)
    >>> parser.parse_args(["--cells", "5"]).cells
    5
    """

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **settings)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Parse, and name the nearest option to one that does not exist."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            name = unknown[0].partition("=")[0]
            what = "option" if name.startswith("-") else "argument"
            guess = closest(name, self._option_string_actions)
            self.error(f"there is no {what} '{name}'{guess} See {self.prog} --help" if guess else
                       f"there is no {what} '{name}'; see {self.prog} --help")  # fmt: skip
        return found

    def error(self, message: str) -> NoReturn:
        """Print the sentence and stop with exit code 2."""
        print(f"{self.prog}: {message.removeprefix('argument ')}", file=sys.stderr)
        raise SystemExit(BAD_INPUT)


# Types of arguments: each turns text into a number or refuses it in a clause.


def positive_count(text: str) -> int:
    """Read a whole number from 1, such as ``1000000``, ``1_000_000`` or ``1e6``.

    Examples
    --------
    >>> positive_count("1e6")
    1000000
    """
    return _whole(text, 1)


def count(text: str) -> int:
    """Read a whole number from 0.

    Examples
    --------
    >>> count("0")
    0
    """
    return _whole(text, 0)


def seed(text: str) -> int:
    """Read a whole number from 0 to 2**64 - 1.

    Examples
    --------
    >>> seed("7")
    7
    """
    value = _whole(text, 0)
    if value >= 2**64:
        raise argparse.ArgumentTypeError(f"'{text}' is too large; give a whole number from 0 to 2**64 - 1")
    return value


def amount(text: str) -> float:
    """Read a finite number from 0.

    Examples
    --------
    >>> amount("120")
    120.0
    """
    value = _number(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"'{text}' is not possible; give a finite number from 0")
    return value


def duration(text: str) -> float:
    """Read a positive finite number of hours.

    Examples
    --------
    >>> duration("96")
    96.0
    """
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"'{text}' is not possible; give a positive number of hours")
    return value


def interval(text: str) -> float:
    """Read a positive number of hours, or ``once``, which is an infinite interval.

    Examples
    --------
    >>> interval("once")
    inf
    """
    return math.inf if text == "once" else duration(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from error


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        number = _number(text)
        value = int(number) if math.isfinite(number) and number.is_integer() else least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"'{text}' is not possible; give a whole number from {least}")
    return value
