"""What is wrong with a model file, gathered so that all of it is reported at once, each with its place."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from jaxsim.errors import FormatError

MOST_REPORTED = 200  # of a file that is wrong throughout


@dataclass(frozen=True)
class Problem:
    """One refusal: where, and why.

    Examples
    --------
    >>> print(Problem("reaction 'R1'", "has no kinetic law; give one", 12))
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

    found: list[Problem] = field(default_factory=list)

    def add(self, place: str, why: str, line: int = 0) -> None:
        """Note a problem, once."""
        problem = Problem(place, why, line)
        if problem not in self.found and len(self.found) < MOST_REPORTED:
            self.found.append(problem)

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.found)

    def refuse(self, head: str) -> None:
        """Raise all problems as one FormatError, if there are any."""
        if self.found:
            raise FormatError(head, sorted(self.found, key=lambda problem: problem.line))


class Refused(Exception):
    """Stops the reading of one element after its problem has been noted; never leaves this package."""
