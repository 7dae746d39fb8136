"""What firing does on average where a reaction sets species by an effect."""

from functools import lru_cache

from jaxsim.network import Binary, Call, Expression, FallingFactorial, Name, Number, Structure, Unary
from jaxsim.network.expression import fold
from jaxsim.network.randomness import RANDOM

NONLINEAR = 2


@lru_cache(maxsize=256)
def expected_effects(structure: Structure) -> dict[tuple[str, int], Expression]:
    """Return, for each species and reaction with an effect, the expected value after firing.

    ``binomial(n, p)`` becomes ``n*p``; an assignment is rounded down on firing, which the expectation leaves out.

    Examples
    --------
    >>> from jaxsim.network import Network, Reaction, to_string
    >>> net = Network({"T": 9}, [Reaction({}, {}, "0.1", {"T": "binomial(T, 0.5)"})])
    >>> {key: to_string(value) for key, value in expected_effects(net.structure).items()}
    {('T', 0): 'T*0.5'}
    """
    return {
        (species, r): fold(value, _expectation)
        for r, reaction in enumerate(structure.reactions)
        for species, value in reaction.effects
    }


def nonlinear_effect(structure: Structure) -> tuple[int, str] | None:
    """Return the first reaction and species whose effect is not linear in the counts, so that its mean is unknown.

    Examples
    --------
    >>> from jaxsim.network import Network, Reaction
    >>> net = Network({"T": 9}, [Reaction({}, {}, "0.1", {"T": "floor(T/2)"})])
    >>> nonlinear_effect(net.structure)
    (0, 'T')
    """
    for r, reaction in enumerate(structure.reactions):
        for species, value in reaction.effects:
            if degree(value, frozenset(structure.species)) >= NONLINEAR:
                return r, species
    return None


def degree(expression: Expression, species: frozenset[str]) -> int:
    """Return 0, 1 or more for an expression that is constant, linear or not linear in the species.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> [degree(parse(text), frozenset("AB")) for text in ("k*t", "A + 2*B", "A*B")]
    [0, 1, 2]
    """

    def visit(node: Expression, below: list[int]) -> int:
        match node:
            case Number(_):
                return 0
            case Name(name):
                return int(name in species)
            case FallingFactorial(name, order):
                return order if name in species else 0
            case Binary("+" | "-", _, _) | Unary("-", _):
                return max(below)
            case Binary("*", _, _):
                return sum(below)
            case Binary("/", _, _) | Call("binomial", (_, _)):
                return below[0] if below[1] == 0 else NONLINEAR
            case Call(function, _) if function in RANDOM:
                return NONLINEAR
            case Call("if", _):
                return max(below[1:]) if below[0] == 0 else NONLINEAR
        return 0 if max(below) == 0 else NONLINEAR

    return fold(expression, visit)


def _expectation(node: Expression, children: list[Expression]) -> Expression:
    if isinstance(node, Call) and node.function == "binomial" and len(children) == 2:
        return Binary("*", *children)
    return node.rebuild(tuple(children)) if children else node
