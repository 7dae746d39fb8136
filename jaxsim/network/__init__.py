"""Reaction networks: expressions, reactions, events, the Network and its static Structure."""

from jaxsim.network.bounds import bounds
from jaxsim.network.conservation import conservation_laws
from jaxsim.network.evaluate import evaluate, evaluate_all, united
from jaxsim.network.event import Event
from jaxsim.network.expression import (
    Binary,
    Call,
    Compare,
    Expression,
    FallingFactorial,
    Logic,
    Name,
    Number,
    Unary,
    names,
    substitute,
    to_string,
)
from jaxsim.network.hoist import hoist, hoist_all
from jaxsim.network.network import Network
from jaxsim.network.parameter import Parameter, is_distribution
from jaxsim.network.parser import parse
from jaxsim.network.quasi_steady import quasi_steady
from jaxsim.network.reaction import Reaction, mass_action, parse_reaction
from jaxsim.network.structure import (
    Structure,
    changed_species,
    dependency_graph,
    names_of_time,
    rate_class,
    stoichiometry,
)

__all__ = [
    "Binary",
    "Call",
    "Compare",
    "Event",
    "Expression",
    "FallingFactorial",
    "Logic",
    "Name",
    "Network",
    "Number",
    "Parameter",
    "Reaction",
    "Structure",
    "Unary",
    "bounds",
    "changed_species",
    "conservation_laws",
    "dependency_graph",
    "evaluate",
    "evaluate_all",
    "hoist",
    "hoist_all",
    "is_distribution",
    "mass_action",
    "names",
    "names_of_time",
    "parse",
    "parse_reaction",
    "quasi_steady",
    "rate_class",
    "stoichiometry",
    "substitute",
    "to_string",
    "united",
]
