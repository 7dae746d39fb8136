"""Readings of model files: the network, or why there is none, and what was left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jaxsim.errors import FormatError
from jaxsim.network import Expression, Network

# What is wrong with a model file, gathered so that all of it is reported at once, each with its place.

MOST_REPORTED = 200  # of a file that is wrong throughout


@dataclass(frozen=True)
class FormatProblem:
    """One refusal: where, and why.

    Examples
    --------
    >>> print(FormatProblem("reaction 'R1'", "has no kinetic law; give one", 12))
    line 12, reaction 'R1': has no kinetic law; give one
    """

    place: str
    why: str
    line: int = 0
    """Line in the file, from 1; 0 where it is not known."""

    def __str__(self) -> str:
        where = ", ".join(filter(None, (f"line {self.line}" if self.line else "", self.place)))
        return f"{where}: {self.why}" if where else self.why


@dataclass
class Problems:
    """The problems found so far.

    Examples
    --------
    >>> found = Problems()
    >>> found.add("species 'A'", "has no initial value; give one", 3)
    >>> len(found)
    1
    """

    found: list[FormatProblem] = field(default_factory=list)

    def add(self, place: str, why: str, line: int = 0) -> None:
        """Note a problem, once."""
        problem = FormatProblem(place, why, line)
        if problem not in self.found and len(self.found) < MOST_REPORTED:
            self.found.append(problem)

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[FormatProblem]:
        return iter(self.found)

    def refuse(self, head: str) -> None:
        """Raise all problems as one FormatError, if there are any."""
        if self.found:
            raise FormatError(head, sorted(self.found, key=lambda problem: problem.line))


class Refused(Exception):
    """Stops the reading of one element after its problem has been noted; never leaves this package."""


@dataclass
class Reading:
    """The result of reading a model file.

    Attributes
    ----------
    head
        How sentences about the file begin.
    network
        None where there are problems.
    problems
        Why there is no network.
    notes
        What the file says and the network does not keep, without effect on its law.
    names
        For each identifier of the file its name in the network, where the two differ.
    volumes
        Size of the compartment of each species, where it has one: a number, or a name of the network.
    per_volume
        Species by which formulas mean the concentration.
    numbers
        Identifiers of the file that are written into the formulas as numbers.
    starts
        Amounts at which species start, by name in the network; real numbers where the reader was asked for them.

    Examples
    --------
    >>> Reading("model.net").or_refuse()
    Traceback (most recent call last):
    jaxsim.errors.FormatError: model.net: holds no model
    """

    head: str
    network: Network | None = None
    problems: Problems = field(default_factory=Problems)
    notes: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Expression] = field(default_factory=dict)
    per_volume: frozenset[str] = frozenset()
    numbers: Mapping[str, float] = field(default_factory=dict)
    starts: Mapping[str, float] = field(default_factory=dict)

    def or_refuse(self) -> Network:
        """Return the network, or raise a FormatError with all problems."""
        if self.network is None and not len(self.problems):
            self.problems.add("", "holds no model")
        self.problems.refuse(self.head)
        assert self.network is not None
        return self.network
