"""The table of functions an expression may call: a new one is a file and a line here."""

from jaxsim.network.elementary import ELEMENTARY
from jaxsim.network.function import Function
from jaxsim.network.hill import HILL
from jaxsim.network.michaelis_menten import MICHAELIS_MENTEN
from jaxsim.network.randomness import RANDOM

FUNCTIONS: dict[str, Function] = {
    **ELEMENTARY,
    "hill": HILL,
    "michaelis_menten": MICHAELIS_MENTEN,
}

SYNONYMS = {"ln": "log"}

# Special in evaluation: `if` takes a truth value, random functions draw. Numbers of arguments.
SPECIAL_ARITY = {"if": 3, **{name: len(parameters) for name, parameters in RANDOM.items()}}

RESERVED = (
    frozenset(FUNCTIONS)
    | frozenset(SYNONYMS)
    | frozenset(SPECIAL_ARITY)
    | {
        "t",
        "pi",
        "and",
        "or",
        "not",
    }
)
