"""The quantities of an SBML model (compartments, species, parameters) and what becomes of each in a network."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from jaxsim.network import Binary, Expression, Number


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


def amount(quantity: Quantity, value: Expression, volume: Expression) -> Expression:
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
