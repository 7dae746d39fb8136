"""Exceptions and warnings: one sentence that names the offending thing and the remedy."""

import difflib
import functools
import inspect
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")

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


class NoEffectWarning(UserWarning):
    """Something in a request changes nothing: a parameter that nothing reads, a dose after the end."""


def naming_closest_keyword(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Wrap a function so that a misspelt keyword argument is told the nearest one that exists.

    Examples
    --------
    >>> @naming_closest_keyword
    ... def run(*, trajectories=1): ...
    >>> run(n_trajectories=5)
    Traceback (most recent call last):
    TypeError: run() has no argument 'n_trajectories'; did you mean 'trajectories'?
    """
    known = [name for name in inspect.signature(function).parameters if name != "self"]

    @functools.wraps(function)
    def checked(*args: Arguments.args, **keywords: Arguments.kwargs) -> Returned:
        for name in keywords:
            if name not in known:
                guess = closest(name, known) or f"; its arguments are {', '.join(known)}"
                raise TypeError(f"{function.__qualname__.removesuffix('.__init__')}() has no argument '{name}'{guess}")
        return function(*args, **keywords)

    return checked


def closest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'beta'?"`` for the known name nearest to `name`, or an empty string.

    Examples
    --------
    >>> closest("bta", ["beta", "gamma"])
    "; did you mean 'beta'?"
    """
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""
