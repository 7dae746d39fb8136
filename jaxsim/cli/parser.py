"""The argument parser of every command: refusals are one sentence, and a misspelt option is told its nearest."""

import argparse
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
