"""The table of functions an expression may call: a new one is a file and a line here."""

from jaxsim.network.elementary import ELEMENTARY
from jaxsim.network.function import Function
from jaxsim.network.hill import HILL
from jaxsim.network.michaelis_menten import MICHAELIS_MENTEN

FUNCTIONS: dict[str, Function] = {
    **ELEMENTARY,
    "hill": HILL,
    "michaelis_menten": MICHAELIS_MENTEN,
}

SYNONYMS = {"ln": "log"}

# Special in evaluation: `if` takes a truth value, `binomial` draws. Numbers of arguments.
SPECIAL_ARITY = {"if": 3, "binomial": 2}

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
