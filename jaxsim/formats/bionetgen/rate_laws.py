"""Rate laws of BioNetGen as propensities.

Source: Faeder, Blinov & Hlavacek, Methods Mol. Biol. 500 (2009) 113, and Network3's rate functions: the rate constant
already holds the statistical factor, reactants enter by falling factorials.
"""

from collections.abc import Callable

from jaxsim.errors import ExpressionError
from jaxsim.network import Binary, Call, Expression, Name, Number, mass_action

Reactants = list[str]  # species of the network, one entry for each molecule


def elementary(constant: Expression, reactants: Reactants) -> Expression:
    """Return constant or function times the ways to choose the reactants."""
    counts: dict[str, int] = {}
    for name in reactants:
        counts[name] = counts.get(name, 0) + 1
    return mass_action(constant, counts)


def saturation(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return ``k S1 S2 .../((K1 + S1) ...)``: ``Sat k K1 ...``."""
    _require(1 <= len(arguments) - 1 <= len(reactants), "Sat", "a rate and one constant for each saturating reactant")
    rate = elementary(arguments[0], reactants)
    for half, name in zip(arguments[1:], reactants, strict=False):
        rate = Binary("/", rate, Binary("+", half, Name(name)))
    return rate


def michaelis_menten(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return ``k E S/(K + S)`` with the free substrate S that the total quasi-steady state leaves: ``MM k K``."""
    _require(len(arguments) == 2 and len(reactants) == 2, "MM", "a rate, a constant, and substrate and enzyme")
    k, half = arguments
    total, enzyme = map(Name, reactants)
    b = Binary("-", Binary("-", total, half), enzyme)
    inner = Binary("+", Binary("^", b, Number(2.0)), Binary("*", Number(4.0), Binary("*", total, half)))
    free = Binary("*", Number(0.5), Binary("+", b, Call("sqrt", (inner,))))
    return Binary("/", Binary("*", Binary("*", k, enzyme), free), Binary("+", half, free))


def hill(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return ``v S^h/(K^h + S^h)`` times the other reactants: ``Hill v K h``."""
    _require(len(arguments) == 3 and bool(reactants), "Hill", "a rate, a constant, an exponent and a reactant")
    rate, half, exponent = arguments
    result: Expression = Binary("*", rate, Call("hill", (Name(reactants[0]), half, exponent)))
    for name in reactants[1:]:
        result = Binary("*", result, Name(name))
    return result


def function_product(arguments: list[Expression], reactants: Reactants) -> Expression:
    """Return the product of two functions times the ways to choose the reactants: ``FunctionProduct "f" "g"``."""
    _require(len(arguments) == 2, "FunctionProduct", "two functions")
    return elementary(Binary("*", *arguments), reactants)


RATE_LAWS: dict[str, Callable[[list[Expression], Reactants], Expression]] = {
    "Sat": saturation,
    "MM": michaelis_menten,
    "Hill": hill,
    "FunctionProduct": function_product,
}
UNSUPPORTED = ("Arrhenius", "TFUN")


def _require(good: bool, law: str, needs: str) -> None:
    if not good:
        raise ExpressionError(f"has a rate law {law} that needs {needs}")
