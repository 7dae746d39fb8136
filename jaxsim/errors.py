"""What jaxsim raises when it refuses: one sentence that names the offending thing and the remedy."""

import difflib
from collections.abc import Iterable
from typing import Any


class JaxsimError(ValueError):
    """Base of every refusal; the command line turns it into exit code 2."""


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
        self.problems: tuple[Any, ...] = tuple(problems)
        texts = [str(problem) for problem in self.problems]
        super().__init__(f"{head}: {texts[0]}" if len(texts) == 1 else "\n  ".join([f"{head}:", *texts]))


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
