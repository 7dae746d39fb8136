"""What jaxsim raises when it refuses: one sentence that names the offending thing and the remedy."""

import difflib
import os
import re
from collections.abc import Iterable
from typing import Any

LONGEST = 1000  # characters of a sentence that is shown as it is
QUOTED = 160  # of a quotation in a longer one
WHOLE = "JAXSIM_WHOLE_ERRORS"
_LONG_QUOTATION = re.compile(rf"(?<!\w)'([^'\n]{{{QUOTED},}})'")


class JaxsimError(ValueError):
    """Base of every refusal; the command line turns it into exit code 2.

    A sentence that quotes a long reaction or formula is shown shortened; the attribute `whole` holds all of it.
    """

    def __init__(self, *arguments: Any) -> None:
        self.whole = str(arguments[0]) if arguments else ""
        super().__init__(shortened(self.whole), *arguments[1:])


def shortened(sentence: str) -> str:
    """Return a sentence as it is shown: where it is long, with its long quotations cut, and how to see it whole.

    Examples
    --------
    >>> shortened("unknown name 'k'")
    "unknown name 'k'"
    >>> text = shortened("reaction '" + "k + " * 2500 + "' has no rate")
    >>> len(text) < 400, text.startswith("reaction 'k + k"), "(9,840 characters more)" in text, text[-21:]
    (True, True, True, 'JAXSIM_WHOLE_ERRORS=1')
    """
    if len(sentence) <= LONGEST or os.environ.get(WHOLE):
        return sentence
    text = _LONG_QUOTATION.sub(lambda found: f"'{_cut(found[1], QUOTED)}'", sentence)
    return f"{_cut(text, LONGEST)}; to see all {len(sentence):,} characters, set {WHOLE}=1"


def _cut(text: str, length: int) -> str:
    """Return a text of about this many characters, without its middle."""
    if len(text) <= length:
        return text
    end = length // 4
    return f"{text[: length - end]} ... ({len(text) - length:,} characters more) ... {text[len(text) - end :]}"


class NetworkError(JaxsimError):
    """A reaction network that does not make sense."""


class ExpressionError(NetworkError):
    """A rate or effect expression that cannot be read."""


class ScheduleError(JaxsimError):
    """A dosing schedule that cannot be given."""


class SimulationError(JaxsimError):
    """A simulation request that cannot be run as asked."""


class StudyError(JaxsimError):
    """A study file that cannot be read, or a store that cannot be used."""


class FormatError(JaxsimError):
    """A model file that cannot be read, or a network that a format cannot say; `problems` holds every sentence."""

    def __init__(self, head: str, problems: Iterable[Any]) -> None:
        self.head = head
        self.problems: tuple[Any, ...] = tuple(problems)
        self.whole = _listed(head, map(str, self.problems))
        ValueError.__init__(self, _listed(head, (shortened(str(problem)) for problem in self.problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.head, self.problems)


def _listed(head: str, problems: Iterable[str]) -> str:
    texts = list(problems)
    return f"{head}: {texts[0]}" if len(texts) == 1 else "\n  ".join([f"{head}:", *texts])


class FormatWarning(UserWarning):
    """Something that a model file says and the network does not keep."""


class SimulationWarning(UserWarning):
    """Some trajectories did not end well; the message counts them by status."""


def closest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'beta'?"`` for the known name nearest to `name`, or an empty string.

    Examples
    --------
    >>> closest("bta", ["beta", "gamma"])
    "; did you mean 'beta'?"
    """
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""
