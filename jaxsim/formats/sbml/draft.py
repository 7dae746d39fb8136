"""Drafts: models on their way from SBML to a network, as the steps of reading share them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from jaxsim.formats.names import Identifiers
from jaxsim.formats.reading import Problems, Refused
from jaxsim.formats.sbml.mathml import Function, Translator
from jaxsim.network import Binary, Event, Expression, Name, Number, Reaction

# The quantities of an SBML model (compartments, species, parameters) and what becomes of each in a network.


class Role(Enum):
    """What a quantity is in the network."""

    CONSTANT = "a parameter"
    COUNT = "a species"
    VARIABLE = "a variable"
    RULE = "an observable, by an assignment rule"
    CLOCK = "an observable of the time, by a rate rule"
    NUMBER = "a number written into the formulas"


@dataclass
class Quantity:
    """One quantity: amounts of species are molecules."""

    id: str
    kind: str
    """compartment, species, parameter or stoichiometry."""
    element: Any
    name: str
    """In the network."""
    value: float | None = None
    """At the start; the amount of a species."""
    role: Role = Role.CONSTANT
    compartment: "Quantity | None" = None
    per_volume: bool = False
    """Whether formulas mean the concentration of this species."""
    moved: bool = False
    """Whether reactions change it."""
    set_by_event: bool = False
    drawn: bool = False
    """Whether its initial assignment is random."""

    @property
    def place(self) -> str:
        """For sentences about it."""
        return f"{self.kind} '{self.id}'"

    @property
    def line(self) -> int:
        """In the file."""
        return int(self.element.getLine())

    @property
    def constant(self) -> bool:
        """Whether the file declares it constant."""
        return bool(self.element.getConstant())


def amount_of(quantity: Quantity, value: Expression, volume: Expression) -> Expression:
    """Return the amount of a species from what formulas mean by it; anything else as it is."""
    return _scaled("*", value, volume) if quantity.per_volume else value


def meant(quantity: Quantity, value: Expression, volume: Expression) -> Expression:
    """Return what formulas mean by a species from its amount; anything else as it is."""
    return _scaled("/", value, volume) if quantity.per_volume else value


def _scaled(op: str, value: Expression, volume: Expression) -> Expression:
    if volume == Number(1.0):
        return value
    if isinstance(value, Number) and isinstance(volume, Number):
        return Number(value.value * volume.value if op == "*" else value.value / volume.value)
    return Binary(op, value, volume)


@dataclass
class Draft:
    """Everything that is known of the model so far."""

    model: Any
    problems: Problems
    notes: list[str] = field(default_factory=list)
    identifiers: Identifiers = field(default_factory=Identifiers)
    quantities: dict[str, Quantity] = field(default_factory=dict)
    functions: dict[str, Function | None] = field(default_factory=dict)
    """None for what could not be read."""
    rules: dict[str, Expression] = field(default_factory=dict)
    """Amount or value of each quantity with an assignment or rate rule."""
    initial: dict[str, Expression] = field(default_factory=dict)
    """Amount or value of each quantity with an initial assignment."""
    extra_parameters: dict[str, float] = field(default_factory=dict)
    """Local parameters, by their name in the network."""
    extra_variables: dict[str, float] = field(default_factory=dict)
    """Origins of clocks that events set, by their name in the network."""
    reactions: list[Reaction] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    assigned: dict[str, list[Expression]] = field(default_factory=dict)
    """What events set, by name in the network."""
    rounded: bool = False
    """Whether to round initial amounts to counts."""
    real: bool = False
    """Whether amounts may be real numbers, as rate equations take them."""

    def refusal(self, place: str, element: Any) -> Callable[[str], Refused]:
        """Return a function that notes a problem of an element and gives what to raise."""

        def refuse(why: str) -> Refused:
            self.problems.add(place, why, int(element.getLine()))
            return Refused(why)

        return refuse

    def translate(self, math_node: Any, place: str, element: Any, local: dict[str, str] | None = None) -> Expression:
        """Return the expression of a formula, in amounts."""
        refuse = self.refusal(place, element)
        return self.translator.translate(math_node, self.look_up(refuse, local or {}), refuse)

    @cached_property
    def translator(self) -> Translator:
        """Of all formulas of the file, which share a limit on what their functions are written out to."""
        return Translator(self.functions)

    def look_up(self, refuse: Callable[[str], Refused], local: dict[str, str]) -> Callable[[str], Expression]:
        """Return how names in formulas become expressions."""

        def find(identifier: str) -> Expression:
            if identifier in local:
                return Name(local[identifier])
            quantity = self.quantities.get(identifier)
            if quantity is None:
                raise refuse(f"reads '{identifier}', which is no compartment, species or parameter of the file")
            if quantity.kind == "compartment":
                return self.volume(quantity, refuse)
            if quantity.role is Role.NUMBER:
                return Number(math.nan if quantity.value is None else quantity.value)
            value = Name(quantity.name)
            if not quantity.per_volume:
                return value
            assert quantity.compartment is not None
            return meant(quantity, value, self.volume(quantity.compartment, refuse))

        return find

    def volume(self, compartment: Quantity, refuse: Callable[[str], Refused]) -> Expression:
        """Return the size of a compartment: a number if it is constant."""
        if compartment.role is not Role.NUMBER:
            return Name(compartment.name)
        if compartment.value is None:
            raise refuse(f"needs the size of compartment '{compartment.id}', which has none; give it one")
        if not compartment.value > 0:
            raise refuse(f"needs the size of compartment '{compartment.id}', which is {compartment.value:g}")
        return Number(compartment.value)
