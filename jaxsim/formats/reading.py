"""What a reader returns: the network, or why there is none, and what was left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxsim.formats.problems import Problems
from jaxsim.network import Expression, Network


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
